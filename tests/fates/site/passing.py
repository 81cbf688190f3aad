"""Pages that build something for their request alone, or for little longer."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakSet, WeakValueDictionary

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from tests.fates.passing import (
    HeldForTwo,
    InBody,
    InCaughtError,
    InCycle,
    InDroppedGenerator,
    InThread,
    InView,
    LetGoByNext,
    OnlyInWeakDict,
    OnlyInWeakSet,
    OnRequest,
    OnResponse,
    Passing,
)
from tests.fates.site.answer import answer

WEAK_VALUES: WeakValueDictionary[int, OnlyInWeakDict] = WeakValueDictionary()
WEAK_SET: WeakSet[OnlyInWeakSet] = WeakSet()
REQUESTS = itertools.count(1)
HELD: list[_Loan] = []
CHANGING = threading.Lock()


@dataclass(slots=True, eq=False)
class _Loan:
    """Something that a later request lets go: the one whose number is `due`."""

    due: int
    what: Passing | None = None
    thread: threading.Thread | None = None
    may_end: threading.Event | None = None

    def end(self) -> None:
        self.what = None
        if self.thread is not None and self.may_end is not None:
            self.may_end.set()
            self.thread.join()
            self.thread = None


class _Counter:
    """The number of the request that began last."""

    newest = 0


def let_go_what_is_due() -> None:
    """Called at the beginning of every request."""
    with CHANGING:
        _Counter.newest = next(REQUESTS)
        due = [loan for loan in HELD if loan.due <= _Counter.newest]
        HELD[:] = [loan for loan in HELD if loan.due > _Counter.newest]
    for loan in due:
        loan.end()


def _hold(loan: _Loan, requests: int) -> None:
    with CHANGING:
        loan.due = _Counter.newest + requests
        HELD.append(loan)


def in_view(request: HttpRequest) -> HttpResponse:
    """Builds one of each kind that its own request lets go at once."""
    made = InView()
    on_request = OnRequest()
    request.made = on_request  # type: ignore[attr-defined]
    response = answer(made, on_request)
    response.made = OnResponse()  # type: ignore[attr-defined]
    return response


def in_cycle(request: HttpRequest) -> HttpResponse:
    """Builds an object that holds itself."""
    made = InCycle()
    made.itself = made  # type: ignore[attr-defined]
    return answer(made)


def only_weak(request: HttpRequest) -> HttpResponse:
    """Puts two objects where only weak references hold them."""
    value, member = OnlyInWeakDict(), OnlyInWeakSet()
    WEAK_VALUES[_Counter.newest] = value
    WEAK_SET.add(member)
    return answer(value, member)


def _pieces(held: InBody) -> Iterator[bytes]:
    for piece in (b"one ", b"two ", b"three\n"):
        held.use()
        yield piece


def streaming(request: HttpRequest) -> StreamingHttpResponse:
    """Streams a body that is used up."""
    return StreamingHttpResponse(_pieces(InBody()))


def _endless(held: InDroppedGenerator) -> Iterator[InDroppedGenerator]:
    while True:
        yield held


def dropped_generator(request: HttpRequest) -> HttpResponse:
    """Begins with a generator, and drops it."""
    generator = _endless(InDroppedGenerator())
    return answer(next(generator))


def _fail() -> None:
    failing = InCaughtError()
    failing.use()
    raise ValueError("as it should")


def caught_error(request: HttpRequest) -> HttpResponse:
    """Catches an exception, and drops it."""
    with contextlib.suppress(ValueError):
        _fail()
    return answer()


def let_go_by_next(request: HttpRequest) -> HttpResponse:
    """Leaves an object to the next request, which drops it."""
    _hold(_Loan(0, LetGoByNext()), 1)
    return answer()


def held_for_two(request: HttpRequest) -> HttpResponse:
    """Leaves an object that the second request after this one drops."""
    _hold(_Loan(0, HeldForTwo()), 2)
    return answer()


def _work(held: InThread, may_end: threading.Event) -> None:
    held.use()
    may_end.wait()


def in_thread(request: HttpRequest) -> HttpResponse:
    """Starts a thread that ends during the third request after this one."""
    may_end = threading.Event()
    thread = threading.Thread(target=_work, args=(InThread(), may_end), daemon=True)
    thread.start()
    _hold(_Loan(0, thread=thread, may_end=may_end), 3)
    return answer()
