"""Exceptions that Django turns into responses.

The stages that an exception leaves record where it was raised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import open_span, record


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches `response_for_exception`, which every layer of the chain falls back on."""
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
        if trace is not None:
            try:
                recorder.raised(trace, exc)
            except Exception as fault:
                recorder.fault("exception", fault)
        try:
            response = call(request, exc)
        except BaseException as another:
            drop_own_frames(another)
            raise
        if trace is None:
            return response
        record(recorder, trace, stages.CONVERT, start, (describe, (request, exc), response), None)
        trace.last_error = 0
        return response

    return response_for_exception


hide_functions(__name__)
