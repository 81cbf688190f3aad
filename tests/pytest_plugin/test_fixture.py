"""The `lifecycle` fixture, in this very run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cafe.views import Menu
from django.test import Client

from tracer import RecordingError, runtime

if TYPE_CHECKING:
    from tracer.pytest_plugin.fixture import Lifecycle

pytestmark = pytest.mark.django_db(databases=["default", "archive"])


def test_a_recording_is_made_and_asserted_on(lifecycle: Lifecycle) -> None:
    """On the recording itself, or on the fixture, which asks the latest one."""
    with lifecycle.record() as recording:
        recording.get("/menu/")
        Client().get("/menu/")
    recording.assert_built_per_request(Menu)
    lifecycle.assert_built_per_request(Menu)
    lifecycle.assert_scope("WSGIRequest", "request")
    assert lifecycle.process is recording.process


def test_each_recording_stands_for_itself(lifecycle: Lifecycle) -> None:
    """The latest is asked; the earlier ones are still there."""
    with lifecycle.record() as first:
        first.get("/hello/")
    with lifecycle.record() as second:
        second.get("/tea/")
    assert [request.path for request in lifecycle.requests] == ["/tea/"]
    assert [request.path for request in first.requests] == ["/hello/"]


def test_without_a_recording_there_is_nothing_to_assert(lifecycle: Lifecycle) -> None:
    """And that is said, with the mend."""
    with pytest.raises(RecordingError, match=r"with lifecycle.record\(\) as recording"):
        lifecycle.assert_nothing_kept()


def test_a_recording_left_open_ends_with_its_test(lifecycle: Lifecycle) -> None:
    """So that no other test meets a tracer that still runs."""
    recording = lifecycle.record()
    recording.__enter__()
    recording.get("/hello/")
    lifecycle.close()
    assert recording.ended
    assert runtime.running() is None
