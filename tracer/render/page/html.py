"""Processes as one HTML page: everything in one file, which asks nothing of any network.

The page's parts are files in `page/`. What was recorded is carried as JSON in a block that no
browser executes; the page's script makes text of it and nothing else. A content security policy
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
from tracer.render.formats.json_document import document
from tracer.render.layout import theme
from tracer.render.layout.stage_painter import STAGE_WORDS
from tracer.render.layout.wording import clean
from tracer.render.page.packing import pack_document
from tracer.render.pictures.ledger import FREED

STYLES: Final = ("base", "timeline", "lifelines", "processes")
SCRIPTS: Final = (
    "data", "words", "parts", "requests", "stages", "lasting", "timeline", "request", "lanes",
    "lifelines", "ledger", "processes", "page",
)  # fmt: skip
"""In the order in which they stand in the page; each may use what stands before it."""

LIGHT: Final = (224, 236, 251)
DARK: Final = (36, 51, 74)
"""What text of a scope's colour stands on where it is hardest to read: a row that was chosen."""
CONTRAST: Final = 4.6
"""At least so much of it has text of a scope's colour; 4.5 is what accessibility asks for."""

RGB = tuple[int, int, int]


def html_page(processes: Iterable[Process]) -> str:
    """Returns the page."""
    whole = pack_document(document(processes))
    whole["scopes"] = scope.SCOPES
    whole["lessons"] = LESSONS
    whole["words"] = STAGE_WORDS
    whole["freed"] = {how: said for how, (said, _) in FREED.items()}
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
    """Returns JSON that can stand in a script block: in ASCII, and without any of `<`, `>`, `&`."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def colours() -> str:
    """Returns the style sheet's colours: a scope's own, and the shades in which it is text."""
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
