"""Every verdict is right, however the site is served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from tests.fates import table
from tests.fates.serving import WAYS, Way, serve_in
from tests.fates.verdicts import OPEN, RIGHT, WRONG, Verdict, verdicts
from tests.servers.availability import require_server
from tracer.servers import program

MOST_UNDECIDED = 0.05


def assert_right(way: Way, moment: str, found: Sequence[Verdict]) -> None:
    """Fails with a line for each kind of wrong verdict, or if too many are left undecided."""
    counts = Counter(each.outcome for each in found)
    column = table.Column(f"{way.name}, {moment}", found)
    assert not counts[WRONG], "\n".join(table.complaints(column, WRONG))
    decided = counts[RIGHT] + counts[OPEN]
    assert decided > 3000
    assert counts[OPEN] <= MOST_UNDECIDED * decided, "\n".join(table.complaints(column, OPEN))
    open_rows, rows = table.open_rows(found), {each.row for each in found}
    assert len(open_rows) <= MOST_UNDECIDED * len(rows), f"undecided: {open_rows}"


@pytest.mark.parametrize("way", [way for way in WAYS if not way.server], ids=lambda way: way.name)
def test_no_verdict_is_wrong_on_threads_of_our_own(way: Way) -> None:
    """At most one in twenty is undecided, and of the kinds too: by walks alone, and at the end."""
    served = serve_in(way)
    for moment, processes in (("quiet", served.quiet), ("ended", served.ended)):
        assert_right(way, moment, list(verdicts(processes, way.traits)))


@pytest.mark.slow
@pytest.mark.parametrize("way", [way for way in WAYS if way.server], ids=lambda way: way.name)
def test_no_verdict_is_wrong_under_a_real_server(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most one in twenty is undecided, and of the kinds too: by walks alone, and at the end."""
    require_server(way.server)
    monkeypatch.setattr(program, "STOP_TIMEOUT", 120.0)
    served = serve_in(way)
    for moment, processes in (("quiet", served.quiet), ("ended", served.ended)):
        assert_right(way, moment, list(verdicts(processes, way.traits)))
