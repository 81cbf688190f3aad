"""The timeline of one request."""

from __future__ import annotations

import pytest

from tests.render.drawing import ESCAPE, WIDTHS, plain, row, uncoloured, widest
from tests.render.sample_process import Story, cafe
from tracer.model import Process
from tracer.render import Timeline, to_text
from tracer.render.layout.theme import TIMES


def timeline(story: Story, number: int = 1) -> Timeline:
    """The timeline of one of the story's requests."""
    process = story.process()
    return Timeline(process, process.requests[number - 1])


@pytest.fixture(scope="module")
def process() -> Process:
    """The café after six requests."""
    return cafe()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(process: Process, width: int) -> None:
    """Each stage has one line of its own at every width, so nothing has wrapped."""
    for request in process.requests:
        text = plain(Timeline(process, request), width)
        assert widest(text) <= width
        if width >= 80:
            assert len([line for line in text.splitlines() if "Middleware" in line]) == 7


def test_stages_stand_in_the_order_in_which_they_began(process: Process) -> None:
    """What was entered first is drawn first."""
    text = plain(Timeline(process, process.requests[0]))
    order = ["request_started", "SecurityMiddleware", "XFrameOptions", "resolve →", "view ",
             "compile ", "SQL SELECT", "response.close", "request_finished"]  # fmt: skip
    assert [text.index(word) for word in order] == sorted(text.index(word) for word in order)


def test_a_stage_is_indented_below_the_stage_it_ran_in(process: Process) -> None:
    """Nesting is shown by indentation."""
    text = plain(Timeline(process, process.requests[0]))
    depths = [
        len(line) - len(line.lstrip())
        for line in text.splitlines()
        if line.lstrip().startswith(("Security", "Session", "Common", "resolve", "SQL"))
    ]
    assert depths == sorted(set(depths))


def test_a_bar_is_heavy_at_its_ends_and_light_while_a_nested_stage_ran() -> None:
    """Own time is told from waiting, and both from nothing."""
    story = Story()
    with story.request() as now, now.stage("middleware", "Outer", took=1000):
        now.does("view", "inner", took=8000)
    outer = row(plain(timeline(story)), "Outer")
    bar = outer[outer.index("━") : outer.rindex("━") + 1]
    assert set(bar.strip("━")) <= set("─╾╼")
    assert bar.count("─") > 5 * bar.count("━")


def test_what_runs_on_after_its_parent_was_not_waited_for() -> None:
    """A background thread's work leaves the bar of the view that started it heavy."""
    story = Story()
    with story.request(status=200) as now:
        with now.stage("view", "starter", took=4000):
            now.does("query", "SELECT slow", took=100, thread=7)
        late = now.spans[1]
        object.__setattr__(late, "end", now.spans[0].end + 5_000_000)
        now.works(6000)
    assert "─" not in row(plain(timeline(story)), "view starter")


def test_an_instant_is_a_single_mark(process: Process) -> None:
    """What took no time has no bar and no milliseconds."""
    line = row(plain(Timeline(process, process.requests[0])), "response HttpResponse")
    assert line.count("◆") == 1
    assert "━" not in line


