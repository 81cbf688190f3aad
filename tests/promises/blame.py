"""Stand-ins for what the tracer wraps, which tell who called them: by a warning, a log record and
a traceback.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.trace import current

logger = logging.getLogger(__name__)
logger.propagate = False


class Told(Exception):
    """What a stand-in raises."""


@dataclasses.dataclass(frozen=True)
class Frozen(Told):
    """The same, and its attributes cannot be set: not even its traceback, as an attribute."""

    why: str = "always"


def _warn() -> None:
    warnings.warn("told", UserWarning, stacklevel=3)


def _warn_past_this_file() -> None:
    if sys.version_info >= (3, 12):
        # Python takes no whole name for a prefix.
        warnings.warn("told", UserWarning, skip_file_prefixes=(__file__.removesuffix(".py"),))


def _log() -> None:
    logger.error("told", stacklevel=3)


def _raise() -> None:
    raise Told


def _raise_frozen() -> None:
    raise Frozen


ACTS = (_warn, _warn_past_this_file, _log, _raise, _raise_frozen)


class Made:
    """What a stand-in returns: acts when it is called."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.act = act

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        self.act()


class Chunks(Made):
    """The same: acts when it is iterated over, too."""

    def __iter__(self) -> Chunks:
        return self

    def __next__(self) -> bytes:
        self.act()
        return b""

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        self.act()
        return b""


class Anything:
    """Stands in for whatever Django hands to what is wrapped."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def _nothing() -> None:
    pass


def stand_in(original: Any, act: Callable[[], None] = _nothing, later: bool = False) -> Any:
    """Return a function that looks like the original, and acts: itself, or what it returns."""
    first, second = (_nothing, act) if later else (act, _nothing)
    kind = Chunks if original.__name__ in ("__iter__", "__aiter__") else Made

    def plain(*args: Any, **kwargs: Any) -> Any:
        first()
        return kind(second)

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        first()
        return kind(second)

    made: Any = awaited if inspect.iscoroutinefunction(original) else plain
    functools.update_wrapper(made, original)
    for name in ("cache_clear", "cache_info", "cache_parameters"):
        if hasattr(original, name):
            setattr(made, name, getattr(original, name))
    return made


def arguments(original: Any) -> list[Any]:
    """As few as it takes; what is called first is an object of its own class, or so it seems."""
    parameters = inspect.signature(original).parameters.values()
    needed = [p for p in parameters if p.default is p.empty and p.kind <= p.POSITIONAL_OR_KEYWORD]
    # Beside those, whatever `*args` is for: a wrapper may read the first of them.
    return [Anything() for _ in needed] or [Anything()]


def used(call: Callable[..., Any], args: list[Any], name: str) -> None:
    """Call, await what comes, and use it as Django does. All of it is called from here."""
    result = call(*args)
    if inspect.iscoroutine(result):
        try:
            result.send(None)
        except StopIteration as stop:
            result = stop.value
    if name == "__iter__":
        next(iter(result))
    elif name == "__aiter__":
        with contextlib.suppress(StopIteration):
            aiter(result).__anext__().send(None)
    elif result is not None:
        result(Anything())


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append((record.pathname, record.lineno, record.funcName))


def blamed(call: Callable[..., Any], args: list[Any], name: str) -> list[Any]:
    """Return the callers that warnings, log records and tracebacks name, as files and lines."""
    listener = _Listener()
    logger.addHandler(listener)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            # A filter by module finds it, too.
            warnings.filterwarnings("error", module="tracer")
            try:
                used(call, args, name)
            except Told as told:
                found = frames(told)
            else:
                found = []
    finally:
        logger.removeHandler(listener)
    return [*((each.filename, each.lineno) for each in caught), *listener.found, *found]


def frames(exc: BaseException) -> list[Any]:
    """File, line and function of each frame in a traceback, as it stands."""
    found = []
    traceback = exc.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        found.append((code.co_filename, traceback.tb_lineno, code.co_name))
        traceback = traceback.tb_next
    return found


Wrapped = tuple[Any, str, Callable[[Any], Any], Any]
"""(owner, name, around, what was there before)"""


@contextlib.contextmanager
def noticing() -> Iterator[list[Wrapped]]:
    """Within it, whatever is wrapped is noticed."""
    found: list[Wrapped] = []
    real = Patches.wrap

    def wrap(self: Patches, owner: Any, name: str, around: Callable[[Any], Any]) -> None:
        found.append((owner, name, around, getattr(owner, name)))
        real(self, owner, name, around)

    Patches.wrap = wrap  # type: ignore[method-assign]
    try:
        yield found
    finally:
        Patches.wrap = real  # type: ignore[method-assign]


SITUATIONS = ("outside any request", "in a request", "with the response that ends it")


@contextlib.contextmanager
def situation(which: str, recorder: Recorder, args: list[Any]) -> Iterator[None]:
    """The wrapper finds a request in flight, or none."""
    if which == SITUATIONS[0]:
        yield
        return
    trace = recorder.begin(("GET", "", "/", ""))
    token = current.set(trace)
    if which == SITUATIONS[2]:
        import weakref

        trace.response = weakref.ref(args[0])
    try:
        yield
    finally:
        current.reset(token)
        recorder.finish(trace)


def misses(wrapped: Wrapped, recorder: Recorder) -> list[str]:
    """What a wrapper shows of itself; empty if nobody can tell that it is there."""
    _owner, name, around, original = wrapped
    found = []
    for act in ACTS:
        for which in SITUATIONS:
            for later in (False, True):
                call = stand_in(original, act, later)
                args = arguments(original)
                bare = blamed(call, args, name)
                with situation(which, recorder, args):
                    wrapper = functools.update_wrapper(around(call), call)
                    traced = blamed(wrapper, args, name)
                # A wrapper of what returns nothing, such as `__init__`, hands on no result.
                if traced != bare and (traced or not later):
                    found.append(f"{act.__name__} {which}: {traced} instead of {bare}")
    return found


def codes(function: FunctionType) -> Iterator[CodeType]:
    """The code of a function, and of all those within it."""
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        yield code
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
