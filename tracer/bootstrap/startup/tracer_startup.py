"""The import log: which modules a process imports from its start on, and how long each takes.

It runs in every Python of a traced environment, so it imports built-in modules alone and is cheap:
a finder that finds nothing notes when Python begins to look for a module, and a descriptor on
Python's own mark of a module "being initialized" notes when its code begins and ends. No loader,
spec or module is touched, and no frame is added: tracebacks are as without it.

When Django is imported, the tracer is loaded and watches the rest of the boot. A process that never
imports Django loads nothing more and writes nothing.
"""

import os
import sys
from _frozen_importlib import ModuleSpec
from _thread import get_ident
from time import perf_counter_ns

# Not from `typing` and its like: whatever is imported here, the application no longer imports.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, TracebackType
    from typing import Any

DJANGO = "django"
SETTINGS = "django.conf"
"""The first module of Django's by which nearly all the standard library that we need is loaded."""
APPS = "django.apps"
FLAG = "_initializing"
"""The mark: Python sets it on a module's spec around running the module's code."""
MOST = 50_000
"""Modules that are remembered."""


class _Frame:
    """One module whose code is running."""

    __slots__ = ("inner", "paused", "spec", "start")

    def __init__(self, spec: "ModuleSpec", start: int, paused: int, inner: int) -> None:
        self.spec = spec
        self.start = start
        self.paused = paused
        self.inner = inner
        """Nanoseconds of the modules that it imported in turn."""


class ImportLog:
    """Times imports, on a clock that stands still while the tracer imports itself."""

    def __init__(self, clock: "Callable[[], int]" = perf_counter_ns) -> None:
        self.clock = clock
        self.pid = os.getpid()
        self.begun = clock()
        self.paused = 0
        """Nanoseconds that the tracer took for its own imports."""
        self.modules: list[tuple[str, int, int]] = []
        """(name, own, total) of each module whose code has run, in nanoseconds."""
        self.outermost: list[tuple[str, int, int, int]] = []
        """(name, start, end, thread) of those modules that no other module imported."""
        self.marks: dict[str, int] = {}
        """When Django, its registry and its settings were first looked for."""
        self.before = 0
        """How many modules had been imported when Django was."""
        self.counts: Callable[[], bool] = _always
        """Whether what is imported just now is to be remembered."""
        self.parent: int | None = None
        """In a forked child, the process that it was forked from."""
        self._waiting: dict[str, list[Callable[[ModuleType], None]]] = {}
        self._timing: dict[str, list[Callable[[int, int, bool], None]]] = {}
        self._stacks: dict[int, list[_Frame]] = {}
        self._sought: dict[str, tuple[int, int, int]] = {}
        self._aside: dict[int, tuple[int, int]] = {}
        """Thread to (how deep, since when) the tracer imports itself there."""
        self._muted: dict[int, int] = {}

    def now(self) -> int:
        """Return the time in nanoseconds, without what the tracer took for itself."""
        return self.clock() - self.paused

    # -- who waits for which module ---------------------------------------------------------

    def when(self, name: str, action: "Callable[[ModuleType], None]") -> None:
        """Call `action(module)` once the module called `name` is loaded, now or later."""
        module = sys.modules.get(name)
        if module is not None and not getattr(module.__spec__, FLAG, False):
            action(module)
        else:
            self._waiting.setdefault(name, []).append(action)

    def during(self, name: str, action: "Callable[[int, int, bool], None]") -> None:
        """Call `action(start, end, failed)` when the module called `name` has been imported.

        The times are of the clock itself, with the tracer's share.
        """
        if name not in sys.modules:
            self._timing[name] = [action]

    # -- the tracer's own imports -----------------------------------------------------------

    def __enter__(self) -> None:
        """From here on, whatever this thread imports is the tracer's."""
        me = get_ident()
        depth, since = self._aside.get(me) or (0, self.clock())
        self._aside[me] = depth + 1, since

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: "BaseException | None",
        where: "TracebackType | None",
    ) -> None:
        me = get_ident()
        depth, since = self._aside.pop(me, (1, self.clock()))
        if depth > 1:
            self._aside[me] = depth - 1, since
        else:
            self.paused += self.clock() - since

    def mute(self) -> None:
        """From here on this thread works for the tracer; the clock goes on for all others."""
        me = get_ident()
        self._muted[me] = self._muted.get(me, 0) + 1

    def unmute(self) -> None:
        """This thread works for the application again."""
        me = get_ident()
        depth = self._muted.pop(me, 1)
        if depth > 1:
            self._muted[me] = depth - 1

    # -- what Python tells ------------------------------------------------------------------

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> None:
        """Part of the import protocol: Python looks for a module. Finds nothing."""
        try:
            me = get_ident()
            if me in self._aside or me in self._muted:
                return
            stack = self._stacks.get(me)
            now = self.clock()
            self._sought[name] = (now, self.paused, stack[-1].inner if stack else 0)
            if name in (DJANGO, SETTINGS, APPS) and name not in self.marks:
                self._mark(name, now - self.paused)
        except Exception:
            return

    def _mark(self, name: str, now: int) -> None:
        self.marks[name] = now
        if name == DJANGO:
            self.before = len(self.modules)
        setup = getattr(sys.modules.get(DJANGO), "setup", None)
        code = getattr(setup, "__code__", None)
        frame = sys._getframe()
        while frame is not None and code is not None and "setup" not in self.marks:
            if frame.f_code is code:
                # It imports what would have let us watch it.
                self.marks["setup"] = now
            frame = frame.f_back  # type: ignore[assignment]

    def __set__(self, spec: "ModuleSpec", initializing: bool) -> None:
        """Part of the descriptor protocol: a module's code begins or has ended.

        Having no `__get__`, this leaves reading the mark as fast as it was.
        """
        vars(spec)[FLAG] = initializing
        try:
            me = get_ident()
            if me in self._aside or me in self._muted:
                return
            if initializing:
                self._enter(spec, self._stacks.setdefault(me, []))
                return
            stack = self._stacks.get(me)
            if stack and stack[-1].spec is spec:
                self._leave(stack)
                if not stack:
                    self._stacks.pop(me, None)
        except Exception:
            return

    def _enter(self, spec: "ModuleSpec", stack: "list[_Frame]") -> None:
        now = self.clock(), self.paused, -1
        start, paused, before = self._sought.pop(spec.name, now)
        inner = 0
        if before >= 0 and stack:
            # Imported by its finder or while it was created: its own, not its importer's.
            inner = max(stack[-1].inner - before, 0)
            stack[-1].inner -= inner
        stack.append(_Frame(spec, start, paused, inner))

    def _leave(self, stack: "list[_Frame]") -> None:
        frame = stack.pop()
        name, end = frame.spec.name, self.clock()
        total = max(end - frame.start - (self.paused - frame.paused), 0)
        loaded = name in sys.modules
        if not loaded:
            # It failed: its time is its importer's, but for the modules that it had imported.
            total = frame.inner
        elif self.counts() and len(self.modules) < MOST:
            self.modules.append((name, max(total - frame.inner, 0), total))
            if not stack:
                start = frame.start - frame.paused
                self.outermost.append((name, start, start + total, get_ident()))
        if stack:
            stack[-1].inner += total
        for told in self._timing.pop(name, ()):
            _quietly(told, frame.start, end, not loaded)
        if loaded and name in self._waiting:
            for action in self._waiting.pop(name):
                _quietly(action, sys.modules[name])

    # -- beginning and ending ---------------------------------------------------------------

    def install(self) -> None:
        """Begin to listen."""
        sys.meta_path.insert(0, self)
        setattr(ModuleSpec, FLAG, self)

    def uninstall(self) -> None:
        """Stop listening; twice is harmless."""
        self._waiting.clear()
        self._timing.clear()
        if vars(ModuleSpec).get(FLAG) is self:
            delattr(ModuleSpec, FLAG)
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def forked(self) -> None:
        """In a child: what the parent imported is not the child's to report."""
        if os.getpid() == self.pid:
            return
        self.parent, self.pid = self.pid, os.getpid()
        self.begun, self.paused = self.clock(), 0
        self.before = 0
        self.outermost.clear()
        self.modules.clear()
        self.marks.clear()
        self._sought.clear()
        self._aside.clear()
        self._muted.clear()
        mine = self._stacks.get(get_ident(), [])
        for frame in mine:
            frame.start, frame.paused, frame.inner = self.begun, 0, 0
        self._stacks = {get_ident(): mine} if mine else {}


