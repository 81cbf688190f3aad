"""The lessons: every page of the café, and what to look for in the console after a visit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson: one card of the home page."""

    view: str
    """The name of its URL."""
    title: str
    teaser: str
    """What the page is about."""
    look: str
    """One sentence: what to look for in the console."""
    argument: str = ""
    """The argument of its URL, if it takes one."""
    number: int = 0

    @property
    def url(self) -> str:
        """The URL of the lesson."""
        return reverse(self.view, args=(self.argument,) if self.argument else ())


_PARTS: Final = (
    (
        "At the counter",
        "What every Django page does, in the order in which it happens.",
        (
            Lesson(
                "hello",
                "A short text",
                "The least a request can be.",
                "Ten middlewares are entered and left around one small view, "
                "yet each was built only once.",
            ),
            Lesson(
                "menu",
                "The menu",
                "A class-based list, two pages long.",
                "The view object is new each time, and the SELECT runs inside the template, "
                "after the view has returned.",
            ),
            Lesson(
                "dish",
                "One dish",
                "A template that extends one and includes another.",
                "Templates nest as they inherit and include; "
                "each is compiled on the first visit and only rendered on the second.",
                argument="flat-white",
            ),
            Lesson(
                "specials",
                "The blackboard",
                "A cached fragment of a template.",
                "On the first visit the cache misses and a query runs; "
                "on the second it hits and the query is gone.",
            ),
            Lesson(
                "guestbook",
                "The guest book",
                "A model form with CSRF, messages and a redirect.",
                "Saving a note sends pre_save and post_save, and a receiver clears a cache key "
                "before the view goes on.",
            ),
            Lesson(
                "order",
                "An order",
                "A transaction with a savepoint, and a signal of our own.",
                "Order the plum crumble, which is sold out: its savepoint is rolled back, "
                "the order around it is committed.",
            ),
            Lesson(
                "basket",
                "The basket",
                "A plain class, kept in the session as data.",
                "A Basket is built for each request and dies with it, "
                "although the guest believes it is always the same one.",
            ),
        ),
    ),
    (
        "In the kitchen",
        "Views of every other kind, caches, connections and streams.",
        (
            Lesson(
                "bell",
                "The bell",
                "A view inside three decorators.",
                "The timeline names the view itself, not the wrappers around it.",
            ),
            Lesson(
                "tea",
                "Tea, or the same in green",
                "One function, two addresses, made with partial.",
                "The view is a functools.partial, built once with the URLconf.",
            ),
            Lesson(
                "menu-json",
                "The menu as JSON",
                "A view without a template.",
                "No template stage at all: the query runs inside the view, "
                "because building the JSON reads it there.",
            ),
            Lesson(
                "menu-csv",
                "The menu as CSV",
                "A streamed body.",
                "All middleware has been left before the first row is read: "
                "the queries run while the body is sent.",
            ),
            Lesson(
                "async",
                "The async kitchen",
                "An async view that awaits the ORM.",
                "The view runs on an event loop, its queries on a thread for sync code.",
            ),
            Lesson(
                "shelf",
                "The shelf",
                "The cache, asked by hand.",
                "Miss and set on the first visit, hit on the next; "
                "the backend object belongs to a thread, the stored bread to the process.",
            ),
            Lesson(
                "archive",
                "The archive",
                "A second database, with CONN_MAX_AGE=60.",
                "The default connection ends with the request; "
                "the archive's stays open for this thread's next one.",
            ),
        ),
    ),
    (
        "At the door",
        "Who comes in, who gets lost, and what breaks.",
        (
            Lesson(
                "members",
                "The members' table",
                "Sessions, log-in and log-out.",
                "request.user is lazy: the session and the user are read "
                "where they are first needed.",
            ),
            Lesson(
                "admin:index",
                "The office",
                "Django's own admin.",
                "A large page of many templates: count how many are compiled on the first visit.",
            ),
            Lesson(
                "lost",
                "A dish we do not have",
                "A 404 with a page of its own.",
                "Http404 leaves the view, a middleware's process_exception makes it a page, "
                "and no signal is sent.",
            ),
            Lesson(
                "spill",
                "Spilled coffee",
                "A 500, entirely on purpose.",
                "The exception passes every process_exception, becomes a response, "
                "and got_request_exception is sent.",
            ),
        ),
    ),
    (
        "Classic surprises",
        "Things that live longer than their authors thought. Each page says how to mend it.",
        (
            Lesson(
                "counter",
                "The counter that lives on",
                "A number in a module.",
                "The request ends, the module does not: the number grows, "
                "and each process has one of its own.",
            ),
            Lesson(
                "keeper",
                "The list that keeps every request",
                "cafe.views.RECENT forgets nothing.",
                "From the third visit on each request is marked as kept, by cafe.views.RECENT.",
            ),
            Lesson(
                "left-behind",
                "The basket left behind",
                "An object in a module's list.",
                "From the third visit on each Basket is marked as kept, by cafe.views.LEFT_BEHIND.",
            ),
            Lesson(
                "last-guest",
                "Somebody else's name",
                "A middleware that stores something on self.",
                "There is one LastGuest object for all requests, "
                "so what one guest leaves on it greets the next.",
            ),
            Lesson(
                "slow-cooker",
                "The slow cooker",
                "A background thread that outlives its request.",
                "The response is sent, the thread cooks on and holds the request; "
                "its query comes seconds too late.",
            ),
            Lesson(
                "language",
                "The language that stays",
                "translation.activate without its counterpart.",
                "The next request of the same thread answers in the language of this one.",
            ),
        ),
    ),
)


def _numbered() -> tuple[tuple[str, str, tuple[Lesson, ...]], ...]:
    number = 0
    parts = []
    for title, teaser, lessons in _PARTS:
        counted = tuple(
            replace(lesson, number=number + place) for place, lesson in enumerate(lessons, 1)
        )
        number += len(lessons)
        parts.append((title, teaser, counted))
    return tuple(parts)


PARTS: Final = _numbered()
"""Title, teaser and lessons of each part of the home page."""

LESSONS: Final = tuple(lesson for _, _, lessons in PARTS for lesson in lessons)
_BY_VIEW: Final = {lesson.view: lesson for lesson in LESSONS}


def current(request: HttpRequest) -> dict[str, Lesson | None]:
    """Adds the shown page's lesson and the next one to the template's context."""
    match = request.resolver_match
    lesson = _BY_VIEW.get(match.view_name) if match else None
    following = LESSONS[lesson.number] if lesson and lesson.number < len(LESSONS) else None
    return {"lesson": lesson, "next_lesson": following}
