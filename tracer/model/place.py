"""One place in which walks found what requests had built, and the counts that judge it.

A place is a spot, which is a path with its items left open, together with the thread's storage if
it is in one, and the class of what lies there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sized
from typing import Final, NamedTuple, TypeVar

from tracer.model.objects import TrackedObject
from tracer.model.pages import ANY, Pages
from tracer.model.scope import FEWEST, Spot

T = TypeVar("T", bound=Sized)
WALKS: Final = 60
"""Walks that are remembered of each place, the newest ones."""
MOST_PAGES: Final = 1000
"""Pages remembered of each place."""
HANDED_ON: Final = 2
"""Requests that may have used what is replaced: its own, and the next. What more have used served
them, as a configuration does until it is loaded anew."""
ITEM: Final = "[*]"
"""Stands in a spot for any item."""


class Key(NamedTuple):
    """What tells one place from another."""

    storage: int
    """Of which thread's storage it is part, as in `tracer.model.Held`; 0 for none."""
    spot: str
    cls: str


class Tally:
    """Requests whose object a later one replaced by another of its class."""

    __slots__ = ("count", "newest")

    def __init__(self) -> None:
        self.count = self.newest = 0

    def __len__(self) -> int:
        return self.count

    def add(self, number: int) -> None:
        """Counts a request, once."""
        if number > self.newest:
            self.newest = number
            self.count += 1


