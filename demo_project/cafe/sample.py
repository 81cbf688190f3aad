"""The café's sample data, and the function that adds it. Adding it twice changes nothing."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.contrib.auth import get_user_model

from cafe.models import ArchivedDay, Category, Dish, GuestNote, Order
from cafe.people import STAFF_NAME, STAFF_PASSWORD, TOUR_GUEST

# name, slug, description, price, special, sold out
MENU: dict[str, tuple[tuple[str, str, str, str, bool, bool], ...]] = {
    "Coffee": (
        ("Espresso", "espresso", "Short, dark, gone in three sips.", "2.20", False, False),
        ("Flat white", "flat-white", "Two shots under a thin, warm blanket.", "3.60", True, False),
        ("Cappuccino", "cappuccino", "Foam enough for a moustache.", "3.40", False, False),
        ("Cortado", "cortado", "Half coffee, half milk, no argument.", "3.10", False, False),
        ("Filter of the day", "filter", "Slow, clear, and refilled once.", "2.90", False, False),
    ),
    "Tea": (
        ("Earl Grey", "earl-grey", "Bergamot, and a slice of lemon.", "2.80", False, False),
        ("Sencha", "sencha", "Seventy degrees, ninety seconds.", "3.20", False, False),
        ("Fresh mint", "fresh-mint", "A small garden in a tall glass.", "3.00", True, False),
    ),
    "From the oven": (
        ("Butter croissant", "croissant", "Twenty-seven layers, all flaky.", "2.40", False, False),
        ("Cinnamon knot", "cinnamon-knot", "Tied by hand, eaten at once.", "2.90", True, False),
        ("Almond slice", "almond-slice", "Crisp on top, soft below.", "3.30", False, False),
        ("Sourdough toast", "toast", "With salted butter and plum jam.", "3.50", False, False),
    ),
    "Cakes": (
        ("Carrot cake", "carrot-cake", "Walnuts, and no apology.", "4.20", False, False),
        ("Lemon tart", "lemon-tart", "Sharp enough to wake you up.", "4.00", True, False),
        ("Plum crumble", "plum-crumble", "As long as there are plums.", "4.10", False, True),
    ),
    "Kitchen": (
        ("Shakshuka", "shakshuka", "Two eggs in a red, spicy sea.", "8.50", False, False),
        ("Leek quiche", "leek-quiche", "With a green salad.", "7.20", False, False),
        ("Soup of the day", "soup", "Ask, and be surprised.", "5.40", True, False),
    ),
}

NOTES = (
    ("Mira", "The cinnamon knot is the best argument for getting up."),
    ("Jonas", "Stayed for one espresso, left three hours later."),
    ("Aiko", "Quiet corner, good light, kind people."),
)

FIRST_ARCHIVED_DAY = date(2019, 5, 1)
ARCHIVED_DAYS = 14


def add_sample_data() -> int:
    """Adds the sample data that is missing; returns how many rows it has added."""
    added = _menu() + _notes() + _archive() + _staff()
    Order.objects.filter(guest=TOUR_GUEST).delete()
    GuestNote.objects.filter(author=TOUR_GUEST).delete()
    return added


def _menu() -> int:
    added = 0
    for position, (heading, dishes) in enumerate(MENU.items(), start=1):
        category, new = Category.objects.get_or_create(
            slug=heading.lower().replace(" ", "-"),
            defaults={"name": heading, "position": position},
        )
        added += new
        for name, slug, description, price, special, sold_out in dishes:
            _, new = Dish.objects.get_or_create(
                slug=slug,
                defaults={
                    "category": category,
                    "name": name,
                    "description": description,
                    "price": Decimal(price),
                    "special": special,
                    "sold_out": sold_out,
                },
            )
            added += new
    return added


def _notes() -> int:
    return sum(
        GuestNote.objects.get_or_create(author=author, text=text)[1] for author, text in NOTES
    )


def _archive() -> int:
    added = 0
    for number in range(ARCHIVED_DAYS):
        guests = 40 + number * 17 % 29
        _, new = ArchivedDay.objects.get_or_create(
            day=FIRST_ARCHIVED_DAY + timedelta(days=number),
            defaults={"guests": guests, "takings": Decimal(guests) * Decimal("6.35")},
        )
        added += new
    return added


def _staff() -> int:
    users = get_user_model().objects
    if users.filter(username=STAFF_NAME).exists():
        return 0
    users.create_superuser(STAFF_NAME, "", STAFF_PASSWORD)
    return 1
