"""Every page of a real project is, byte for byte, what it is without the tracer."""

from __future__ import annotations

import asyncio
import gc
import itertools
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from cafe.urls import urlpatterns
from django.core.handlers.asgi import ASGIHandler
from django.db import transaction
from django.test import AsyncClient, Client
from django.urls import reverse

from tests.promises.comparing import Ask, assert_all_same, assert_same, both, outcome, pairs
from tests.support.client import Answer, environ, serve, serve_async

pytestmark = [
    pytest.mark.django_db(databases=["default", "archive"]),
    pytest.mark.usefixtures("no_faults"),
]

Forget = Callable[[], None]
NAMES = [pattern.name for pattern in urlpatterns]


def _address(name: str) -> str:
    return reverse(name, args=["espresso"] if name == "dish" else [])


@pytest.fixture(autouse=True)
def _numbers_of_one_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages tell the names of their threads, and those are numbered on and on."""
    monkeypatch.setattr(ThreadPoolExecutor, "_counter", itertools.count(10**6).__next__)


def test_each_page_is_the_same_with_the_tracer_and_without(open_cafe: Forget) -> None:
    """Status, headers and their order, body, number of queries and each query's text."""
    found = pairs({name: _get(name) for name in NAMES}, before=open_cafe)
    assert_all_same(found)
    statements = {name: len(bare.statements) for name, (bare, _) in found.items()}
    assert statements["menu"] > 1
    assert statements["hello"] == 0


@pytest.mark.django_db(databases=["default", "archive"], transaction=True)
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_each_page_is_the_same_under_asgi(open_cafe: Forget) -> None:
    """Sync views on a worker thread, async ones on the loop."""

    def get(name: str) -> Ask:
        return lambda handler: asyncio.run(serve_async(handler, _address(name)))

    found = pairs({name: get(name) for name in NAMES}, handler=ASGIHandler, before=open_cafe)
    assert_all_same(found)
    failed = {n for n, (bare, _) in found.items() if bare.answer and bare.answer.status == 500}
    assert failed == {"spill"}
    gc.collect()


def test_each_page_in_debug_mode_is_the_same(open_cafe: Forget, settings: Any) -> None:
    """With the debugging pages and all that they tell."""
    settings.DEBUG = True

    def get(name: str) -> Ask:
        return lambda handler: _without_addresses(serve(handler, environ(_address(name))))

    assert_all_same(pairs({name: get(name) for name in NAMES}, before=open_cafe))


def _get(name: str) -> Ask:
    return lambda handler: serve(handler, environ(_address(name)))


def _without_addresses(answer: Answer) -> Answer:
    """Mask what differs between any two runs of a debugging page."""
    answer = replace(answer, body=re.sub(rb"0x[0-9a-f]{6,}", b"0x", answer.body))
    return replace(answer, body=re.sub(rb"\b[cs]?\d{12,}\b", b"n", answer.body))


def _posting(client: Client, name: str, data: dict[str, Any]) -> Answer:
    """Post a form as a browser does: with the token of the page it was on."""
    address = _address(name)
    token = client.get(address).cookies["csrftoken"].value
    response = client.post(address, data | {"csrfmiddlewaretoken": token})
    return Answer(response.status_code, "", tuple(response.items()), response.content)


FORMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("guestbook", {"name": "Ada", "text": "Lovely."}),
    ("guestbook", {"name": "", "text": ""}),
    ("order", {"guest": "Ada", "dishes": ["1", "2"]}),
    ("order", {"guest": ""}),
    ("basket", {"dish": "espresso"}),
    ("basket", {"dish": "unicorn"}),
    ("shelf", {}),
    ("keeper", {}),
)


def test_each_form_is_taken_the_same_way(open_cafe: Forget) -> None:
    """Transactions, savepoints, messages, sessions and redirects included."""

    def post(name: str, data: dict[str, Any]) -> Ask:
        def ask(_handler: Any) -> Answer:
            with transaction.atomic():
                answer = _posting(Client(enforce_csrf_checks=True), name, data)
                transaction.set_rollback(True)
            return answer

        return ask

    asks = {f"{place} {name}": post(name, data) for place, (name, data) in enumerate(FORMS)}
    found = pairs(asks, before=open_cafe)
    assert_all_same(found)
    assert {bare.error for bare, _ in found.values()} == {None}
    assert any("INSERT" in line for bare, _ in found.values() for line in bare.statements)


def test_a_form_without_its_token_is_refused_the_same_way(open_cafe: Forget) -> None:
    """The CSRF check sees the same request."""
    body = urlencode({"name": "Ada"}).encode()
    bare, traced = both(
        lambda handler: serve(handler, environ("/guestbook/", "POST", body)), before=open_cafe
    )
    assert bare.answer is not None
    assert bare.answer.status == 403
    assert_same(bare, traced)


def test_the_test_clients_get_the_same(open_cafe: Forget) -> None:
    """Their handlers are watched, too: response, context, templates, client and request."""

    async def aget(name: str) -> Any:
        return await AsyncClient().get(_address(name))

    def told(response: Any) -> Answer:
        content = response.content if not response.streaming else response.getvalue()
        names = [template.name for template in response.templates]
        extra = [("templates", ",".join(map(str, names))), ("view", str(response.resolver_match))]
        return Answer(response.status_code, "", (*response.items(), *extra), content)

    names = ("home", "menu", "menu-csv", "menu-json", "shelf")
    found = pairs({n: lambda _, n=n: told(Client().get(_address(n))) for n in names})
    assert_all_same(found)
    names = ("hello", "lost")
    found = pairs({n: lambda _, n=n: told(asyncio.run(aget(n))) for n in names})
    assert_all_same(found)
    assert all(bare.answer for bare, _ in found.values())


def test_the_comparison_notices_a_difference(open_cafe: Forget) -> None:
    """If anything here could not fail, nothing above would mean a thing."""
    menu = outcome(lambda: Answer(200, "OK", (("X", "1"),), b"body"))
    for other in (
        Answer(201, "Created", (("X", "1"),), b"body"),
        Answer(200, "OK", (("X", "2"),), b"body"),
        Answer(200, "OK", (("X", "1"),), b"other"),
    ):
        with pytest.raises(AssertionError):
            assert_same(menu, outcome(lambda other=other: other))
    more = outcome(lambda: Answer(200, "OK", (("X", "1"),), b"body"))
    more.statements.append("SELECT 1")
    with pytest.raises(AssertionError):
        assert_same(menu, more)
