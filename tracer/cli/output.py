"""Output of the commands: pictures on the terminal, documents and SVG drawings in files.

A file is replaced in one step or left as it was: no reader ever sees half of one.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from rich.console import RenderableType

from tracer.model import Process
from tracer.render.formats.json_document import json_text
from tracer.render.formats.perfetto import perfetto_text
from tracer.render.formats.svg import to_svg
from tracer.render.formats.terminal import DEFAULT_WIDTH, Terminal, to_text
from tracer.render.page.html import html_page
from tracer.render.pictures.timeline import Timeline

SVG: Final = ".svg"


class OutputError(Exception):
    """The output cannot be written as asked; the message is a sentence that says why."""


class PictureWriter:
    """A stream that pictures go to, usually the terminal: one write and one empty line for each."""

    def __init__(self, stream: TextIO, width: int | None, colour: bool) -> None:
        """With `width` None the terminal's width counts; `colour` False draws without colours."""
        self.terminal = Terminal(stream)
        self.width = width
        self.colour = colour and self.terminal.colour

    def draw(self, picture: RenderableType) -> None:
        """Draws one picture. Raises BrokenPipeError if the pipe's reader has closed it."""
        terminal = self.terminal
        width = self.width or terminal.width
        text = to_text(picture, width=width, colour=self.colour, encoding=terminal.encoding)
        terminal.stream.write(f"{text}\n")
        terminal.stream.flush()


def _html(processes: Iterable[Process]) -> Iterator[str]:
    yield html_page(processes)


FORMATS: Final[dict[str, Callable[[Iterable[Process]], Iterator[str]]]] = {
    "json": json_text,
    "html": _html,
    "perfetto": perfetto_text,
}
"""What `--format` calls each document, and the function that makes it, part after part."""


def write_drawings(
    pictures: Iterable[tuple[str, int, RenderableType]],
    width: int | None,
    target: Path | None,
    out: TextIO,
) -> None:
    """Writes pictures, each given as (kind, pid, picture), as SVG. Raises OutputError, OSError.

    One picture goes to a file or to `out`. Several go into a directory, each under a name of its
    own, such as `timeline-4711-3.svg` for the third request of process 4711.
    """
    named = _named(pictures)
    columns = width or DEFAULT_WIDTH
    if target is not None and (target.is_dir() or target.suffix != SVG):
        _write_into(target, named, columns, out)
        return
    if len(named) != 1:
        raise OutputError(
            f"That would be {len(named)} pictures: choose one with --only, --process and "
            "--request, or name a directory for them: --output pictures."
        )
    for picture in named.values():
        write([to_svg(picture, columns)], target, out)


def _named(pictures: Iterable[tuple[str, int, RenderableType]]) -> dict[str, RenderableType]:
    named: dict[str, RenderableType] = {}
    for kind, pid, picture in pictures:
        number = f"-{picture.request.number}" if isinstance(picture, Timeline) else ""
        name = f"{kind}-{pid}{number}"
        # The system may have given one pid to two processes, one after the other.
        same = sum(1 for other in named if other == name or other.startswith(f"{name}."))
        named[f"{name}.{same + 1}" if same else name] = picture
    return named


def _write_into(directory: Path, named: dict[str, RenderableType], width: int, out: TextIO) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{directory} cannot be made a directory: {reason}.") from error
    for name, picture in named.items():
        write([to_svg(picture, width)], directory / f"{name}{SVG}", out)


def write(parts: Iterable[str], target: Path | None, out: TextIO) -> None:
    """Writes a document's parts to `target`, or to `out` if that is None.

    Raises OutputError, OSError.

    The text is UTF-8 whatever the stream's encoding, unless the stream takes text only.
    """
    if target is not None:
        try:
            _replace(target, parts)
        except OSError as error:
            raise OutputError(f"{target} cannot be written: {error.strerror or error}.") from error
        return
    raw = getattr(out, "buffer", None)
    out.flush()
    for text in parts:
        if raw is None:
            out.write(text)
        else:
            raw.write(text.encode("utf-8"))
    out.flush()


def _replace(target: Path, parts: Iterable[str]) -> None:
    """Replaces a file in one step. A link stays a link; a device or pipe is written to."""
    path = Path(os.path.realpath(target))
    permissions = _permissions(path)
    if permissions is None:
        with open(path, "wb") as stream:
            _write_all(stream, parts)
        return
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as stream:
            _write_all(stream, parts)
        os.chmod(name, permissions)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _write_all(stream: BinaryIO, parts: Iterable[str]) -> None:
    for text in parts:
        stream.write(text.encode("utf-8"))


def _permissions(path: Path) -> int | None:
    """Returns the permissions that the file has, or will have; None for a device or directory."""
    try:
        status = path.stat()
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
    return stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else None
