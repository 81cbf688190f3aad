"""Signals of the café's own."""

from django.dispatch import Signal

order_placed = Signal()
"""Sent when an order is safely in the database; provides `order`."""
