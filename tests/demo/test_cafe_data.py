"""The sample data is added once, however often `prepare` runs."""

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
    """Returns the number of rows of each table."""
    return [model.objects.count() for model in MODELS]


def test_adding_it_twice_adds_nothing() -> None:
    assert sample.add_sample_data() > 0
    before = rows()
    assert sample.add_sample_data() == 0
    assert rows() == before


def test_changed_rows_stay_changed() -> None:
    sample.add_sample_data()
    Dish.objects.filter(slug="espresso").update(price="9.99")
    sample.add_sample_data()
    assert str(Dish.objects.get(slug="espresso").price) == "9.99"


def test_rows_of_the_last_tour_are_deleted() -> None:
    sample.add_sample_data()
    before = rows()
    Order.objects.create(guest=sample.TOUR_GUEST)
    GuestNote.objects.create(author=sample.TOUR_GUEST, text="x")
    sample.add_sample_data()
    assert rows() == before


def test_the_documented_barista_may_log_in() -> None:
    sample.add_sample_data()
    user = authenticate(username=sample.STAFF_NAME, password=sample.STAFF_PASSWORD)
    assert user is not None
    assert user.is_staff


def test_every_model_has_its_migration() -> None:
    """It is checked in another process, without the models that other tests define."""
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
