"""The import log: which modules a process imports from its start on, and how long each takes.

It runs in every Python of a traced environment, so it imports built-in modules alone and is cheap.
A finder that finds nothing notes when Python begins to look for a module. A descriptor in place of
Python's own mark of a module "being initialized" notes when the module's code begins and ends. No
loader, spec or module is changed, and no frame is added: tracebacks are as without the log.
"""

import os
import sys
from _frozen_importlib import ModuleSpec
from _thread import get_ident
from time import perf_counter_ns

# Not imported from `typing` and the like: the log would then not show the application's import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, TracebackType
    from typing import Any

DJANGO = "django"
SETTINGS = "django.conf"
"""The first module of Django's that has loaded nearly all of the standard library we need."""
APPS = "django.apps"
FLAG = "_initializing"
"""The mark: Python sets it on a module's spec while the module's code runs."""
MAX_MODULES = 50_000


class ApplicationClock:
    """A clock that stands still while the tracer imports itself: `with clock: import …`."""

    def __init__(self, read: "Callable[[], int]") -> None:
        self.read = read
        """Reads the time in nanoseconds, with the tracer's own share."""
        self.paused = 0
        """Nanoseconds that the tracer took for its own imports."""
        self._pauses: dict[int, tuple[int, int]] = {}
        """Thread to (depth, start) of the pause in which the tracer imports itself there."""
        self._muted: dict[int, int] = {}

    def now(self) -> int:
        """Returns the time in nanoseconds, without the tracer's own share."""
        return self.read() - self.paused

    def __enter__(self) -> None:
        me = get_ident()
        depth, since = self._pauses.get(me) or (0, self.read())
        self._pauses[me] = depth + 1, since

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: "BaseException | None",
        where: "TracebackType | None",
    ) -> None:
        me = get_ident()
        depth, since = self._pauses.pop(me, (1, self.read()))
        if depth > 1:
            self._pauses[me] = depth - 1, since
        else:
            self.paused += self.read() - since

    def mute(self) -> None:
        """Leaves this thread's imports out from here on. The clock goes on for other threads."""
        me = get_ident()
        self._muted[me] = self._muted.get(me, 0) + 1

    def unmute(self) -> None:
        """Counts this thread's imports again."""
        me = get_ident()
        depth = self._muted.pop(me, 1)
        if depth > 1:
            self._muted[me] = depth - 1

    def is_tracer(self, thread: int) -> bool:
        """Returns whether the thread works for the tracer just now."""
        return thread in self._pauses or thread in self._muted

    def restart(self) -> None:
        """Forgets all pauses, in a forked child."""
        self.paused = 0
        self._pauses.clear()
        self._muted.clear()


class _RunningModule:
    """A module whose code is running."""

    __slots__ = ("inner", "paused", "spec", "start")

    def __init__(self, spec: "ModuleSpec", start: int, paused: int, inner: int) -> None:
        self.spec = spec
        self.start = start
        self.paused = paused
        self.inner = inner
        """Nanoseconds of the modules that it imported in turn."""


