"""Writes the measurements as one JSON document, and as the Markdown tables of RESULTS.md."""

from __future__ import annotations

import json
import statistics
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contestants import ALL
from benchmarks.site import PAGES

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE / "results.json"
TABLES = HERE / "RESULTS.md"

HEAD = """# What recording costs

Written by `make bench`: Python {python}, Django {django}, {machine}, {processors}
processors{quick}. Every contestant runs in a process of its own, set up as its documentation
recommends; the handler is called as a server calls it. A ratio compares with the same page with
nothing: 1.00 is free.

{when}

{versions}
"""


def save(results: dict[str, Any], document: Path = DOCUMENT, tables: Path = TABLES) -> None:
    """Writes both files."""
    document.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    tables.write_text(markdown(results), encoding="utf-8")


def merged(results: dict[str, Any], part: str, document: Path = DOCUMENT) -> dict[str, Any]:
    """Returns the saved document with one part replaced, and the date of each part."""
    if not document.exists():
        return results
    saved: dict[str, Any] = json.loads(document.read_text(encoding="utf-8"))
    for key in ("drawing", "writing") if part == "drawing" else (part,):
        saved[key] = results[key]
    about = results["about"]
    measured = saved["about"]["measured"] | about["measured"]
    return saved | {"about": about | {"measured": measured}}


def markdown(results: dict[str, Any]) -> str:
    """Returns the document as Markdown tables."""
    about = dict(results["about"])
    named = [f"{package} {version}" for package, version in sorted(about["versions"].items())]
    about["versions"] = "Peers: " + (", ".join(named) or "none is installed") + "."
    about["when"] = _when(about["measured"])
    about["quick"] = " (a quick run)" if about["quick"] else ""
    parts = [HEAD.format(**about)]
    for part in (_instructions, _times, _agreement, _growth, _drawing, _notes):
        parts += part(results)
    return "\n".join(parts).rstrip() + "\n"


def _when(measured: dict[str, str]) -> str:
    """Returns a sentence that says when the parts were measured."""
    if len(set(measured.values())) == 1:
        return f"Measured on {min(measured.values())}."
    parts = "; ".join(f"{part} {when}" for part, when in measured.items())
    return "\n".join(textwrap.wrap(f"Measured part by part: {parts}.", 100))


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return [*lines, ""]


def _instructions(results: dict[str, Any]) -> list[str]:
    """Returns ratios of instructions: one row per contestant, one column per page."""
    counts = {(row["page"], row["contestant"]): row for row in results["instructions"]}
    pages = [page for page in PAGES if any(key[0] == page for key in counts)]
    names = [name for name in ALL if any(key[1] == name for key in counts)]
    if not pages:
        return []
    rows = []
    for name in names:
        cells = []
        for page in pages:
            row, bare = counts.get((page, name)), counts.get((page, "nothing"))
            cells.append(_ratio(row, bare, PAGES[page].is_async))
        rows.append([name, *cells])
    head = ["contestant", *(f"{page}: {PAGES[page].what}" for page in pages)]
    return [
        "## Instructions per request",
        "",
        "Counted by callgrind. Under WSGI: on the thread that serves the request, and in brackets",
        "on all threads of the process. Under ASGI several threads serve one request: all threads.",
        "The rows of nothing and of this tracer are means over three layouts of memory: two",
        "programs that do the same differ by up to 0.7 per cent.",
        "",
        *_table(head, rows),
    ]


def _ratio(row: Any, bare: Any, is_async: bool) -> str:
    if row is None or bare is None:
        return ""
    if row.get("reason"):
        return "—"
    if bare.get("reason"):
        return "?"
    if row["contestant"] == "nothing":
        whole = row["request_thread"] + row["background_thread"]
        return f"{whole if is_async else row['request_thread']:,}"
    whole = sum(row[key] for key in ("request_thread", "background_thread"))
    ground = sum(bare[key] for key in ("request_thread", "background_thread"))
    together = _times_of(whole / ground)
    if is_async:
        return together
    own = _times_of(row["request_thread"] / bare["request_thread"])
    return own if own == together else f"{own} ({together})"


def _times_of(ratio: float) -> str:
    if ratio >= 10:
        return f"{ratio:.0f}"
    return f"{ratio:.1f}" if ratio >= 3 else f"{ratio:.2f}" if ratio >= 1.2 else f"{ratio:.3f}"


