"""Each page of the café answers as its lesson says."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from cafe import views
from cafe.lessons import LESSONS, PARTS, Lesson
from cafe.models import Basket, Dish, GuestNote, Order
from cafe.sample import STAFF_NAME, STAFF_PASSWORD
from cafe.signals import order_placed
from django.test import Client

pytestmark = pytest.mark.django_db(databases=["default", "archive"])

EXPECTED = {"lost": 404, "spill": 500, "members": 302, "admin:index": 302}
# Its thread would query a database that only exists on the test's own connection.
SLOW = "slow-cooker"


def test_the_home_page_lists_every_lesson_with_its_number_and_what_to_look_for(
    guest: Client,
) -> None:
    page = guest.get("/").content.decode()
    for number, lesson in enumerate(LESSONS, start=1):
        assert lesson.number == number
        assert f'<span class="number">{number}</span>' in page
        assert f'href="{lesson.url}"' in page
        assert lesson.look.replace("'", "&#x27;") in page
    assert (
        sum(len(lessons) for _, _, lessons in PARTS) == len(LESSONS) == page.count('class="card"')
    )


@pytest.mark.parametrize(
    "lesson", [one for one in LESSONS if one.view != SLOW], ids=lambda x: x.view
)
def test_every_lesson_leads_to_a_page_that_answers(guest: Client, lesson: Lesson) -> None:
    response = guest.get(lesson.url)
    assert response.status_code == EXPECTED.get(lesson.view, 200)
    assert response.headers["X-Cafe"] == "open"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda x: x.view)
def test_what_to_look_for_is_one_sentence(lesson: Lesson) -> None:
    assert lesson.look.endswith(".")
    assert ". " not in lesson.look
    assert lesson.title
    assert lesson.teaser


def test_a_page_loads_nothing_from_other_hosts(guest: Client) -> None:
    page = guest.get("/").content.decode()
    assert "http://" not in page
    assert "https://" not in page
    assert "prefers-color-scheme: dark" in page


def test_the_menu_has_two_pages_and_a_greeting_from_a_middleware(guest: Client) -> None:
    first, second = guest.get("/menu/"), guest.get("/menu/?page=2")
    assert "Do sit down." in first.content.decode()
    assert "Page 1 of 2" in first.content.decode()
    assert "Plum crumble" in second.content.decode()


def test_the_blackboard_asks_the_database_only_once(
    guest: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        first = guest.get("/specials/").content.decode()
    with django_assert_num_queries(0):
        second = guest.get("/specials/").content.decode()
    assert "Lemon tart" in first
    assert "Lemon tart" in second


def test_saving_a_dish_wipes_the_blackboard(guest: Client) -> None:
    guest.get("/specials/")
    Dish.objects.get(slug="soup").delete()
    assert "Soup of the day" not in guest.get("/specials/").content.decode()


def test_a_note_is_saved_thanked_for_and_counted(guest: Client) -> None:
    before = guest.get("/guestbook/").content.decode()
    response = guest.post("/guestbook/", {"author": "Test", "text": "Good tea."}, follow=True)
    page = response.content.decode()
    assert "Thank you for your note." in page
    assert "Good tea." in page
    assert "3 notes" in before
    assert "4 notes" in page


def test_a_form_without_its_token_is_refused(guest: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/guestbook/", {"author": "x", "text": "y"}).status_code == 403
    assert not GuestNote.objects.filter(author="x").exists()


def test_an_order_keeps_available_dishes_and_rolls_back_sold_out_ones(
    guest: Client, django_capture_on_commit_callbacks: Any
) -> None:
    placed: list[Order] = []

    def receive(sender: Any, order: Order, **kwargs: Any) -> None:
        placed.append(order)

    order_placed.connect(receive)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            form = {"guest": "Test", "dishes": ["espresso", "plum-crumble"]}
            page = guest.post("/order/", form, follow=True).content.decode()
    finally:
        order_placed.disconnect(receive)
    order = Order.objects.get(guest="Test")
    assert [line.dish.slug for line in order.lines.all()] == ["espresso"]
    assert "Sorry, no more plum crumble today." in page
    assert placed == [order]


def test_the_basket_is_kept_in_the_session(guest: Client) -> None:
    guest.post("/basket/", {"dish": "croissant"})
    page = guest.post("/basket/", {"dish": "croissant"}, follow=True).content.decode()
    assert "2 \u00d7 Butter croissant" in page
    assert "4.80" in page
    assert guest.post("/basket/", {"dish": "no-such-dish"}).status_code == 404


def test_json_and_csv_hold_the_same_menu(guest: Client) -> None:
    dishes = json.loads(guest.get("/menu.json").content)["dishes"]
    response = guest.get("/menu.csv")
    assert response.streaming
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
    assert {row["dish"] for row in rows} == {dish["name"] for dish in dishes}
    assert len(rows) == Dish.objects.count()


def test_one_view_makes_both_teas_and_the_bell_rings(guest: Client) -> None:
    assert "black" in guest.get("/tea/").content.decode()
    assert "green" in guest.get("/tea/green/").content.decode()
    assert guest.get("/bell/").headers["X-Bell"] == "ding"


def test_the_async_kitchen_awaits_the_orm(guest: Client) -> None:
    page = guest.get("/async/").content.decode()
    assert f"{Dish.objects.count()} dishes" in page
    assert "Carrot cake, Lemon tart, Plum crumble" in page


def test_the_shelf_misses_then_hits_until_it_is_cleared(guest: Client) -> None:
    assert "A miss" in guest.get("/shelf/").content.decode()
    assert "A hit" in guest.get("/shelf/").content.decode()
    assert "A miss" in guest.post("/shelf/", follow=True).content.decode()


def test_the_archive_is_another_database(guest: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2, using="archive"):
        page = guest.get("/archive/").content.decode()
    assert "1 May 2019" in page


def test_members_log_in_are_counted_and_may_enter_the_office(guest: Client) -> None:
    assert guest.get("/members/").headers["Location"] == "/log-in/?next=/members/"
    form = {"username": STAFF_NAME, "password": STAFF_PASSWORD}
    assert "1 time." in guest.post("/log-in/", form, follow=True).content.decode()
    assert "2 times." in guest.get("/members/").content.decode()
    assert guest.get("/admin/").status_code == 200
    guest.post("/log-out/")
    assert guest.get("/members/").status_code == 302


def test_a_404_of_a_view_is_a_page_of_the_cafe(guest: Client) -> None:
    page = guest.get("/lost/").content.decode()
    assert "unicorn latte" in page
    assert guest.get("/menu/no-such-dish/").status_code == 404
    assert guest.get("/no-such-page/").status_code == 404


@pytest.mark.parametrize("debug", [True, False])
def test_the_500_is_a_page_of_the_cafe_with_or_without_debug(
    guest: Client, settings: Any, debug: bool
) -> None:
    settings.DEBUG = debug
    response = guest.get("/spill/")
    assert response.status_code == 500
    assert "This was meant to happen." in response.content.decode()


def test_a_basket_adds_up() -> None:
    basket = Basket({"a": 1})
    basket.add("a")
    basket.add("b")
    session: dict[str, Any] = {}
    basket.save(session)
    assert Basket.of(session).picked == {"a": 2, "b": 1}
    assert views.LEFT_BEHIND == []
