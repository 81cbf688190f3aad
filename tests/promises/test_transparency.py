"""Every page of a real project is, byte for byte, what it is without the tracer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from cafe.urls import urlpatterns
from django.core.handlers.asgi import ASGIHandler
from django.db import transaction
from django.test import AsyncClient, Client
from django.urls import reverse

from tests.driving import Answer, environ, serve, serve_async
from tests.promises.comparing import assert_same, both, outcome

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"]),
    pytest.mark.usefixtures("no_faults"),
]

Forget = Callable[[], None]
NAMES = [pattern.name for pattern in urlpatterns]


def _address(name: str) -> str:
    return reverse(name, args=["espresso"] if name == "dish" else [])


@pytest.mark.parametrize("name", NAMES)
def test_each_page_is_the_same_with_the_tracer_and_without(open_cafe: Forget, name: str) -> None:
    """Status, headers and their order, body, number of queries and each query's text."""
    bare, traced = both(
        lambda handler: serve(handler, environ(_address(name))), before=open_cafe, requests=2
    )
    assert bare.answer is not None
    assert_same(bare, traced)


@pytest.mark.django_db(databases=["default", "archive"], transaction=True)
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_each_page_is_the_same_under_asgi(open_cafe: Forget) -> None:
    """Sync views on a worker thread, async ones on the loop."""
    for name in NAMES:
        bare, traced = both(
            lambda handler, name=name: asyncio.run(serve_async(handler, _address(name))),
            handler=ASGIHandler,
            before=open_cafe,
        )
        assert bare.answer is not None
        assert bare.answer.status != "500" or name == "spill"
        assert_same(bare, traced)


def test_every_page_of_a_project_in_debug_mode_is_the_same(open_cafe: Forget, settings: Any) -> None:
    """Even the debugging page, with its frames: the tracer's own stay out of it."""
    settings.DEBUG = True
    for name in NAMES:
        bare, traced = both(
            lambda handler, name=name: _without_frames(serve(handler, environ(_address(name)))),
            before=open_cafe,
        )
        assert_same(bare, traced)


def _without_frames(answer: Answer) -> Answer:
    """Mask object addresses, and what a WSGI server's own environment adds to the page."""
    answer.body = re.sub(rb"0x[0-9a-f]{6,}", b"0x", answer.body)
    answer.body = re.sub(rb"(?<=id=.)[cs]\d{10,}|\d{12,}", b"n", answer.body)
    return answer


def _posting(client: Client, name: str, data: dict[str, Any]) -> Answer:
    """Post a form as a browser does: with the token of the page it was on."""
    address = _address(name)
    token = client.get(address).cookies["csrftoken"].value
    response = client.post(address, data | {"csrfmiddlewaretoken": token})
    return Answer(str(response.status_code), list(response.items()), response.content)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("guestbook", {"name": "Ada", "text": "Lovely."}),
        ("guestbook", {"name": "", "text": ""}),
        ("order", {"guest": "Ada", "dishes": ["1", "2"]}),
        ("order", {"guest": ""}),
        ("basket", {"dish": "espresso"}),
        ("basket", {"dish": "unicorn"}),
        ("shelf", {}),
        ("keeper", {}),
    ],
)
def test_each_form_is_taken_the_same_way(
    open_cafe: Forget, name: str, data: dict[str, Any]
) -> None:
    """Transactions, savepoints, messages, sessions and redirects included."""

    def post(_handler: Any) -> Answer:
        with transaction.atomic():
            answer = _posting(Client(enforce_csrf_checks=True), name, data)
            transaction.set_rollback(True)
        return answer

    bare, traced = both(post, before=open_cafe)
    assert bare.error is None
    assert_same(bare, traced)


def test_a_form_without_its_token_is_refused_the_same_way(open_cafe: Forget) -> None:
    """The CSRF check sees the same request."""
    body = urlencode({"name": "Ada"}).encode()
    bare, traced = both(
        lambda handler: serve(handler, environ("/guestbook/", "POST", body)), before=open_cafe
    )
    assert bare.answer is not None
    assert bare.answer.status == "403 Forbidden"
    assert_same(bare, traced)


def test_the_test_clients_get_the_same(open_cafe: Forget) -> None:
    """Their handlers are watched, too: response, context, templates, client and request."""

    async def aget(name: str) -> Any:
        return await AsyncClient().get(_address(name))

    def told(response: Any) -> Answer:
        content = response.content if not response.streaming else response.getvalue()
        names = [template.name for template in response.templates]
        extra = [("templates", ",".join(map(str, names))), ("view", str(response.resolver_match))]
        return Answer(str(response.status_code), [*response.items(), *extra], content)

    for name in ("home", "menu", "menu-csv", "menu-json", "shelf"):
        bare, traced = both(lambda _, name=name: told(Client().get(_address(name))))
        assert_same(bare, traced)
    for name in ("hello", "lost"):
        bare, traced = both(lambda _, name=name: told(asyncio.run(aget(name))))
        assert bare.answer is not None
        assert_same(bare, traced)


def test_the_comparison_notices_a_difference(open_cafe: Forget) -> None:
    """If anything here could not fail, nothing above would mean a thing."""
    menu = outcome(lambda: Answer("200 OK", [("X", "1")], b"body"))
    for other in (
        Answer("201 Created", [("X", "1")], b"body"),
        Answer("200 OK", [("X", "2")], b"body"),
        Answer("200 OK", [("X", "1")], b"other"),
    ):
        with pytest.raises(AssertionError):
            assert_same(menu, outcome(lambda other=other: other))
    more = outcome(lambda: Answer("200 OK", [("X", "1")], b"body"))
    more.statements.append("SELECT 1")
    with pytest.raises(AssertionError):
        assert_same(menu, more)
