"""Child processes of multiprocessing: their start and their end.

They end without running Python's exit handlers. And unlike a child that was merely forked, none of
them is about to become another program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches what runs in each such child, if the project loads multiprocessing."""

    def processes(module: Any) -> None:
        if hasattr(module.BaseProcess, "_bootstrap"):
            patches.wrap(
                module.BaseProcess, "_bootstrap", lambda call: _bootstrap_wrapper(recorder, call)
            )

    imports.when("multiprocessing.process", processes)


def _bootstrap_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def _bootstrap(self: Any, *args: Any, **kwargs: Any) -> Any:
        # Neither call of `on_child` raises.
        recorder.on_child(False)
        try:
            return call(self, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        finally:
            recorder.on_child(True)

    return _bootstrap


hide_functions(__name__)
