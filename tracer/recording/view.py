"""What can be asked of a recorded process: its requests, its lifetimes, and their pictures.

`Reading(process)` reads any process, one from a journal too; a `Recording` reads its own.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult

from tracer.model import Lifetime, Process, Request, Span
from tracer.render import FirstRequest, Ledger, Lifelines, Overview, Timeline
from tracer.render.formats.notebook import media_types
from tracer.render.formats.terminal import as_text


class RecordingError(RuntimeError):
    """Something cannot be recorded, or was not; says what and how to mend it."""


class Reading:
    """A view of one process. Everything returned is frozen; pictures draw themselves."""

    def __init__(self, process: Process) -> None:
        self._process: Process | None = process

    @property
    def process(self) -> Process:
        """The process as recorded so far."""
        assert self._process is not None
        return self._process

    # -- what was recorded -------------------------------------------------------------------

    @property
    def requests(self) -> Sequence[Request]:
        """The requests, oldest first."""
        return self.process.requests

    @property
    def lifetimes(self) -> tuple[Lifetime, ...]:
        """Every object that was watched, in order of birth; also those that stood before."""
        return self.process.lifetimes

    def request(self, number: int = -1) -> Request:
        """Returns the request with this number; -1 is the latest, -2 the one before."""
        if not isinstance(number, int):
            raise RecordingError(f"A request is named by its number, such as 1, not by {number!r}.")
        requests = self.requests
        if number < 0 and len(requests) >= -number:
            return requests[number]
        found = next((request for request in requests if request.number == number), None)
        if found is None:
            raise RecordingError(f"There is no request {number} here: {_numbers(requests)}.")
        return found

    def spans(self, stage: str, number: int = -1) -> list[Span]:
        """Returns the spans of one stage in one request, in the order in which they began."""
        return [span for span in self.request(number).spans if span.stage == stage]

    def lifetimes_of(self, named: type | str) -> tuple[Lifetime, ...]:
        """Returns the lifetimes of a class (subclasses too), in order of birth; maybe none.

        A string is a class's name, dotted or short, or what the pictures call an object, such as
        "DatabaseWrapper default", or the beginning of that, such as "Template".
        """
        if not isinstance(named, str | type):
            raise RecordingError(f"Lifetimes are asked for by a class or a name, not by {named!r}.")
        return tuple(life for life in self.lifetimes if _is_called(life, named))

    def lifetime_of(self, named: type | str) -> Lifetime:
        """Returns the one lifetime of a class or name that began here, else that stood before.

        RecordingError if there is none or more than one: then `lifetimes_of` has them all.
        """
        found = self.known(named)
        lives = [life for life in found if life.phase != "before"] or list(found)
        if len(lives) > 1:
            said = f"There are {len(lives)} of {_spelled(named)}: lifetimes_of() returns all."
            raise RecordingError(said)
        return lives[0]

    def known(self, named: type | str) -> tuple[Lifetime, ...]:
        """Returns `lifetimes_of`; RecordingError with suggestions if nothing has this name."""
        found = self.lifetimes_of(named)
        if found:
            return found
        said = f"Nothing called {_spelled(named)} was seen here."
        close = _suggestions(named, self.lifetimes)
        if close:
            said += f" Did you mean {' or '.join(map(repr, close))}?"
        elif not self.requests:
            said += " There was no request yet."
        else:
            said += (
                " Only Django's own kinds of objects are watched by themselves: name a class of "
                'yours in record(watch=["shop.models.Basket"]).'
            )
        raise RecordingError(said)

    # -- pictures ----------------------------------------------------------------------------

    def timeline(self, number: int = -1) -> Timeline:
        """Draws one request, the latest by default: every stage in true order."""
        return Timeline(self.process, self.request(number))

    def lifelines(self, last: int = 12) -> Lifelines:
        """Draws how long each object lived, with a column for each of the `last` requests."""
        if not isinstance(last, int) or last < 1:
            raise RecordingError(f"lifelines(…) takes how many requests to show, not {last!r}.")
        return Lifelines(self.process, last)

    def ledger(self) -> Ledger:
        """Counts every kind of object: how many were built, how they lived, how they ended."""
        return Ledger(self.process)

    def first_request(self) -> FirstRequest:
        """Draws what the first request did that the second did not."""
        return FirstRequest(self.process)

    def overview(self) -> Overview:
        """Says who the process is."""
        return Overview(self.process)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws its lifelines."""
        yield self.lifelines()

    def __str__(self) -> str:
        return as_text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return media_types(self.lifelines())


def _is_called(life: Lifetime, named: type | str) -> bool:
    if isinstance(named, str):
        short = life.cls.rpartition(".")[2]
        return named in (short, life.cls, life.name) or life.name.startswith(f"{named} ")
    dotted = f"{named.__module__}.{named.__qualname__}"
    return life.cls == dotted or any(base is named for base in _bases(life.cls))


def _bases(dotted: str) -> tuple[type, ...]:
    """The classes that a class inherits from, where it can be found by its name."""
    module, _, name = dotted.rpartition(".")
    cls = vars(sys.modules[module]).get(name) if module in sys.modules else None
    return type.mro(cls) if isinstance(cls, type) else ()  # type: ignore[return-value]


def _spelled(named: type | str) -> str:
    return repr(named) if isinstance(named, str) else f"{named.__module__}.{named.__qualname__}"


def _suggestions(named: type | str, lives: Iterable[Lifetime]) -> list[str]:
    word = named if isinstance(named, str) else named.__qualname__
    names = {life.cls.rpartition(".")[2] for life in lives} | {life.name for life in lives}
    lowered = {name.lower(): name for name in sorted(names, reverse=True)}
    close = difflib.get_close_matches(word.rpartition(".")[2].lower(), lowered, n=2)
    return [lowered[name] for name in close]


def _numbers(requests: Sequence[Request]) -> str:
    if not requests:
        return "none was recorded"
    first, last = requests[0].number, requests[-1].number
    return f"they are {first} to {last}" if last > first else f"there is request {first} alone"
