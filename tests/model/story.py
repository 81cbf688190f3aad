"""A process's story written by hand: requests that build, use, replace and keep objects."""

from __future__ import annotations

from tests.support.recorded import recorded
from tracer.model import (
    Birth,
    Deaths,
    Died,
    EndedWithThread,
    Held,
    History,
    Lifetime,
    ProcessStarted,
    Replaced,
    Request,
    Walk,
)

LATER = 1_000
"""Nanoseconds from the beginning of one request to that of the next."""


class Story:
    """Feeds a history. `request` returns the number by which its object is named from then on."""

    def __init__(self, keep: int | None = None) -> None:
        self.history = History(keep)
        self.history.feed(ProcessStarted(1, 0, "test", "", "3", "5", 0.0, 0))
        self.number = 0
        self.token = 0
        self.held: dict[int, Held] = {}

    @property
    def now(self) -> int:
        """The clock, in the middle of the newest request."""
        return self.number * LATER + LATER // 4

    def request(
        self,
        page: str = "/page/",
        builds: int = 1,
        uses: tuple[int, ...] = (),
        thread: int = 1,
        cls: str = "shop.Thing",
        by_import: str = "",
    ) -> int:
        """Serves one request; returns the token of the object that it built last."""
        self.number += 1
        begun = self.number * LATER
        births = []
        for _ in range(builds):
            self.token += 1
            births.append(Birth(self.token, "watched", cls, cls, begun, thread))
        tokens = tuple(birth.token for birth in births)
        self.history.feed(
            recorded(
                Request(
                    number=self.number,
                    method="GET",
                    path=page,
                    status=200,
                    thread=thread,
                    thread_name=f"T{thread}",
                    started=0.0,
                    begun=begun,
                    closed=begun + LATER // 2,
                    size=None,
                    watching=0,
                    spans=(),
                    births=tuple(births),
                    seen=tuple((token, thread) for token in uses),
                    by_import=((by_import, tokens),) if by_import else (),
                )
            )
        )
        return self.token

    def dies(self, token: int, how: str = "reference", replaced: bool = False) -> None:
        """An object dies in the newest request, which may have built another in its stead."""
        self.held.pop(token, None)
        self.history.feed(Deaths((Died(token, self.now, how),)))
        if replaced:
            self.history.feed(Replaced((token,)))

    def thread_ends(self, thread: int, *stored: int) -> None:
        """A thread ends, with these objects in its storage."""
        self.history.feed(EndedWithThread(thread, stored))

    def hold(
        self,
        token: int,
        path: str,
        spot: str = "",
        root: str = "module",
        by: int = 0,
        keyed: bool = False,
    ) -> None:
        """From the next walk on, an object is found to be held."""
        self.held[token] = Held(token, path, spot or path, root, 0, by, keyed)

    def walk(self) -> None:
        """A walk comes by, after the newest request has closed."""
        known = {each.token: each for each in self.history.objects.held().found}
        found = tuple(held for token, held in self.held.items() if known.get(token) != held)
        tracked = self.history.objects.tracked
        # Of what is dead a walk says nothing.
        lost = tuple(
            token for token in known if token not in self.held and tracked[token].death is None
        )
        at = self.now + LATER // 2
        self.history.feed(Walk(at, at + 1, found, lost))

    def life(self, token: int) -> Lifetime:
        """Returns what is known of an object."""
        found = self.history.snapshot().lifetime(token)
        assert found is not None
        return found

    def scopes(self) -> list[str]:
        """Returns the scopes of all objects that requests built, in order."""
        lives = self.history.snapshot().lifetimes
        return [life.scope for life in lives if life.built_in is not None]
