"""The café's models: menu, notes, orders and archive; and the basket, a plain class."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db import models
from django.urls import reverse


class Category(models.Model):
    """A heading of the menu."""

    name = models.CharField(max_length=40)
    slug = models.SlugField(unique=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position",)
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class Dish(models.Model):
    """Something to eat or drink."""

    category = models.ForeignKey(Category, models.CASCADE, related_name="dishes")
    name = models.CharField(max_length=60)
    slug = models.SlugField(unique=True)
    description = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=5, decimal_places=2)
    special = models.BooleanField(default=False)
    sold_out = models.BooleanField(default=False)

    class Meta:
        ordering = ("category__position", "name")
        verbose_name_plural = "dishes"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Returns the URL of the dish's page."""
        return reverse("dish", args=(self.slug,))


class GuestNote(models.Model):
    """A line in the guest book."""

    author = models.CharField(max_length=40)
    text = models.CharField(max_length=200)
    written = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-written", "-pk")

    def __str__(self) -> str:
        return f"{self.author}: {self.text}"


class Order(models.Model):
    """An order of one guest."""

    guest = models.CharField(max_length=40)
    placed = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-placed", "-pk")

    def __str__(self) -> str:
        return f"Order {self.pk} for {self.guest}"


class OrderLine(models.Model):
    """One dish of an order."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    dish = models.ForeignKey(Dish, models.PROTECT)

    def __str__(self) -> str:
        return self.dish.name


class ArchivedDay(models.Model):
    """A past day, stored in the archive database."""

    day = models.DateField(unique=True)
    guests = models.PositiveIntegerField()
    takings = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        ordering = ("day",)

    def __str__(self) -> str:
        return f"{self.day}: {self.guests} guests"


class Basket:
    """The dishes that a guest has picked: a plain class, built from the session for each request.

    `TRACER["WATCH"]` names it, so the tracer follows each one from birth to death.
    """

    def __init__(self, picked: dict[str, int] | None = None) -> None:
        """`picked` is the number of each dish, by slug."""
        self.picked = dict(picked or {})

    @classmethod
    def of(cls, session: Any) -> Basket:
        """Returns the basket that a session describes."""
        return cls(session.get("basket"))

    def add(self, slug: str) -> None:
        """Adds one of a dish."""
        self.picked[slug] = self.picked.get(slug, 0) + 1

    def save(self, session: Any) -> None:
        """Stores the basket in the session."""
        session["basket"] = self.picked

    def lines(self) -> Iterator[tuple[Dish, int, Decimal]]:
        """Yields each dish, its number, and the price of these."""
        for dish in Dish.objects.filter(slug__in=self.picked):
            count = self.picked[dish.slug]
            yield dish, count, dish.price * count

    def total(self) -> Decimal:
        """Returns the price of everything."""
        return sum((price for _, _, price in self.lines()), Decimal(0))
