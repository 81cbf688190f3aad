"""Any picture for a notebook: as a drawing, and as text for people who cannot see the drawing.

The HTML needs neither scripts nor style sheets: a code host that strips the drawing still shows
the text, and everything in both is escaped.
"""

from __future__ import annotations

from html import escape

from rich.console import RenderableType

from tracer.render.formats.svg import to_svg
from tracer.render.formats.terminal import DEFAULT_WIDTH, as_text


def to_html(renderable: RenderableType, width: int = DEFAULT_WIDTH, title: str = "") -> str:
    """Returns a picture as HTML: the drawing, and below it the same as text."""
    text = as_text(renderable, width)
    return (
        f'<figure style="margin:0">\n{to_svg(renderable, width, title)}'
        "<details><summary>The same as text</summary>\n"
        f'<pre style="line-height:1.25">{escape(text)}</pre>\n</details>\n</figure>\n'
    )


def media_types(renderable: RenderableType) -> dict[str, str]:
    """Returns the picture by media type, as notebooks ask for it."""
    return {"text/plain": as_text(renderable), "text/html": to_html(renderable)}
