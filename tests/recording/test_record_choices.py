"""What `record()` can be asked for: classes to watch, values to show, a journal, a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cafe.models import Basket
from django.test import Client

from tests.recording.record_site import paths
from tracer import Reading, RecordingError, record, runtime
from tracer.conf import Config
from tracer.journal.reader import processes
from tracer.model import stages

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"]),
    pytest.mark.usefixtures("pages"),
]


@pytest.mark.parametrize("named", [Basket, "cafe.models.Basket"], ids=["class", "path"])
@pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])
def test_classes_of_one_s_own_can_be_watched(named: Any, shared: bool) -> None:
    """By themselves or by their names, and nothing of it stays."""
    before = vars(Basket).get("__init__")
    if shared:
        runtime.start(Config(enabled=True, console=False))
    with record(watch=[named]) as recording:
        recording.get("/basket-of-its-own/")
    runtime.stop()
    assert recording.lifetime_of(Basket).built_in == 1
    assert recording.lifetimes_of("Basket") == recording.lifetimes_of("cafe.models.Basket")
    assert vars(Basket).get("__init__") is before


@pytest.mark.parametrize("wrong", ["Basket", 3, None], ids=str)
def test_what_cannot_be_watched_is_refused_at_once(wrong: Any) -> None:
    """The message says what is taken."""
    for given in (wrong, [wrong]):
        with pytest.raises(RecordingError, match=f"dotted paths of classes, not {wrong!r}"):
            record(watch=given)


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("cafe.models.Bascet", "cafe.models has no Bascet"),
        ("cafe.no_such.Basket", "there is no module cafe.no_such"),
        ("cafe.models.models", "models is not a class"),
    ],
)
def test_a_class_that_is_not_there_is_reported_where_the_block_begins(named: str, why: str) -> None:
    """Or nobody would learn why nothing of it was seen."""
    with pytest.raises(RecordingError, match=f"names {named}, but {why}"), record(watch=[named]):
        pass
    assert runtime.running() is None


@pytest.mark.parametrize("wrong", ["5", 2.5, -1])
def test_what_is_no_number_of_requests_is_refused_at_once(wrong: Any) -> None:
    """The message says what is taken."""
    with pytest.raises(RecordingError, match=f"number of requests, or None for all, not {wrong!r}"):
        record(keep=wrong)


def test_a_recording_shows_what_it_asks_for_and_the_shared_tracer_does_not() -> None:
    """What one asks to see is not written for the other."""
    runtime.start(Config(enabled=True, console=False))
    with record() as masked, record(query_values=True, cache_keys=True) as shown:
        shown.get("/cached/?card=1234")
    running = runtime.running()
    assert running is not None
    process = running.process()
    runtime.stop()
    assert paths(shown) == ["/cached/?card=1234"]
    assert shown.spans(stages.CACHE)[0].name == "get menu-of-the-day"
    for reading in (masked, Reading(process)):
        assert reading.request().path == "/cached/?card=…"
        assert reading.spans(stages.CACHE)[0].name == "get"


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])
def test_a_recording_can_be_written_too(tmp_path: Path, shared: bool) -> None:
    """As a journal that `tracer show` reads."""
    if shared:
        runtime.start(Config(enabled=True, console=False))
        Client().get("/hello/")
    with record(journal=tmp_path) as recording:
        recording.get("/hello/")
        recording.get("/tea/")
    runtime.stop()
    (written,) = processes(tmp_path)
    assert [request.path for request in written.requests] == ["/hello/", "/tea/"]
    assert [request.number for request in written.requests] == [1, 2]
    assert written.ended
    assert written.barriers


def test_what_is_remembered_is_bounded() -> None:
    """Older requests are only counted, but for the first two."""
    with record(keep=5) as recording:
        for _ in range(40):
            recording.get("/hello/")
    assert recording.process.served == 40
    assert [request.number for request in recording.requests] == [1, 2, 36, 37, 38, 39, 40]
    # By requests: what was built counts those, too, that other tests have left behind.
    assert [row.requests for row in recording.process.ledger if row.name == "WSGIRequest"] == [40]