class Place:
    """What lies in one place, and what walks found there."""

    __slots__ = (
        "any_walks", "had_several", "kept", "key", "keyed", "objects", "seen", "served", "thread",
        "walks",
    )  # fmt: skip

    def __init__(self, key: Key, thread: int, keyed: bool) -> None:
        self.key, self.keyed = key, keyed
        self.thread = thread
        """The thread whose storage it is; 0 if it belongs to no thread."""
        self.objects: dict[int, TrackedObject] = {}
        """By token: those that the last walk found here."""
        self.seen: dict[str, set[int]] = {}
        """Page to the numbers of the first few of its requests whose objects a walk found here."""
        self.kept: tuple[bool, frozenset[str]] | None = None
        """If it is kept, or was when its thread ended: whether it held one object at a time, and
        the pages whose objects were replaced there."""
        self.had_several = False
        """A walk found objects of several requests here."""
        self.walks: deque[tuple[int, str, bool]] = deque(maxlen=WALKS)
        """(number, page, whether the object of that newest request was here) of each walk."""
        self.any_walks: deque[tuple[int, bool]] = deque(maxlen=WALKS)
        """The same of the newest request of all, whatever its page."""
        self.served: set[int] = set()
        """The numbers among these whose objects have served later requests: not left behind."""

    @property
    def has_room(self) -> bool:
        """Whether it has room for several objects. An item need not mean that: its list may hold
        what leads to the place, such as the middleware that keeps the last request."""
        return ITEM in self.key.spot and self.had_several

    @property
    def is_suspect(self) -> bool:
        """Whether another walk soon would tell more: it had the newest request's object."""
        if self.has_room or not 0 < len(self.any_walks) < FEWEST:
            return False
        return self.any_walks[-1][1]

    def add(self, known: TrackedObject) -> None:
        """Adds an object that a request built."""
        assert known.built_in is not None
        self.objects[known.birth.token] = known
        numbers = self.seen.setdefault(known.page, set())
        if len(numbers) < FEWEST:
            numbers.add(known.built_in)
        make_room(self.seen)

    def leave(self, known: TrackedObject) -> None:
        """Takes an object away, which is dead or elsewhere."""
        if self.objects.pop(known.birth.token, None) is not None:
            self._note_served(known)

    def _note_served(self, known: TrackedObject) -> None:
        if known.requests > HANDED_ON and known.built_in is not None:
            self.served.add(known.built_in)

    def note_walk(self, pages: Pages, begun: int) -> None:
        """Notes whether the object of the newest request is there: for its pages, and for any."""
        there = {each.built_in for each in self.objects.values()}
        self.had_several |= len(there) > 1
        newest = max(
            (
                (requests.newest(begun), page)
                for page in self.seen
                if (requests := pages.requests(page, self.thread)) is not None
            ),
            default=(0, ""),
        )
        if newest[0] > (self.walks[-1][0] if self.walks else 0):
            self.walks.append((*newest, newest[0] in there))
        every = pages.requests(ANY, self.thread)
        number = every.newest(begun) if every is not None else 0
        if number > (self.any_walks[-1][0] if self.any_walks else 0):
            self.any_walks.append((number, number in there))
        self.served &= {each[0] for each in (*self.walks, *self.any_walks)}

    def judge(self, pages: Pages, replaced: Mapping[str, Tally], upto: int) -> None:
        """Decides whether it is kept. `replaced`: by page, requests whose object of this class and
        on this thread was replaced; `upto`: the newest request that the last walk could know of."""
        numbers = {each.built_in for each in self.objects.values()}
        here = replaced if self._has_newest(pages, replaced, upto) else {}
        if numbers and self._counts(pages, here, upto).is_kept:
            self.kept = len(numbers) == 1, frozenset(here)
        elif not self.key.storage:
            # A thread takes with it what lies in its storage: that stays as it was judged last.
            self.kept = None

    def _left(self) -> dict[str, set[int]]:
        """Returns by page the requests whose objects lie here, and were used by no other."""
        left: dict[str, set[int]] = {page: set() for page in self.seen}
        for known in self.objects.values():
            if known.requests <= 1 and known.built_in is not None:
                left.setdefault(known.page, set()).add(known.built_in)
        return left

    def _has_newest(self, pages: Pages, replaced: Mapping[str, Tally], upto: int) -> bool:
        """Whether what was replaced lay here: the newest request for any of the pages left its
        object here."""
        here = max((number for numbers in self._left().values() for number in numbers), default=0)
        for page in {*replaced, *self.seen}:
            requests = pages.requests(page, self.thread)
            if requests is not None and requests.numbers(upto)[-1:] > [here]:
                return False
        return True

    def _counts(self, pages: Pages, replaced: Mapping[str, Tally], upto: int) -> Spot:
        """Returns what the facts say of it."""
        left = self._left()
        # A memo's entries lie there together: what is alone there was replaced.
        spot = Spot(keyed=self.keyed and self.had_several)
        newest, asked = 0, []
        for page in {*left, *replaced}:
            requests = pages.requests(page, self.thread)
            mine, tally = left.get(page, set()), replaced.get(page, _NONE)
            if requests is None or len(mine) + tally.count < FEWEST:
                continue
            spot.left += len(mine) + tally.count
            spot.requests += requests.count(upto)
            newest = max(newest, tally.newest, *mine, 0)
            asked += requests.numbers(upto)
        spot.lately = newest >= _last_third(asked)
        found = self._walks_that_found()
        spot.walks, spot.found = len(found), sum(found)
        spot.found_lately = any(found[-max(1, len(found) // 3) :])
        return spot

    def _walks_that_found(self) -> list[bool]:
        """Returns for each walk whether the newest request's object was here.

        That is the newest for the usual pages; or for any page, where there is room for one object
        only. A memo by page has room for many, and a new one before each walk.
        """
        usual = {page for page, numbers in self.seen.items() if len(numbers) >= FEWEST}
        for known in self.objects.values():
            self._note_served(known)
        found = [
            is_there and number not in self.served
            for number, page, is_there in self.walks
            if page in usual
        ]
        if not self.has_room and sum(found) < FEWEST:
            return [is_there and number not in self.served for number, is_there in self.any_walks]
        return found


_NONE: Final = Tally()


def make_room(pages: dict[str, T]) -> None:
    """Forgets a page if there are too many: the first one of so few requests that nothing follows.

    The length of each value is the number of its requests.
    """
    if len(pages) > MOST_PAGES:
        rare = (page for page, requests in pages.items() if len(requests) < FEWEST)
        del pages[next(rare, next(reversed(pages)))]


def _last_third(numbers: list[int]) -> int:
    """Returns the number with which the last third of these begins."""
    if not numbers:
        return 1
    return sorted(numbers)[-max(1, len(numbers) // 3)]
