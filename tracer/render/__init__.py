"""Model in, picture out: one file per picture, one theme."""

from tracer.render.block import Terminal, to_text
from tracer.render.document import document
from tracer.render.first_request import FirstRequest
from tracer.render.ledger import Ledger
from tracer.render.lifelines import Lifelines
from tracer.render.overview import Overview
from tracer.render.timeline import Timeline

__all__ = [
    "FirstRequest",
    "Ledger",
    "Lifelines",
    "Overview",
    "Terminal",
    "Timeline",
    "document",
    "to_text",
]