def _times(results: dict[str, Any]) -> list[str]:
    rows = []
    for row in results["times"]:
        if row.get("reason"):
            continue
        answer = "same" if row["same"] else "changed"
        if row["headers"]:
            answer += f", {len(row['headers'])} headers more"
        rows.append(
            [
                row["contestant"], row["page"], f"{row['bare']:,.0f}", f"{row['watched']:,.0f}",
                f"**{row['ratio']:.2f}** ({row['spread'][0]:.2f} to {row['spread'][1]:.2f})",
                f"{row['peak'] / 1024:.0f} ({(row['peak'] - row['peak_bare']) / 1024:+.0f})",
                answer, row["recorded"],
            ]
        )  # fmt: skip
    if not rows:
        return []
    return [
        "## Processor time, memory, and what is recorded",
        "",
        "Microseconds of processor time per request, all threads; the median of interleaved pairs",
        "of batches, with the lowest and highest pair. Peak memory in MB, in brackets how much",
        "more than with nothing. The answer is compared byte for byte.",
        "",
        *_table(
            ("contestant", "page", "nothing, µs", "µs", "ratio", "memory", "answer", "recorded"),
            rows,
        ),
    ]


def _agreement(results: dict[str, Any]) -> list[str]:
    """Returns the price that a contestant states, beside the measured one."""
    rows = []
    for row in results["agreement"]:
        if row.get("reason"):
            continue
        added, said = (statistics.fmean(row[key]) for key in ("added", "said"))
        programs = zip(row["added"], row["said"], strict=True)
        each = ", ".join(f"{says / adds:.2f}" for adds, says in programs)
        rows.append(
            [
                row["contestant"], row["page"], f"{row['bare']:,.0f}",
                f"{added:,.1f} ± {row['error']:,.1f}", f"{said:,.1f}",
                f"**{said / added:.2f}** ({each})",
            ]
        )  # fmt: skip
    if not rows:
        return []
    head = (
        "contestant",
        "page",
        "nothing, µs",
        "added, µs",
        "`watching_ms`, µs",
        "stated / measured",
    )
    return [
        "## The price that the tracer states",
        "",
        "Processor time that it adds on the thread that serves, with its standard error, and the",
        "price that it states for the same requests. Each program serves by turns with the tracer",
        "and without any of its probes; in brackets the single programs. Everything is collected",
        "before each turn, so that full collections, which come once in hundreds of requests, are",
        "left out. Patching changes Python's caches of classes for good: after it, a short text",
        "makes the same calls in 1.1 to 1.5 per cent more instructions than in a process that was",
        "never patched, a list in 0.1 per cent more. The true added time is larger than here by",
        "that much.",
        "",
        *_table(head, rows),
    ]


def _growth(results: dict[str, Any]) -> list[str]:
    if not results["growth"]:
        return []
    rows = [
        [
            row["what"], f"{row['bare']:,.0f}", f"{row['watched']:,.0f}",
            f"{row['watched'] - row['bare']:,.0f}",
            f"{row['memory_bare'] / 1024:.1f}", f"{row['memory'] / 1024:.1f}",
        ]
        for row in results["growth"]
    ]  # fmt: skip
    head = ("", "nothing, µs", "recording, µs", "added, µs", "nothing, MB", "recording, MB")
    return ["## Growth", "", *_table(head, rows)]


def _drawing(results: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    if results["drawing"]:
        rows = [
            [row["page"], row["rows"], f"{row['per_second']:,.0f}"] for row in results["drawing"]
        ]
        lines += ["## Timelines drawn per second", "", *_table(("page", "lines", "per s"), rows)]
    if results["writing"]:
        rows = [
            [row["page"], f"{row['bytes_each']:,.0f}", f"{row['microseconds']:,.0f}"]
            for row in results["writing"]
        ]
        head = ("page", "bytes", "µs of the worker thread")
        lines += ["## The journal, per request", "", *_table(head, rows)]
    if results["saturation"]:
        rows = [
            [mode, f"{rate:,.0f}", f"{share:.2f}"]
            for mode, (rate, share) in results["saturation"].items()
        ]
        lines += [
            "## Saturated: requests per second through gunicorn",
            "",
            *_table(("", "requests/s", "ratio to nothing"), rows),
        ]
    return lines


def _notes(results: dict[str, Any]) -> list[str]:
    """Returns what each records, how it was set up, and why some rows are empty."""
    rows = [[one.name, one.records, one.note] for one in ALL.values() if one.name != "nothing"]
    lines = ["## What each records", "", *_table(("contestant", "records", "set up"), rows)]
    reasons = dict.fromkeys(
        f"- {row['contestant']}, {row['page']}: {row['reason']}"
        for row in (*results["instructions"], *results["times"], *results["agreement"])
        if row.get("reason")
    )
    if reasons:
        lines += ["## Not measured", "", *reasons, ""]
    return lines
