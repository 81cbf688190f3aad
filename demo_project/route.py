"""The route of the guided tour: the guests' requests, and what to look for."""

from __future__ import annotations

from dataclasses import dataclass

from cafe.people import STAFF_NAME, STAFF_PASSWORD, TOUR_GUEST


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one guest, and the status that it should get."""

    guest: str
    """The guest's name. Each guest has a TCP connection and so, under runserver, a thread."""
    path: str
    status: int = 200
    form: dict[str, object] | None = None
    """Fields to post; None for a GET."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A few requests with one thing to look for."""

    look: str
    visits: tuple[Visit, ...] = ()
    together: bool = False
    """Whether all guests visit at the same moment instead of one after the other."""
    settle: bool = False
    """Whether the tour runs a full collection afterwards."""


ANN, BEN, CLEO = "Ann", "Ben", "Cleo"

STOPS: tuple[Stop, ...] = (
    Stop(
        "A short text, twice: the first visit pays for what the second finds ready.",
        (Visit(ANN, "/hello/"), Visit(ANN, "/hello/")),
    ),
    Stop(
        "The menu, twice: a new view object each time, and its SELECT runs inside the template.",
        (Visit(ANN, "/menu/"), Visit(ANN, "/menu/?page=2")),
    ),
    Stop(
        "One dish, for two guests: templates nest, and the second guest finds them compiled.",
        (Visit(ANN, "/menu/flat-white/"), Visit(BEN, "/menu/flat-white/")),
    ),
    Stop(
        "The blackboard, twice: the cached fragment misses, then hits and saves the query.",
        (Visit(ANN, "/specials/"), Visit(ANN, "/specials/")),
    ),
    Stop(
        "A note in the guest book: post_save has a receiver, and it runs there and then.",
        (
            Visit(ANN, "/guestbook/"),
            Visit(ANN, "/guestbook/", 302, {"author": TOUR_GUEST, "text": "Nice and warm."}),
            Visit(ANN, "/guestbook/"),
        ),
    ),
    Stop(
        "An order: a transaction, a savepoint rolled back, then the café's own signal.",
        (
            Visit(ANN, "/order/"),
            Visit(
                ANN, "/order/", 302, {"guest": TOUR_GUEST, "dishes": ["espresso", "plum-crumble"]}
            ),
            Visit(ANN, "/order/"),
        ),
    ),
    Stop(
        "The basket: a plain class, named in TRACER['WATCH'], built for each request.",
        (
            Visit(ANN, "/basket/"),
            Visit(ANN, "/basket/", 302, {"dish": "croissant"}),
            Visit(ANN, "/basket/"),
        ),
    ),
    Stop(
        "Views of other kinds: decorated, partial, JSON.",
        (Visit(BEN, "/bell/"), Visit(BEN, "/tea/"), Visit(BEN, "/menu.json")),
    ),
    Stop(
        "A streamed CSV: its queries run after every middleware has been left.",
        (Visit(CLEO, "/menu.csv"),),
    ),
    Stop(
        "An async view: it runs on an event loop, its queries on a thread for sync code.",
        (Visit(BEN, "/async/"), Visit(BEN, "/async/")),
    ),
    Stop(
        "The shelf: a cache miss and set, then a hit; another thread, another backend object.",
        (Visit(ANN, "/shelf/"), Visit(ANN, "/shelf/"), Visit(BEN, "/shelf/")),
    ),
    Stop(
        "Two databases: default closes with the request, archive stays open for the thread.",
        (Visit(ANN, "/archive/"), Visit(BEN, "/archive/"), Visit(ANN, "/archive/")),
    ),
    Stop(
        "Log-in: request.user is lazy, so the session and the user are read where needed.",
        (
            Visit(ANN, "/log-in/"),
            Visit(ANN, "/log-in/", 302, {"username": STAFF_NAME, "password": STAFF_PASSWORD}),
            Visit(ANN, "/members/"),
            Visit(ANN, "/admin/"),
        ),
    ),
    Stop(
        "Lost and spilled: 404 by a middleware, 404 by Django, and a 500 with its signal.",
        (Visit(BEN, "/lost/", 404), Visit(BEN, "/no-such-page/", 404), Visit(BEN, "/spill/", 500)),
    ),
    Stop(
        "Two guests at once: each timeline shows its own request and nothing of the other.",
        (Visit(ANN, "/menu/"), Visit(BEN, "/basket/")),
        together=True,
        settle=True,
    ),
    Stop(
        "Surprise: a counter in a module lives on, and every process has its own.",
        (Visit(ANN, "/surprises/counter/"), Visit(BEN, "/surprises/counter/")),
    ),
    Stop(
        "Surprise: cafe.views.RECENT keeps every request.",
        (
            Visit(ANN, "/surprises/keeper/"),
            Visit(BEN, "/surprises/keeper/"),
            Visit(ANN, "/surprises/keeper/"),
        ),
    ),
    Stop(
        "Surprise: a Basket left behind in a list of the module.",
        (Visit(ANN, "/surprises/left-behind/"), Visit(BEN, "/surprises/left-behind/")),
    ),
    Stop(
        "Surprise: a name kept on self, and Ben is greeted as Ada.",
        (Visit(ANN, "/surprises/last-guest/?guest=Ada"), Visit(BEN, "/surprises/last-guest/")),
    ),
    Stop(
        "Surprise: a background thread outlives its request, and holds it.",
        (Visit(BEN, "/surprises/slow-cooker/"),),
    ),
    Stop(
        "Surprise: French for Ann stays with her thread; Ben's thread never hears of it.",
        (
            Visit(ANN, "/surprises/language/?speak=fr"),
            Visit(ANN, "/surprises/language/"),
            Visit(BEN, "/surprises/language/"),
            Visit(ANN, "/surprises/language/?speak=reset"),
        ),
        settle=True,
    ),
    Stop(
        "Once more around the house: what is used again now has outlived a full collection.",
        (
            Visit(ANN, "/"),
            Visit(BEN, "/"),
            Visit(ANN, "/menu/flat-white/"),
            Visit(BEN, "/menu/"),
            Visit(BEN, "/specials/"),
            Visit(BEN, "/guestbook/"),
            Visit(BEN, "/order/"),
            Visit(ANN, "/bell/"),
            Visit(ANN, "/tea/green/"),
            Visit(ANN, "/async/"),
            Visit(BEN, "/shelf/"),
            Visit(ANN, "/archive/"),
            Visit(BEN, "/archive/"),
            Visit(ANN, "/admin/"),
            Visit(ANN, "/members/"),
            Visit(ANN, "/log-out/", 302, {}),
            Visit(ANN, "/log-in/"),
        ),
    ),
    Stop(
        "The last accidents: what Django keeps ready for them was built the first time.",
        (Visit(ANN, "/lost/", 404), Visit(ANN, "/no-such-page/", 404), Visit(ANN, "/spill/", 500)),
    ),
    Stop(
        "The surprises again, each now with a past.",
        (
            Visit(BEN, "/surprises/counter/"),
            Visit(BEN, "/surprises/left-behind/"),
            Visit(ANN, "/surprises/last-guest/"),
            Visit(ANN, "/surprises/slow-cooker/"),
            Visit(BEN, "/surprises/language/"),
            Visit(BEN, "/surprises/keeper/"),
        ),
        settle=True,
    ),
)
