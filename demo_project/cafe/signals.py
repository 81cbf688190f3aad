"""The café's own signals."""

from django.dispatch import Signal

order_placed = Signal()
"""Sent after the transaction of an order is committed; provides `order`."""
