"""`tracer show --format svg`: pictures as files, for documents.

One picture goes to a file or to standard output; several go into a directory, each under a name of
its own, such as `timeline-4711-3.svg` for the third request of process 4711.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, TextIO

from rich.console import RenderableType

from tracer.cli.output import Unwritable, write
from tracer.render.formats.svg import to_svg
from tracer.render.formats.terminal import DEFAULT_WIDTH
from tracer.render.pictures.timeline import Timeline

SUFFIX: Final = ".svg"


def draw(
    pictures: Iterable[tuple[str, int, RenderableType]],
    width: int | None,
    target: Path | None,
    out: TextIO,
) -> None:
    """Write pictures, each given as (kind, pid, picture). Raises Unwritable, OSError."""
    named: dict[str, RenderableType] = {}
    for kind, pid, picture in pictures:
        number = f"-{picture.request.number}" if isinstance(picture, Timeline) else ""
        name = f"{kind}-{pid}{number}"
        # Two processes may have had one pid, one after the other.
        again = sum(1 for other in named if other == name or other.startswith(f"{name}."))
        named[f"{name}.{again + 1}" if again else name] = picture
    into = target is not None and (target.is_dir() or target.suffix != SUFFIX)
    if into:
        assert target is not None
        _into(target, named, width or DEFAULT_WIDTH, out)
        return
    if len(named) != 1:
        raise Unwritable(
            f"That would be {len(named)} pictures: choose one with --only, --process and "
            "--request, or name a directory for them: --output pictures."
        )
    for picture in named.values():
        write(to_svg(picture, width or DEFAULT_WIDTH), target, out)


def _into(directory: Path, named: dict[str, RenderableType], width: int, out: TextIO) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        told = error.strerror or str(error)
        raise Unwritable(f"{directory} cannot be made a directory: {told}.") from error
    for name, picture in named.items():
        write(to_svg(picture, width), directory / f"{name}{SUFFIX}", out)
