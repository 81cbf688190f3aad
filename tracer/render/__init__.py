"""Draws pictures of processes and requests, for terminals, documents, notebooks and browsers.

May import `model/` only. Its layers, each of which may import those before it: `layout/`,
`formats/`, `pictures/`, `page/`.
"""

from tracer.render.formats.json_document import document
from tracer.render.formats.notebook import to_html
from tracer.render.formats.svg import to_svg
from tracer.render.formats.terminal import to_text
from tracer.render.pictures.boot import BootTree
from tracer.render.pictures.first_request import FirstRequest
from tracer.render.pictures.ledger import Ledger
from tracer.render.pictures.lifelines import Lifelines
from tracer.render.pictures.overview import Overview
from tracer.render.pictures.timeline import Timeline

__all__ = [
    "BootTree",
    "FirstRequest",
    "Ledger",
    "Lifelines",
    "Overview",
    "Timeline",
    "document",
    "to_html",
    "to_svg",
    "to_text",
]
