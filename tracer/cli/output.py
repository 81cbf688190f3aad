"""What `tracer show` makes for other programs: documents, written to a file or to a stream.

A file is replaced whole, at once, or left as it was: whoever reads it never sees half of one.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TextIO

from tracer.model import Process
from tracer.render.formats.json_document import document
from tracer.render.formats.perfetto import perfetto
from tracer.render.page.html import html_page


class Unwritable(Exception):
    """The file cannot be written; the message is a sentence that says which, and why."""


def _json(processes: Iterable[Process]) -> str:
    return json.dumps(document(processes), indent=1) + "\n"


def _perfetto(processes: Iterable[Process]) -> str:
    return json.dumps(perfetto(processes), separators=(",", ":")) + "\n"


FORMATS: Final[dict[str, Callable[[Iterable[Process]], str]]] = {
    "json": _json,
    "html": html_page,
    "perfetto": _perfetto,
}
"""What `--format` calls them, and what makes them."""


def write(text: str, target: Path | None, out: TextIO) -> None:
    """Write a document to `target`, or, where that is None, to `out`. Raises Unwritable, OSError.

    Text is written in UTF-8 whatever the encoding of the stream, where the stream takes bytes.
    """
    if target is not None:
        try:
            _replace(target, text.encode("utf-8"))
        except OSError as error:
            raise Unwritable(f"{target} cannot be written: {error.strerror or error}.") from error
        return
    raw = getattr(out, "buffer", None)
    if raw is None:
        out.write(text)
    else:
        out.flush()
        raw.write(text.encode("utf-8"))
    out.flush()


def _replace(target: Path, data: bytes) -> None:
    """Put data in a file's place; a link stays a link, and what is no file is written into."""
    place = Path(os.path.realpath(target))
    mode = _mode(place)
    if mode is None:
        with open(place, "wb") as stream:
            stream.write(data)
        return
    descriptor, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(data)
        os.chmod(name, mode)
        os.replace(name, place)
    except BaseException:
        os.unlink(name)
        raise


def _mode(place: Path) -> int | None:
    """The permissions that the file has, or will have; None for a device, pipe or directory."""
    try:
        status = place.stat()
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
    return stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else None
