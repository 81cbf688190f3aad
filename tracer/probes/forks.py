"""Children of multiprocessing: when their life begins, and that it ends.

They end without Python's exit handlers. And none of them is about to become another program, as a
child may be that was merely forked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch what runs in each such child, as far as the project loads multiprocessing."""

    def processes(module: Any) -> None:
        if hasattr(module.BaseProcess, "_bootstrap"):
            patches.wrap(module.BaseProcess, "_bootstrap", lambda call: _life(recorder, call))

    imports.when("multiprocessing.process", processes)


def _life(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def _bootstrap(self: Any, *args: Any, **kwargs: Any) -> Any:
        # Neither raises.
        recorder.on_child(False)
        try:
            return call(self, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        finally:
            recorder.on_child(True)

    return _bootstrap


pass_over(__name__)
