"""Model in, picture out: one file per picture, one theme."""

from tracer.render.block import Terminal, to_text
from tracer.render.boot import BootLine, BootTree
from tracer.render.document import document
from tracer.render.first_request import FirstRequest
from tracer.render.ledger import Ledger
from tracer.render.lifelines import Lifelines
from tracer.render.notebook import to_html
from tracer.render.overview import Overview
from tracer.render.picture import Picture
from tracer.render.svg import to_svg
from tracer.render.timeline import Timeline

__all__ = [
    "BootLine",
    "BootTree",
    "FirstRequest",
    "Ledger",
    "Lifelines",
    "Overview",
    "Picture",
    "Terminal",
    "Timeline",
    "document",
    "to_html",
    "to_svg",
    "to_text",
]