def test_the_axis_has_ticks_at_round_numbers(process: Process) -> None:
    """5.2 ms over 80 columns are divided into steps of half a millisecond."""
    head = plain(Timeline(process, process.requests[0]), 200).splitlines()[1]
    assert head.split("ms")[1].split() == [
        str(tick / 2 if tick % 2 else tick // 2) for tick in range(1, 11)
    ]


@pytest.mark.parametrize(("took", "first"), [(90, "0 µs"), (4_000, "0 ms"), (12_000_000, "0 s")])
def test_the_axis_takes_the_unit_that_suits(took: int, first: str) -> None:
    """Microseconds, milliseconds or seconds."""
    story = Story()
    with story.request() as now:
        now.does("view", "page", took=took)
    assert first in plain(timeline(story)).splitlines()[1]


def test_the_heading_says_what_was_asked_and_what_came(process: Process) -> None:
    """Method, path, status, duration, size; process, request and thread."""
    heading = plain(Timeline(process, process.requests[4])).splitlines()[0]
    for said in ("GET /menu/?page=…", "200 OK", "4.31 ms", "1.9 kB"):
        assert said in heading
    assert "process 48213 · its request 5 · thread ThreadPoolExecutor-0_0" in heading


def test_a_narrow_heading_still_says_process_and_request(process: Process) -> None:
    """At 80 columns the words are shorter and the numbers are there."""
    assert "pid 48213 · #5" in plain(Timeline(process, process.requests[4]), 80).splitlines()[0]


def test_each_object_says_how_long_it_lives_beside_its_colour(process: Process) -> None:
    """The scope stands there as a word."""
    text = plain(Timeline(process, process.requests[0]))
    assert " process " in row(text, "SecurityMiddleware")
    assert " thread " in row(text, "SQL SELECT cafe_dish")
    assert " connection " in row(text, "connection open default")
    assert " request " in row(text, "view cafe.views.Menu.get")


def test_uses_are_counted_up_to_this_request(process: Process) -> None:
    """The first request shows use 1 although five more have followed."""
    for number, request in enumerate(process.requests, 1):
        text = plain(Timeline(process, request))
        assert f"built at boot · use {number}" in row(text, "SecurityMiddleware")
    assert "built in #1 · use 2" in row(
        plain(Timeline(process, process.requests[1])), "template cafe/menu.html"
    )


def test_a_scope_taken_from_earlier_objects_is_marked_and_explained(process: Process) -> None:
    """The last request's view is undecided; those before it were freed with their requests."""
    text = plain(Timeline(process, process.requests[5]))
    assert "≈ request" in row(text, "view cafe.views.Menu.get")
    assert "≈ undecided, shown is what earlier ones turned out to be" in text


def test_what_is_undecided_and_new_is_said_to_be_not_known() -> None:
    """No verdict is made up for an object that nothing is known of."""
    story = Story()
    with story.request() as now:
        view = now.builds("view", "Menu view")
        now.does("view", "cafe.views.Menu", view)
    text = plain(timeline(story))
    assert "not known yet" in row(text, "view cafe.views.Menu")
    assert "≈" not in text


def test_a_kept_object_names_its_holder() -> None:
    """KEPT stands at the stage, and what holds the object."""
    story = Story()
    with story.request() as now:
        basket = now.builds("watched", "Basket")
        now.does("watched", "Basket.add", basket)
    story.collects()
    story.held(basket, "cafe.views.RECENT[0]")
    text = plain(timeline(story))
    assert "KEPT" in row(text, "Basket.add")
    assert "held by cafe.views.RECENT[0]" in text


def test_a_run_of_equal_queries_is_folded_into_one_row(process: Process) -> None:
    """Of fifty, two are drawn and the rest are counted; their times are added up."""
    text = plain(Timeline(process, process.requests[4]), 200)
    lines = [line for line in text.splitlines() if "SQL SELECT cafe_dish" in line]
    assert len(lines) == 3
    assert f"{TIMES} 48 more" in lines[2]
    assert "0.86" in lines[2]
    assert "50 in all" in lines[2]


@pytest.mark.parametrize("width", [80, 118])
def test_a_folded_row_says_how_many_however_narrow(process: Process, width: int) -> None:
    """The name is cropped before the count is."""
    assert f"{TIMES} 48 more" in plain(Timeline(process, process.requests[4]), width)


def test_queries_that_take_turns_are_folded_too() -> None:
    """A query for the author and one for the price of every dish: two rows for each, then two."""
    story = Story()
    with story.request() as now, now.stage("view", "list"):
        for _ in range(20):
            now.does("query", "SELECT author")
            now.does("query", "SELECT price")
    lines = [line for line in plain(timeline(story)).splitlines() if "SELECT" in line]
    assert len(lines) == 6
    assert f"SELECT author {TIMES} 18 more" in lines[4]
    assert f"SELECT price {TIMES} 18 more" in lines[5]


def test_four_equal_queries_are_all_drawn() -> None:
    """Folding is for the unreadable."""
    story = Story()
    with story.request() as now, now.stage("view", "list"):
        for _ in range(4):
            now.does("query", "SELECT author")
    assert plain(timeline(story)).count("SELECT author") == 4


def test_a_failing_query_among_equals_is_not_folded_away() -> None:
    """An error is a difference."""
    story = Story()
    with story.request() as now, now.stage("view", "list"):
        for index in range(30):
            error = "OperationalError" if index == 15 else ""
            now.does("query", "SELECT author", error=error)
    assert "raises OperationalError" in plain(timeline(story))


def test_hundreds_of_different_stages_are_cut_and_the_cut_is_told() -> None:
    """The longest are drawn with everything around them; the others are counted."""
    story = Story()
    with story.request() as now, now.stage("view", "list"):
        for index in range(300):
            now.does("query", f"SELECT table_{index}", took=5000 if index == 250 else 10)
    text = plain(timeline(story))
    assert len(text.splitlines()) < 80
    assert "SELECT table_250" in text
    assert "view list" in text
    assert "231 shorter stages not drawn" in text


def test_a_stage_on_another_thread_says_which_at_every_width() -> None:
    """A letter at the row, and the thread's name below."""
    story = Story()
    story.thread(1, "MainThread")
    story.thread(7, "Thread-7 (mailer)")
    with story.request() as now, now.stage("view", "page"):
        now.does("query", "SELECT outbox", thread=7)
    for width in WIDTHS:
        text = plain(timeline(story), width)
        query = next(line for line in text.splitlines() if line.lstrip().startswith("SQL"))
        assert query.endswith(" A") or " A " in query
        assert " A " not in next(line for line in text.splitlines() if "view" in line)
        assert "A on thread Thread-7 (mailer)" in text


def test_a_streamed_body_is_a_phase_of_its_own() -> None:
    """It is announced before its first row."""
    story = Story()
    with story.request() as now:
        now.does("middleware", "Outer")
        with now.stage("body", "streamed body", detail="3 chunks"):
            now.does("query", "SELECT dish")
    lines = plain(timeline(story)).splitlines()
    index = next(i for i, line in enumerate(lines) if "streamed body" in line)
    assert "the body, streamed after every middleware had returned" in lines[index - 1]


@pytest.mark.parametrize("width", [80, 118])
def test_an_exception_is_named_where_it_left_a_stage(width: int) -> None:
    """Without a column for objects it stands at the name."""
    story = Story()
    with story.request(status=500) as now, now.stage("middleware", "Outer"):
        now.does("view", "cafe.views.broken", error="KeyError")
    text = plain(timeline(story), width)
    assert "raises KeyError" in row(text, "view")
    assert "500 Internal Server Error" in text


def test_below_it_stands_what_became_of_what_was_born(process: Process) -> None:
    """Counts and names, in words."""
    first = plain(Timeline(process, process.requests[0]), 200)
    assert "born 61 → 4 freed with it · 0 kept · 3 freed by the collector" in first
    assert f"54 stay for later requests: URLResolver '^/', URLPattern {TIMES} 48" in first
    assert "imported 26 modules: cafe.part_0, cafe.part_1, cafe.part_2 and 23 more" in first
    assert "the tracer's own share: 120 µs, 2%" in first
    assert "1 KEPT: Basket" in plain(Timeline(process, process.requests[4]))
    last = plain(Timeline(process, process.requests[5]))
    assert "3 undecided until a full collection: WSGIRequest, RequestContext, Menu view" in last


def test_what_went_wrong_with_the_recording_is_told() -> None:
    """No close, births beyond the limit, no status, unknown status, a collection inside."""
    story = Story()
    with story.request(ending="never closed", uncounted=312, status=None, size=None) as now:
        now.does("collection", "generation 2", took=800)
    with story.request(status=799, uncounted=0):
        pass
    text = plain(timeline(story), 200)
    assert "never closed: the server skipped the response's close()" in text
    assert "312 more births not watched" in text
    assert "no response" in text
    assert "1 garbage collection inside it, 800 µs" in text
    assert "nothing born" in text
    assert "  799  " in plain(timeline(story, 2))


def test_without_colour_there_is_not_one_escape_sequence(process: Process) -> None:
    """For pipes and log files."""
    assert ESCAPE not in plain(Timeline(process, process.requests[4]))


def test_colour_adds_codes_and_changes_no_character(process: Process) -> None:
    """Nothing is told by colour alone: without its codes the text is the same."""
    picture = Timeline(process, process.requests[4])
    coloured = to_text(picture, width=118, colour=True)
    assert ESCAPE in coloured
    assert uncoloured(coloured) == plain(picture)


@pytest.mark.parametrize("hostile", ["\x1b[31mred", "\x07bell", "a\nb", "\u202efdp", "\ud800x"])
@pytest.mark.parametrize("colour", [True, False])
def test_control_characters_reach_the_terminal_only_as_escapes(hostile: str, colour: bool) -> None:
    """In paths, names, details, errors, thread names, modules and method."""
    story = Story()
    story.thread(7, f"t{hostile}")
    about = {"method": hostile, "thread_name": hostile, "imports": (hostile,), "ending": hostile}
    with story.request(f"/{hostile}", **about) as now:
        view = now.builds("view", hostile)
        now.does("view", hostile, view, detail=hostile, error=hostile, thread=7)
    text = uncoloured(to_text(timeline(story), width=200, colour=colour))
    assert hostile not in text.replace("\n", "\0")
    assert not [char for char in text if not char.isprintable() and char != "\n"]
    assert hostile.encode("unicode_escape").decode() in text


def test_markup_in_names_is_text() -> None:
    """rich's own notation means nothing in a name."""
    story = Story()
    with story.request("/[bold]/") as now:
        now.does("view", "[red]x[/red]")
    text = plain(timeline(story))
    assert "/[bold]/" in text
    assert "[red]x[/red]" in text


def test_wide_characters_keep_the_columns_straight() -> None:
    """A cell is what counts, not a character."""
    story = Story()
    with story.request("/メニュー/" * 30) as now:
        now.does("template", "喫茶店" * 30 + ".html", took=5000)
        now.does("template", "plain.html", took=5000)
    for width in WIDTHS:
        text = plain(timeline(story), width)
        assert widest(text) <= width


def test_a_long_path_is_cropped_with_an_ellipsis(process: Process) -> None:
    """The status is never pushed out."""
    story = Story()
    with story.request("/" + "x" * 500):
        pass
    heading = plain(timeline(story)).splitlines()[0]
    assert "x…  200 OK" in heading


def test_a_damaged_nesting_is_still_drawn() -> None:
    """Parents that are missing, or that are their own descendants, make outermost stages."""
    story = Story()
    with story.request() as now:
        for name in ("first", "second", "third"):
            now.does("view", name)
        for span, parent in zip(now.spans, (1, 0, 99), strict=True):
            object.__setattr__(span, "parent", parent)
    text = plain(timeline(story))
    assert all(f"view {name}" in text for name in ("first", "second", "third"))


def test_a_stream_without_box_characters_gets_ascii(process: Process) -> None:
    """Every glyph has a fallback, so no question mark is left."""
    text = plain(Timeline(process, process.requests[4]), encoding="ascii")
    assert text.isascii()
    assert "?" not in text.replace("?page", "")
    assert "===" in row(text, "template cafe/menu.html")
    assert "---" in row(text, "SecurityMiddleware")


def test_a_request_without_stages_is_a_heading_and_its_notes() -> None:
    """Nothing to draw is no reason to fail."""
    story = Story()
    with story.request("/nothing/"):
        pass
    assert "GET /nothing/" in plain(timeline(story))


def test_a_request_deeper_than_the_terminal_is_wide_still_shows_names() -> None:
    """Indentation never takes more than half of the name's room."""
    story = Story()
    with story.request() as now:
        stack = [now.stage("template", f"level_{index}.html") for index in range(60)]
        for each in stack:
            each.__enter__()
        for each in reversed(stack):
            each.__exit__(None, None, None)
    text = plain(timeline(story), 80)
    last = next(line for line in reversed(text.splitlines()) if "template" in line)
    assert "html" in last
    assert widest(text) <= 80


def test_what_does_not_fit_beside_a_stage_ends_in_one_ellipsis() -> None:
    """However the pieces fall, at every width."""
    story = Story()
    with story.request() as now:
        view = now.builds("view", "Menu view")
        now.does("view", "page", view, detail="in some place", error="Resolver404")
    for width in range(100, 140):
        assert "……" not in plain(timeline(story), width)


def test_a_sentence_of_many_names_is_counted_rather_than_cut() -> None:
    """Long names are shortened one by one, so that the count at the end is seen."""
    story = Story()
    with story.request(imports=tuple(f"package.{'x' * 40}.m{i}" for i in range(9))) as now:
        for index in range(9):
            now.builds(f"kind{index}", f"Thing{index}{'y' * 40}")
    text = plain(timeline(story), 118)
    assert text.count("and 6 more") == 2
    assert "xxx.m2 and 6 more" in text


def test_many_short_stages_together_make_their_parent_wait() -> None:
    """Each is shorter than a cell; together they fill it."""
    story = Story()
    with story.request() as now, now.stage("view", "list", took=10):
        for index in range(400):
            now.does("query", f"SELECT t{index % 7}", took=10)
    bar = row(plain(timeline(story)), "view list")
    assert bar.count("─") > 5 * bar.count("━")