def _always() -> bool:
    return True


def _quietly(call: "Callable[..., object]", *args: object) -> None:
    """A fault of the tracer's own is one line in its log, and the import goes on."""
    try:
        call(*args)
    except Exception as fault:
        warn(f"tracer: a fault of its own while the process boots ({type(fault).__name__})")


def warn(line: str) -> None:
    """Write one line to the log "tracer", or nothing if even that is impossible."""
    try:
        import logging

        logging.getLogger("tracer").warning(line)
    except Exception:
        return


def begin() -> None:
    """Called at the interpreter's start."""
    if os.environ.get("TRACER_ENABLED", "").strip().lower() not in ("1", "true", "yes", "on"):
        return
    log = ImportLog()
    log.when(SETTINGS, lambda _: _load(log))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=log.forked)
    log.install()


def _load(log: ImportLog) -> None:
    """Django is here: load the tracer, and let it watch the rest."""
    log.forked()
    with log:
        package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        from importlib import import_module

        why_not = _find(package)
        refuses = not why_not and import_module("tracer.recorder.interpreter").refuses()
        stages = None if why_not or refuses else import_module("tracer.probes.django_boot")
    if stages is None:
        log.uninstall()
        if why_not:
            warn(f"tracer: {why_not}")
        return

    def ready() -> None:
        with log:
            boot = import_module("tracer.runtime.startup")
        boot.start()

    stages.begin(log, ready)


def _find(package: str) -> str:
    """Make `tracer` importable from its own directory; return why it cannot be, or "".

    Its parent directory does not go on the path, for that may hold other versions of what the
    project uses.
    """
    from importlib.util import find_spec, module_from_spec, spec_from_file_location

    there = sys.modules.get("tracer")
    spec = there.__spec__ if there is not None else find_spec("tracer")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if spec is not None and not any(
        os.path.exists(os.path.join(place, "recorder", "recorder.py")) for place in places
    ):
        return "not watching, because the project has another package of that name."
    if there is None:
        spec = spec_from_file_location(
            "tracer", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
        )
        if spec is None or spec.loader is None:
            return f"not watching, because {package} is not there any more."
        sys.modules["tracer"] = module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return ""
