"""Receivers of the café's own signal and of its models' signals."""

from __future__ import annotations

import logging
from typing import Any

from django.core.cache import cache
from django.core.cache.utils import make_template_fragment_key
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from cafe.models import Dish, GuestNote, Order
from cafe.signals import order_placed

log = logging.getLogger("cafe")


@receiver(order_placed)
def ring_the_kitchen(sender: Any, order: Order, **kwargs: Any) -> None:
    """Logs a new order for the kitchen."""
    log.info("Kitchen: order %s for %s", order.pk, order.guest)


@receiver(order_placed)
def count_the_cups(sender: Any, order: Order, **kwargs: Any) -> None:
    """Counts the dishes that have left the kitchen."""
    cache.add("cups", 0)
    cache.incr("cups", order.lines.count())


@receiver((post_save, post_delete), sender=Dish)
def wipe_the_blackboard(sender: Any, **kwargs: Any) -> None:
    """Deletes the cached specials when a dish changes."""
    cache.delete(make_template_fragment_key("specials"))


@receiver((post_save, post_delete), sender=GuestNote)
def count_the_notes_anew(sender: Any, **kwargs: Any) -> None:
    """Deletes the cached number of notes."""
    cache.delete("note-count")
