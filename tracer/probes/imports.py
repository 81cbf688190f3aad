"""Imports: recorded when a request pays for them, and reported to probes that wait for a module.

This is one finder at the head of `sys.meta_path`, which finds nothing itself. Python asks it only
for modules that are not loaded yet, so a warm process never does. No probe imports a module in
order to watch it: the project would then pay for the import at another place.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import Any

from tracer.heap.inside import namespace_of_module
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import timed
from tracer.recorder.trace import Trace, current


class Imports:
    """A finder that runs an action as soon as a module's code has run: see `when`."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.pending: dict[str, list[Callable[[Any], None]]] = {}
        self.stages: dict[str, str] = {}
        """Module to the stage that its import is in the request that pays for it."""

    def when(self, name: str, action: Callable[[Any], None]) -> None:
        """Calls `action(module)` once the module called `name` is loaded, now or later."""
        module = sys.modules.get(name)
        if module is not None and not _initializing(module):
            action(module)
        else:
            self.pending.setdefault(name, []).append(action)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Notes that Python looks for a module. Part of the import protocol."""
        try:
            trace = current.get()
            if trace is not None and not trace.closed:
                trace.modules = trace.modules or []
                trace.modules.append(name)
            if name not in self.pending and name not in self.stages:
                return None
        except Exception as fault:
            self.recorder.fault("import", fault)
            return None
        try:
            return self._find(name, path, target)
        except BaseException as exc:
            drop_own_frames(exc)
            raise

    def _find(self, name: str, path: Any, target: Any) -> ModuleSpec | None:
        for finder in sys.meta_path:
            # Python skips finders without this method, too.
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                self._wrap_loader(spec.loader)
                return spec  # type: ignore[no-any-return]
        return None

    def _wrap_loader(self, loader: Any) -> None:
        """Wraps a loader for its next module only, as some loaders serve several modules."""
        try:
            if isinstance(loader, type) or not hasattr(loader, "exec_module"):
                return
            own, exec_module = vars(loader), loader.exec_module

            def run(module: Any) -> None:
                own.pop("exec_module", None)
                try:
                    if module.__name__ in self.stages:
                        self._run_as_stage(exec_module, module)
                    else:
                        exec_module(module)
                except BaseException as exc:
                    drop_own_frames(exc)
                    raise
                self.loaded(module)

            loader.exec_module = run
        except Exception as fault:
            self.recorder.fault("import", fault)

    def _run_as_stage(self, exec_module: Callable[[Any], None], module: Any) -> None:
        """Runs a module's code as a stage of the request in flight, if there is one."""
        name = module.__name__
        timed(self.recorder, self.stages[name], exec_module, lambda *_: (None, name, ""))(module)

    def loaded(self, module: Any) -> None:
        """Runs the actions that waited for a module whose code has run."""
        for action in self.pending.pop(module.__name__, []):
            try:
                action(module)
            except Exception as fault:
                self.recorder.fault(f"import of {module.__name__}", fault)

    def install(self, patches: Patches) -> None:
        """Starts listening."""
        sys.meta_path.insert(0, self)
        owner = next(cls for cls in SourceFileLoader.__mro__ if "exec_module" in vars(cls))
        patches.wrap(owner, "exec_module", self._code_wrapper)

    def _code_wrapper(self, call: Callable[..., None]) -> Any:
        """Wraps the running of any module's code: what it builds is noted as made by its import."""
        note = self._note_births

        def exec_module(self: Any, module: Any) -> None:
            trace = current.get()
            first = len(trace.births) if trace is not None else 0
            try:
                call(self, module)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            finally:
                if trace is not None and not trace.closed:
                    note(trace, module, first)

        return exec_module

    def _note_births(self, trace: Trace, module: Any, first: int) -> None:
        """Notes that the births of a request from `first` on happened as a module's code ran."""
        try:
            last = len(trace.births)
            name = namespace_of_module(module).get("__name__") if last > first else None
            if type(name) is str:
                trace.by_import = trace.by_import or []
                trace.by_import.append((name, self.recorder.thread(trace), first, last))
        except Exception as fault:
            self.recorder.fault("import", fault)

    def uninstall(self) -> None:
        """Stops listening."""
        self.pending.clear()
        self.stages.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)


def _initializing(module: Any) -> bool:
    """Returns whether the module's own code is still running."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


hide_functions(__name__)
