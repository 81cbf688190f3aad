"""The `lifecycle` fixture: makes recordings, and has the assertions of the latest one."""

from __future__ import annotations

from typing import Any

from tracer.model import Process
from tracer.recording import Recording, RecordingError, record
from tracer.recording.assertions import Assertions


class Lifecycle(Assertions):
    """Makes recordings. Its assertions are those of the recording that was made last."""

    def __init__(self) -> None:
        self._made: list[Recording] = []

    def record(self, **choices: Any) -> Recording:
        """Returns a recording for a `with` block; the choices are those of `tracer.record`."""
        self._made.append(record(**choices))
        return self._made[-1]

    def close(self) -> None:
        """Ends the recordings that the test has not ended, newest first."""
        for recording in reversed(self._made):
            if recording.begun and not recording.ended:
                recording.__exit__(None, None, None)
        self._made.clear()

    @property
    def recording(self) -> Recording:
        """The recording that was made last. RecordingError if there is none."""
        if not self._made:
            raise RecordingError("Nothing was recorded: with lifecycle.record() as recording: …")
        return self._made[-1]

    @property
    def process(self) -> Process:
        """The process, as the latest recording has it."""
        return self.recording.process

    def _on_demand(self) -> None:
        self.recording._on_demand()
