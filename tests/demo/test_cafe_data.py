"""The sample data: laid out once, however often it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cafe import sample
from cafe.models import ArchivedDay, Category, Dish, GuestNote, Order
from django.contrib.auth import authenticate, get_user_model

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db(databases=["default", "archive"])

MODELS = (ArchivedDay, Category, Dish, GuestNote, Order, get_user_model())


def rows() -> list[int]:
    """How many rows each table has."""
    return [model.objects.count() for model in MODELS]


def test_laying_it_out_twice_adds_nothing() -> None:
    assert sample.lay_out() > 0
    before = rows()
    assert sample.lay_out() == 0
    assert rows() == before


def test_what_a_person_changed_stays_changed() -> None:
    sample.lay_out()
    Dish.objects.filter(slug="espresso").update(price="9.99")
    sample.lay_out()
    assert str(Dish.objects.get(slug="espresso").price) == "9.99"


def test_what_the_last_tour_left_is_cleared_away() -> None:
    sample.lay_out()
    before = rows()
    Order.objects.create(guest=sample.TOUR_GUEST)
    GuestNote.objects.create(author=sample.TOUR_GUEST, text="x")
    sample.lay_out()
    assert rows() == before


def test_the_documented_barista_may_log_in() -> None:
    sample.lay_out()
    user = authenticate(username=sample.STAFF_NAME, password=sample.STAFF_PASSWORD)
    assert user is not None
    assert user.is_staff


def test_every_model_has_its_migration() -> None:
    """Asked in a process of its own: models that other tests make up are not the café's."""
    done = subprocess.run(
        [sys.executable, "demo_project/manage.py", "makemigrations", "--check", "--dry-run"],
        cwd=ROOT,
        env=os.environ
        | {
            "TRACER_ENABLED": "0",
            "DJANGO_SETTINGS_MODULE": "cafe_site.settings",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
