"""Each surprise has the fault that its page describes."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest
from cafe import surprises, views
from django.http import HttpRequest
from django.test import Client
from django.utils import translation

pytestmark = pytest.mark.django_db(databases=["default", "archive"])

PATHS = ("counter", "keeper", "left-behind", "last-guest", "language")


@pytest.mark.parametrize("path", PATHS)
def test_a_surprise_says_what_is_wrong_and_how_to_mend_it(guest: Client, path: str) -> None:
    page = guest.get(f"/surprises/{path}/").content.decode()
    assert "What is wrong" in page
    assert "How to mend it" in page


def test_the_counter_lives_on_from_request_to_request(guest: Client) -> None:
    pages = [guest.get("/surprises/counter/").content.decode() for _ in range(2)]
    assert '<p class="big">1</p>' in pages[0]
    assert '<p class="big">2</p>' in pages[1]
    assert f"process {os.getpid()}" in pages[1]


def test_the_keeper_keeps_the_very_requests_until_it_is_emptied(guest: Client) -> None:
    responses = [guest.get("/surprises/keeper/") for _ in range(2)]
    assert [response.wsgi_request for response in responses] == views.RECENT
    guest.post("/surprises/keeper/")
    assert views.RECENT == []


def test_a_basket_is_left_behind_until_the_table_is_cleared(guest: Client) -> None:
    guest.get("/surprises/left-behind/")
    assert [basket.picked for basket in views.LEFT_BEHIND] == [{"croissant": 1}]
    guest.post("/surprises/left-behind/")
    assert views.LEFT_BEHIND == []


def test_a_guest_is_greeted_by_the_name_of_another(guest: Client) -> None:
    assert "Welcome, stranger." in guest.get("/surprises/last-guest/").content.decode()
    guest.get("/surprises/last-guest/?guest=Ada")
    page = guest.get("/surprises/last-guest/").content.decode()
    assert "Welcome, Ada!" in page
    assert "somebody else" in page


def test_a_language_leaks_into_the_next_request_of_the_thread(guest: Client) -> None:
    before = guest.get("/surprises/language/").context
    assert before["found"] == "en-us"
    assert not before["surprised"]
    guest.get("/surprises/language/?speak=fr")
    after = guest.get("/surprises/language/").context
    assert after["found"] == "fr"
    assert after["surprised"]
    guest.get("/surprises/language/?speak=reset")
    assert translation.get_language() == "en-us"


def test_a_thread_holds_the_request_when_the_response_is_long_sent(
    guest: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[Any] = []
    may_end, has_ended = threading.Event(), threading.Event()

    def cook(request: HttpRequest) -> None:
        may_end.wait(60)
        held.append(request)
        surprises._cooking.release()
        has_ended.set()

    monkeypatch.setattr(surprises, "_cook", cook)
    response = guest.get("/surprises/slow-cooker/")
    assert "Cooking…" in response.content.decode()
    assert held == []
    may_end.set()
    assert has_ended.wait(60)
    assert held == [response.wsgi_request]


def test_no_more_than_three_threads_cook_at_once(
    guest: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surprises, "_cooking", threading.BoundedSemaphore(3))
    monkeypatch.setattr(surprises, "_cook", lambda request: None)
    pages = [guest.get("/surprises/slow-cooker/").content.decode() for _ in range(4)]
    assert ["All pots taken" in page for page in pages] == [False, False, False, True]