class ImportLog:
    """A log of all imports, without the tracer's own."""

    def __init__(self, read: "Callable[[], int]" = perf_counter_ns) -> None:
        self.clock = ApplicationClock(read)
        self.pid = os.getpid()
        self.started = read()
        self.modules: list[tuple[str, int, int]] = []
        """(name, own, total) of each module whose code has run, in nanoseconds."""
        self.outermost: list[tuple[str, int, int, int]] = []
        """(name, start, end, thread) of those modules that no other module imported."""
        self.marks: dict[str, int] = {}
        """When Python first looked for Django, its registry and its settings."""
        self.modules_before_django = 0
        self.is_counted: Callable[[], bool] = _always
        """Returns whether a module that is imported just now is added to the log."""
        self.parent: int | None = None
        """In a forked child, the process that it was forked from."""
        self._waiting: dict[str, list[Callable[[ModuleType], None]]] = {}
        self._timing: dict[str, list[Callable[[int, int, bool], None]]] = {}
        self._stacks: dict[int, list[_RunningModule]] = {}
        self._sought: dict[str, tuple[int, int, int]] = {}

    def when(self, name: str, action: "Callable[[ModuleType], None]") -> None:
        """Calls `action(module)` once the module called `name` is loaded, now or later."""
        module = sys.modules.get(name)
        if module is not None and not getattr(module.__spec__, FLAG, False):
            action(module)
        else:
            self._waiting.setdefault(name, []).append(action)

    def during(self, name: str, action: "Callable[[int, int, bool], None]") -> None:
        """Calls `action(start, end, failed)` when the module called `name` has been imported.

        The times contain the tracer's own share.
        """
        if name not in sys.modules:
            self._timing[name] = [action]

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> None:
        """Notes that Python looks for a module. Part of the import protocol; finds nothing."""
        try:
            me = get_ident()
            if self.clock.is_tracer(me):
                return
            stack = self._stacks.get(me)
            now, paused = self.clock.read(), self.clock.paused
            self._sought[name] = (now, paused, stack[-1].inner if stack else 0)
            if name in (DJANGO, SETTINGS, APPS) and name not in self.marks:
                self.marks[name] = now - paused
                if name == DJANGO:
                    self.modules_before_django = len(self.modules)
                elif "setup" not in self.marks and _is_setting_up():
                    # `setup` imports what would have let us wrap it.
                    self.marks["setup"] = now - paused
        except Exception:
            return

    def __set__(self, spec: "ModuleSpec", initializing: bool) -> None:
        """Notes that a module's code begins or has ended. Part of the descriptor protocol.

        As there is no `__get__`, reading the mark is as fast as before.
        """
        vars(spec)[FLAG] = initializing
        try:
            me = get_ident()
            if self.clock.is_tracer(me):
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

    def _enter(self, spec: "ModuleSpec", stack: "list[_RunningModule]") -> None:
        now = self.clock.read(), self.clock.paused, -1
        start, paused, before = self._sought.pop(spec.name, now)
        inner = 0
        if before >= 0 and stack:
            # Imported by the module's finder or while it was created: the module's own imports,
            # not its importer's.
            inner = max(stack[-1].inner - before, 0)
            stack[-1].inner -= inner
        stack.append(_RunningModule(spec, start, paused, inner))

    def _leave(self, stack: "list[_RunningModule]") -> None:
        module = stack.pop()
        name, end = module.spec.name, self.clock.read()
        total = max(end - module.start - (self.clock.paused - module.paused), 0)
        loaded = name in sys.modules
        if not loaded:
            # It failed: its time is its importer's, but for the modules that it had imported.
            total = module.inner
        elif self.is_counted() and len(self.modules) < MAX_MODULES:
            self.modules.append((name, max(total - module.inner, 0), total))
            if not stack:
                start = module.start - module.paused
                self.outermost.append((name, start, start + total, get_ident()))
        if stack:
            stack[-1].inner += total
        for report in self._timing.pop(name, ()):
            _guarded(report, module.start, end, not loaded)
        if loaded and name in self._waiting:
            for action in self._waiting.pop(name):
                _guarded(action, sys.modules[name])

    def install(self) -> None:
        """Starts listening."""
        sys.meta_path.insert(0, self)
        setattr(ModuleSpec, FLAG, self)

    def uninstall(self) -> None:
        """Stops listening. A second call is harmless."""
        self._waiting.clear()
        self._timing.clear()
        if vars(ModuleSpec).get(FLAG) is self:
            delattr(ModuleSpec, FLAG)
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def forked(self) -> None:
        """In a child process, forgets what the parent imported."""
        if os.getpid() == self.pid:
            return
        self.parent, self.pid = self.pid, os.getpid()
        self.started = self.clock.read()
        self.clock.restart()
        self.modules_before_django = 0
        self.outermost.clear()
        self.modules.clear()
        self.marks.clear()
        self._sought.clear()
        mine = self._stacks.get(get_ident(), [])
        for module in mine:
            module.start, module.paused, module.inner = self.started, 0, 0
        self._stacks = {get_ident(): mine} if mine else {}


def _always() -> bool:
    return True


def _is_setting_up() -> bool:
    """Returns whether `django.setup` is running in this thread."""
    setup = getattr(sys.modules.get(DJANGO), "setup", None)
    code = getattr(setup, "__code__", None)
    frame = sys._getframe()
    while frame is not None and code is not None:
        if frame.f_code is code:
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _guarded(call: "Callable[..., object]", *args: object) -> None:
    """Logs a fault of the tracer's own in one line, so that the import goes on."""
    try:
        call(*args)
    except Exception as fault:
        warn(f"tracer: a fault of its own while the process boots ({type(fault).__name__})")


def warn(line: str) -> None:
    """Writes one line to the log "tracer", or nothing if even that is impossible."""
    try:
        import logging

        logging.getLogger("tracer").warning(line)
    except Exception:
        return
