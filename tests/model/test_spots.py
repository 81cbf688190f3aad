"""What requests leave behind in one place: when it is a leak, and when a memo."""

from __future__ import annotations

from collections.abc import Container

import pytest

from tests.model.story import Story


def test_a_list_that_each_request_fills_is_kept() -> None:
    """Each entry is kept, from the third on; two might be two memos."""
    story = Story()
    for number in range(3):
        token = story.request()
        story.hold(token, f"shop.ALL[{number}]", "shop.ALL[*]")
        story.walk()
        assert story.scopes() == ["kept" if number == 2 else "process"] * (number + 1)
    assert story.life(1).held_by == "shop.ALL[0]"
    assert not story.life(1).one_at_a_time


def test_a_memo_is_filled_by_the_first_request_alone() -> None:
    """However many come after it, and whether or not they are seen to use it."""
    story = Story()
    memo = story.request()
    story.hold(memo, "shop.MEMO")
    for _ in range(9):
        story.request(builds=0)
        story.walk()
    assert story.life(memo).scope == "process"


def test_memos_by_page_are_no_leak_though_they_lie_in_one_place() -> None:
    """As compiled templates do in the loader's cache: each new page adds one."""
    story = Story()
    for page in range(12):
        token = story.request(f"/{page}/")
        story.hold(token, f"shop.CACHE['{page}']", "shop.CACHE[*]")
        story.walk()
        for _ in range(3):
            story.request(f"/{page}/", builds=0)
    assert set(story.scopes()) == {"process"}


def test_a_memo_by_visitor_or_by_language_is_no_leak_though_one_page_fills_it() -> None:
    """Five visitors, or five languages, come one after the other, then again and again."""
    story = Story()
    for number in range(20):
        token = story.request(builds=number < 5)
        if number < 5:
            story.hold(token, "shop.MEMO['…']", "shop.MEMO[*]", keyed=True)
        story.walk()
        assert "kept" not in story.scopes()


def test_what_each_request_adds_under_a_new_key_is_kept_in_the_end() -> None:
    """From the sixth on; the requests for other pages count too."""
    for pages in (1, 2):
        story = Story()
        for number in range(6):
            token = story.request(f"/{number % pages}/")
            story.hold(token, "shop.ALL['…']", "shop.ALL[*]", keyed=True)
            story.walk()
            assert story.scopes() == ["kept" if number == 5 else "process"] * (number + 1)


@pytest.mark.parametrize("walks", [(6, 10), range(1, 11)], ids=["few walks", "many"])
def test_what_several_requests_use_before_it_is_replaced_is_not_left_behind(
    walks: Container[int],
) -> None:
    """A configuration that is loaded anew now and then."""
    story = Story()
    loaded = 0
    for number in range(1, 11):
        loads = number in (1, 2, 6, 10)
        token = story.request(builds=loads, uses=(loaded,) if loaded and not loads else ())
        if loads and loaded:
            story.dies(loaded, replaced=True)
        loaded = token if loads else loaded
        story.hold(loaded, "shop.CONFIGURATION")
        if number in walks:
            story.walk()
            assert story.life(loaded).scope == "process"


def test_what_is_replaced_under_one_key_is_kept_from_the_third_on() -> None:
    """As in `LAST["request"] = request`: the entries of a memo would lie there together."""
    story = Story()
    before = 0
    for number in range(4):
        token = story.request()
        if before:
            story.dies(before, replaced=True)
        before = token
        story.hold(token, "shop.LAST['…']", "shop.LAST[*]", keyed=True)
        story.walk()
        assert story.life(token).scope == ("kept" if number >= 2 else "process")


def test_one_page_of_several_that_leaks_is_enough() -> None:
    """The others that lie there are of the same place."""
    story = Story()
    for number in range(6):
        for page in ("/clean/", "/leaky/"):
            token = story.request(page, builds=page == "/leaky/")
        story.hold(token, f"shop.ALL[{number}]", "shop.ALL[*]")
    story.walk()
    assert set(story.scopes()) == {"kept"}


def test_what_fewer_than_half_of_the_requests_leave_is_not_kept() -> None:
    """Every fifth request for the page builds one, as a pool grows."""
    story = Story()
    for number in range(30):
        token = story.request(builds=number % 5 == 0)
        if number % 5 == 0:
            story.hold(token, f"shop.POOL[{number}]", "shop.POOL[*]")
    story.walk()
    assert set(story.scopes()) == {"process"}


def test_what_only_the_first_requests_left_is_not_kept() -> None:
    """A pool that was filled by the first five of eight requests."""
    story = Story()
    for number in range(8):
        token = story.request(builds=number < 5)
        if number < 5:
            story.hold(token, f"shop.POOL[{number}]", "shop.POOL[*]")
    story.walk()
    assert set(story.scopes()) == {"process"}


def test_what_later_requests_use_is_not_left_behind() -> None:
    """Each request builds one, and each is used again: a registry that grows."""
    story = Story()
    before: tuple[int, ...] = ()
    for number in range(8):
        token = story.request(uses=before)
        before = (*before, token)
        story.hold(token, f"shop.ALL[{number}]", "shop.ALL[*]")
    story.request(builds=0, uses=before)
    story.walk()
    assert set(story.scopes()) == {"process"}


