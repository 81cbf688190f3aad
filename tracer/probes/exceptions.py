"""Exceptions turned into responses. Where one was raised is noted by the stages it left.

Django's debugging page shows the frames that an exception went through. The tracer's own wrappers
are among them, and taken out: the page is to be what it would be without them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.spans import open_span, record

OWN: Final = f"{Path(__file__).resolve().parent.parent}{os.sep}"
"""Where the tracer's own code lies."""
WRITTEN: Final = "<tracer>"
"""The file name of wrappers that are written out; see `tracer.recorder.shapes`."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch `response_for_exception`, which every layer of the chain falls back on."""
    imports.when(
        "django.views.debug",
        lambda module: patches.wrap(
            module.ExceptionReporter, "get_traceback_frames", lambda call: _frames(recorder, call)
        ),
    )
    imports.when(
        "django.core.handlers.exception",
        lambda module: patches.wrap(
            module, "response_for_exception", lambda call: _convert(recorder, call)
        ),
    )


def _convert(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def describe(_trace: Any, args: Any, response: Any) -> tuple[None, str, str]:
        name = f"{type(args[1]).__name__} → {getattr(response, 'status_code', 'nothing')}"
        return None, name, ""

    def response_for_exception(request: Any, exc: Any) -> Any:
        trace, start = open_span(recorder, stages.CONVERT)
        if trace is None:
            return call(request, exc)
        try:
            recorder.raised(trace, exc)
        except Exception as fault:
            recorder.fault("exception", fault)
        response = call(request, exc)
        record(recorder, trace, stages.CONVERT, start, (describe, (request, exc), response), None)
        trace.last_error = 0
        return response

    return response_for_exception


def _frames(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def get_traceback_frames(self: Any) -> Any:
        frames = call(self)
        try:
            return [frame for frame in frames if not _is_own(frame.get("filename"))] or frames
        except Exception as fault:
            recorder.fault("exception", fault)
            return frames

    return get_traceback_frames


def _is_own(filename: Any) -> bool:
    return isinstance(filename, str) and (filename == WRITTEN or filename.startswith(OWN))
