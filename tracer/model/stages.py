"""The stages that a request or a boot can pass through, each with a one-line lesson about it.

A stage is a plain string: it stands unchanged in journals, JSON documents and assertions.
Nothing in the tracer decides a scope from a stage.
"""

from __future__ import annotations

from typing import Final

REQUEST: Final = "request"
REQUEST_STARTED: Final = "request_started"
REQUEST_FINISHED: Final = "request_finished"
SIGNAL: Final = "signal"
MIDDLEWARE: Final = "middleware"
HOOK: Final = "hook"
RESOLVE: Final = "resolve"
VIEW: Final = "view"
QUERY: Final = "query"
TRANSACTION: Final = "transaction"
CONNECTION: Final = "connection"
CACHE: Final = "cache"
TEMPLATE: Final = "template"
COMPILE: Final = "compile"
EXCEPTION: Final = "exception"
CONVERT: Final = "convert"
RESPONSE: Final = "response"
BODY: Final = "body"
CLOSE: Final = "close"
IMPORT: Final = "import"
COLLECTION: Final = "collection"
THREAD: Final = "thread"

INTERPRETER: Final = "interpreter"
SETTINGS: Final = "settings"
SETUP: Final = "setup"
APP: Final = "app"
MODELS: Final = "models"
READY: Final = "ready"
URLCONF: Final = "urlconf"
HANDLER: Final = "handler"

LESSONS: Final[dict[str, str]] = {
    REQUEST: "The whole of it, from the server's call to the response's close.",
    REQUEST_STARTED: "A signal, sent before any request object exists.",
    REQUEST_FINISHED: "A signal, sent by the response's close; here Django lets go of connections.",
    SIGNAL: "Code sent a signal; its receivers run there and then, one after the other.",
    MIDDLEWARE: "Built once, entered and left once per request; the first in is the last out.",
    HOOK: "A method of a middleware that Django calls between the layers and the view.",
    RESOLVE: "The path is looked up in the URLconf; resolvers are built on first use and stay.",
    VIEW: "Your code. A class-based view is a new instance every time.",
    QUERY: "One statement on one connection. Lazy QuerySets run it where they are first read.",
    TRANSACTION: "Begin, commit, roll back or a savepoint.",
    CONNECTION: "A raw connection was opened, or lent by a pool; CONN_MAX_AGE or the pool ends it.",
    CACHE: "One operation on a cache backend; each thread has its own backend object.",
    TEMPLATE: "A compiled template rendered with one request's context.",
    COMPILE: "A template's source became nodes; the cached loader keeps them for the process.",
    EXCEPTION: "An exception left the code that raised it.",
    CONVERT: "An exception became a response, at the innermost layer that could do so.",
    RESPONSE: "The response object left the last middleware.",
    BODY: "A streaming body was produced, after every middleware had returned.",
    CLOSE: "The server closed the response: files, the request and request_finished.",
    IMPORT: "A module was imported; only the first request to need it pays.",
    COLLECTION: "Python's cycle collector ran; objects in unreachable reference cycles died.",
    THREAD: "Code of this request started a thread.",
    INTERPRETER: "Python began, and imported whatever the server needs before Django.",
    SETTINGS: "The settings module was imported; every module of the process shares the result.",
    SETUP: "django.setup(): logging is configured and the app registry filled, once per process.",
    APP: "An app's package was imported and its AppConfig made.",
    MODELS: "An app's models module was imported; its classes stay for the process.",
    READY: "AppConfig.ready() ran: the place where projects connect their signals.",
    URLCONF: "The URLconf was imported, and with it every view that it names.",
    HANDLER: "The handler was built, and with it every middleware, the last of the list first.",
}
"""Stage name to the sentence a learner reads beside it."""