def test_the_newest_of_replaced_objects_is_kept_and_so_are_those_before_it() -> None:
    """One at a time: each request puts its own into the place of the one before."""
    story = Story()
    before = 0
    for _ in range(5):
        token = story.request()
        if before:
            story.dies(before, replaced=True)
        before = token
    story.hold(before, "shop.LAST")
    story.walk()
    assert story.scopes() == ["kept"] * 5
    assert all(story.life(token).one_at_a_time for token in range(1, 6))
    assert story.life(1).spot == "shop.LAST"
    assert (story.life(1).freed, story.life(1).outlived_by) == ("later", 1)


def test_an_object_that_was_replaced_elsewhere_says_nothing_of_a_memo() -> None:
    """Both are of one class: the memo is the first request's, the other place held the rest."""
    story = Story()
    memo = story.request()
    story.hold(memo, "shop.MEMO")
    before = 0
    for _ in range(6):
        token = story.request()
        if before:
            story.dies(before, replaced=True)
        before = token
    story.dies(before)
    story.walk()
    assert story.life(memo).scope == "process"
    assert story.life(before).scope == "request"


def test_replaced_objects_that_the_collector_frees_show_in_the_walks() -> None:
    """Nobody saw who let them go; but at each walk the newest request's object was there."""
    story = Story()
    before = 0
    for _ in range(4):
        token = story.request()
        if before:
            story.held.pop(before, None)
            story.dies(before, "collector")
        before = token
        story.hold(token, "shop.LAST")
        story.walk()
    assert story.life(before).scope == "kept"
    assert story.life(before).one_at_a_time


def test_what_hangs_on_a_kept_object_is_kept_with_it() -> None:
    """By attributes alone: a session that only the last of the kept requests has."""
    story = Story()
    for number in range(4):
        token = story.request(builds=2)
        story.hold(token - 1, f"shop.ALL[{number}]", "shop.ALL[*]")
    story.hold(token, "shop.ALL[3].session", "shop.ALL[*].session")
    story.walk()
    assert story.life(token).scope == "kept"


def test_each_thread_has_a_place_of_its_own() -> None:
    """An object in the storage of each of twelve threads is no pile of twelve."""
    story = Story()
    for thread in range(1, 13):
        token = story.request(thread=thread)
        story.hold(token, "shop.LOCAL.thing", root="thread", by=thread)
    story.walk()
    assert set(story.scopes()) == {"thread"}


def test_what_each_request_of_its_thread_sets_anew_is_kept() -> None:
    """Also where two threads share the work: each is judged by its own requests."""
    story = Story()
    before = {1: 0, 2: 0}
    for number in range(10):
        thread = 1 + number % 2
        token = story.request(thread=thread)
        if before[thread]:
            story.dies(before[thread], replaced=True)
        before[thread] = token
    for thread, token in before.items():
        story.hold(token, "shop.LOCAL.request", root="thread", by=thread)
    story.walk()
    assert set(story.scopes()) == {"kept"}


def test_what_an_import_built_counts_nowhere() -> None:
    """Three requests that import a module each leave one in a class's registry."""
    story = Story()
    for number in range(3):
        token = story.request(by_import=f"shop.late{number}")
        story.hold(token, f"shop.REGISTRY[{number}]", "shop.REGISTRY[*]")
    story.walk()
    assert set(story.scopes()) == {"process"}


def test_a_list_that_was_cleared_keeps_nothing_any_more() -> None:
    """What was let go has outlived its request, and the alarm is over."""
    story = Story()
    for number in range(4):
        token = story.request()
        story.hold(token, f"shop.ALL[{number}]", "shop.ALL[*]")
    story.walk()
    assert story.scopes() == ["kept"] * 4
    story.request(builds=0)
    for token in range(1, 5):
        story.dies(token)
    story.walk()
    assert "kept" not in story.scopes()
    assert [story.life(token).outlived_by for token in range(1, 5)] == [4, 3, 2, 1]


@pytest.mark.parametrize("root", ["thread", "module"])
def test_what_no_walk_finds_any_more_is_lost_and_still_known_by_its_holder(root: str) -> None:
    """It lives, and nothing is found to hold it: it may wait for the collector."""
    story = Story()
    token = story.request()
    story.hold(token, "shop.ONE", root=root, by=1 if root == "thread" else 0)
    story.walk()
    story.held.clear()
    story.request(builds=0)
    story.walk()
    life = story.life(token)
    assert (life.is_held, life.held_by) == (False, "shop.ONE")


def test_an_object_in_the_storage_of_a_thread_that_ends_is_the_thread_s() -> None:
    """Only of the thread that built it: another's storage may hold it, too."""
    story = Story()
    mine, other = story.request(thread=1), story.request(thread=2)
    story.thread_ends(1, mine, other)
    story.dies(mine, "collector")
    story.dies(other, "collector")
    assert story.life(mine).scope == "thread"
    assert story.life(other).scope == "request"


def test_a_running_process_remembers_no_more_however_long_it_leaks_and_replaces() -> None:
    """The counts of forgotten requests stay true: the place is kept all the same."""
    story = Story(keep=8)
    before = 0
    for _ in range(600):
        token = story.request()
        if before:
            story.dies(before, replaced=True)
        before = token
    story.hold(before, "shop.LAST")
    story.walk()
    assert story.life(before).scope == "kept"
    assert len(story.history.objects.tracked) < 100


def test_one_object_at_a_time_is_kept_though_a_list_leads_to_it() -> None:
    """An attribute of the third middleware: each walk comes after a page that is new."""
    story = Story()
    before = 0
    for page in range(4):
        token = story.request(f"/{page}/")
        if before:
            story.dies(before, "collector")
        before = token
        story.hold(token, "shop.CHAIN[2].request", "shop.CHAIN[*].request")
        story.walk()
    assert story.life(before).scope == "kept"
