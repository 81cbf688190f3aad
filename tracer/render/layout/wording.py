"""Numbers and names as people read them; names from outside are made safe for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from rich.cells import cell_len, set_cell_size

from tracer.render.layout.theme import TIMES


def clean(text: str) -> str:
    """Returns the text with every character that is not printable written as an escape.

    Paths and names come from outside: control characters, escape sequences, bidirectional
    overrides and lone surrogates must not reach a terminal.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def cells(text: str) -> int:
    """Returns how many cells of a terminal a text takes."""
    return cell_len(text)


def crop(text: str, width: int) -> str:
    """Returns the text in at most `width` cells, its end replaced by an ellipsis if too long."""
    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    return set_cell_size(text, width - 1).rstrip() + "…"


def crop_start(text: str, width: int) -> str:
    """Returns the text in at most `width` cells, its start replaced by an ellipsis if too long.

    For dotted paths and file paths: their end says most.
    """
    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    kept = text[-width:]
    while cell_len(kept) > width - 1:
        kept = kept[1:]
    return "…" + kept.lstrip("./")


def milliseconds(nanoseconds: int) -> str:
    """Returns a number of milliseconds with about three digits, without its unit."""
    value = nanoseconds / 1e6
    if value < 10:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def duration(nanoseconds: int) -> str:
    """Returns a duration with its unit: µs, ms or s."""
    if nanoseconds < 1_000_000:
        return f"{nanoseconds / 1e3:.0f} µs"
    if nanoseconds < 10_000_000_000:
        return f"{milliseconds(nanoseconds)} ms"
    return f"{nanoseconds / 1e9:,.1f} s"


def size(count: int) -> str:
    """Returns a number of bytes with its unit."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5 or unit == "GB":
            break
    return f"{value:.1f} {unit}" if value < 99.95 else f"{value:,.0f} {unit}"


def plural(count: int, noun: str, plural_noun: str | None = None) -> str:
    """Returns a count with its noun in the right number, such as "1 request" or "3 requests"."""
    return f"{count:,} {noun if count == 1 else plural_noun or noun + 's'}"


def list_names(
    names: Iterable[str], first: int = 3, brief: Callable[[str], str] = lambda name: name
) -> str:
    """Returns the first few names, equal ones with their count, the others as "and 4 more".

    `brief` shortens a name.
    """
    counts = Counter(names)
    shown = [
        f"{brief(clean(name))} {TIMES} {count}" if count > 1 else brief(clean(name))
        for name, count in list(counts.items())[:first]
    ]
    rest = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def group_names(names: Iterable[str], first: int = 3) -> str:
    """Returns names as `list_names` does, but counts those with the same first word as one.

    "Template a.html" and "Template b.html" are two of "Template"; a single one keeps its full name.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.partition(" ")[0], []).append(name)
    return list_names(
        (
            group[0] if len(set(group)) == 1 else word
            for word, group in groups.items()
            for _ in group
        ),
        first,
        lambda name: crop(name, 20),
    )
