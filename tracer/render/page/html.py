"""Processes as one HTML page: a single file that fetches nothing from any network.

Its parts are the files beside this one. The recordings are JSON in a block that no browser
executes; the page's script shows them as text and as nothing else. A content security policy
allows this one script and this one style sheet, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from importlib import resources
from typing import Any, Final

from tracer.model import Process, scope
from tracer.model.stages import LESSONS
from tracer.render.formats.json_document import document_in_parts
from tracer.render.layout import theme
from tracer.render.layout.stage_painter import STAGE_WORDS
from tracer.render.layout.wording import clean
from tracer.render.page.packing import pack_document
from tracer.render.pictures.ledger import FREED

STYLES: Final = ("base", "timeline", "lifelines", "processes")
SCRIPTS: Final = (
    "data", "wording", "elements", "request_list", "stage_rows", "lifetime_words", "timeline",
    "request", "lifeline_rows", "lifelines", "ledger", "processes", "page",
)  # fmt: skip
"""In their order in the page; a script may use those before it."""

LIGHT: Final = (224, 236, 251)
DARK: Final = (36, 51, 74)
"""Grounds on which text in a scope's colour is hardest to read: those of a selected row."""
CONTRAST: Final = 4.6
"""Contrast of text in a scope's colour, at least; the accessibility guidelines ask for 4.5."""

RGB = tuple[int, int, int]


def html_page(processes: Iterable[Process]) -> str:
    """Returns the HTML page of these processes."""
    whole = pack_document(document_in_parts(processes))
    whole["scopes"] = scope.SCOPES
    whole["lessons"] = LESSONS
    whole["words"] = STAGE_WORDS
    whole["freed"] = {how: text for how, (text, _) in FREED.items()}
    style = colours() + "".join(_part(f"{name}.css") for name in STYLES)
    script = _script()
    parts = {
        "policy": html.escape(_policy(style, script)),
        "title": html.escape(_title(whole)),
        "style": style,
        "data": embedded(whole),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _part("page.html"))


def embedded(value: Any) -> str:
    """Returns JSON that can stand in a script block: in ASCII, without `<`, `>` and `&`."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def colours() -> str:
    """Returns the scopes' colours for the style sheet: for marks, and readable ones for text."""
    rules = []
    for verdict in scope.SCOPES:
        rgb = _rgb(verdict)
        light = _hex(readable(rgb, LIGHT, (0, 0, 0)))
        dark = _hex(readable(rgb, DARK, (255, 255, 255)))
        rules.append(f"--{verdict}:{_hex(rgb)};--{verdict}-text:light-dark({light},{dark})")
    return f":root{{{';'.join(rules)}}}\n"


def readable(colour: RGB, ground: RGB, towards: RGB) -> RGB:
    """Returns the colour, mixed with as little of `towards` as makes it readable on `ground`."""
    for step in range(101):
        red, green, blue = (
            round(own + (other - own) * step / 100)
            for own, other in zip(colour, towards, strict=True)
        )
        mixed = red, green, blue
        if contrast(mixed, ground) >= CONTRAST:
            return mixed
    return towards


def contrast(one: RGB, other: RGB) -> float:
    """Returns the contrast of two colours as the accessibility guidelines (WCAG) define it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: RGB) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
        for part in (channel / 255 for channel in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(verdict: str) -> RGB:
    colour = theme.scope_style(verdict).color
    assert colour is not None, f"the theme has no colour for {verdict}"
    red, green, blue = colour.get_truecolor()
    return red, green, blue


def _hex(colour: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _script() -> str:
    body = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{body}\n}})();\n'


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _title(whole: dict[str, Any]) -> str:
    processes = whole["processes"]
    servers = ", ".join(dict.fromkeys(str(process["server"]) for process in processes))
    many = "1 process" if len(processes) == 1 else f"{len(processes):,} processes"
    return clean(f"{many} · {servers} · tracer" if servers else f"{many} · tracer")
