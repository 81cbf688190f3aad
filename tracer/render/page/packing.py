"""Packs the JSON document of processes, so that the HTML page with all requests stays small.

Texts are numbers into one table, arrays ("rows") stand for objects, and what many rows have in
common is written once. Times are whole numbers of a tenth of a microsecond. The document names the
fields of its rows; a name that begins with `$` is that of a text, one with `*` that of a list of
texts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any, Final

REQUEST: Final = (
    "number", "$method", "$path", "status", "$thread", "started", "duration", "bytes", "watching",
    "*imported", "$ending", "uncounted", "used", "spans",
)  # fmt: skip
"""`started` is milliseconds since the epoch, `used` a number into the process's `sets`, and
`spans` four numbers for each span: into `stages`, start, length, and the object's id + 1, or 0."""
STAGE: Final = ("$stage", "$name", "parent", "$thread", "$detail", "$error")
KIND: Final = (
    "$name", "$class", "$kind", "$scope", "$phase", "$freed", "$held_by", "mortal", "survived",
    "$earlier", "$thread", "threads", "$spot", "$root", "one_at_a_time", "$by_import",
    "outlived_by",
)  # fmt: skip
LIFE: Final = (
    "id", "of", "built_in", "freed_in", "requests", "last_request", "owner", "built_after",
)  # fmt: skip
"""`id` counts from the row before, `of` is a number into `kinds`. Rows leave off usual values at
their end: used by the one request that it was born in, no owner, not born after requests."""
LEDGER: Final = (
    "$name", "$class", "$kind", "built", "alive", "scopes", "freed", "$first_phase", "first_built",
    "requests",
)  # fmt: skip
IMPORT: Final = ("$name", "own", "total")

Document = Mapping[str, Any]

_STAGE: Final = itemgetter(*(field.lstrip("$") for field in STAGE))
_LIFE: Final = itemgetter(*("id" if field == "of" else field for field in LIFE))
_KIND: Final = itemgetter(*(field.lstrip("$") for field in KIND))


@functools.cache
def _split(field: str) -> tuple[str, str]:
    """Returns the mark before a field's name, if there is one, and the name."""
    return (field[0], field[1:]) if field[0] in "$*" else ("", field)


class Table:
    """Rows without repetition, each with a number."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._numbers: dict[Hashable, int] = {}

    def number(self, key: Hashable, make: Callable[[], Any] | None = None) -> int:
        """Returns the number of a key's row. A new row is what `make` returns, or the key."""
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.rows)
            self.rows.append(make() if make else key)
        return found


def pack_document(document: Document) -> dict[str, Any]:
    """Returns a document of `tracer.render.formats.json_document` in packed form."""
    texts = Table()
    processes = [_ProcessPacker(texts, process).process() for process in document["processes"]]
    fields = {
        "request": REQUEST,
        "stage": STAGE,
        "kind": KIND,
        "life": LIFE,
        "ledger": LEDGER,
        "import": IMPORT,
    }
    return {"format": 1, "fields": fields, "texts": texts.rows, "processes": processes}


class _ProcessPacker:
    """The tables of one process while it is packed; all processes share one table of texts."""

    def __init__(self, texts: Table, process: Document) -> None:
        self.texts = texts
        self.document = process
        self.stages = Table()
        self.kinds = Table()
        self.sets = Table()

    def process(self) -> dict[str, Any]:
        """Returns the process: single values as they are, lists as rows."""
        document = self.document
        many = ("requests", "lifetimes", "ledger", "boot")
        packed = {name: value for name, value in document.items() if name not in many}
        packed["started"] = _epoch(document["started"])
        packed["requests"] = [self._request(request) for request in document["requests"]]
        packed["lives"] = self._lives(document["lifetimes"])
        packed["ledger"] = [self._row(LEDGER, row) for row in document["ledger"]]
        packed["boot"] = self._boot(document["boot"]) if document["boot"] else None
        packed["stages"] = self.stages.rows
        packed["kinds"] = self.kinds.rows
        packed["sets"] = self.sets.rows
        return packed

    def _row(self, fields: Sequence[str], document: Document) -> list[Any]:
        return [self._field(*_split(field), document) for field in fields]

    def _field(self, mark: str, name: str, document: Document) -> Any:
        value = document[name]
        if not mark or value is None:
            return value
        if mark == "*":
            return [self.texts.number(text) for text in value]
        return self.texts.number(value)

    def _request(self, request: Document) -> list[Any]:
        more = {
            "started": _epoch(request["started"]),
            "duration": _tenths(request["duration_ms"]),
            "watching": _tenths(request["watching_ms"]),
            "used": self.sets.number(tuple(request["used"])),
            "spans": self._spans(request["spans"]),
        }
        return self._row(REQUEST, {**request, **more})

    def _spans(self, spans: Sequence[Document]) -> list[int]:
        row: list[int] = []
        for span in spans:
            start = _tenths(span["start_ms"])
            row += (
                self.stages.number(_STAGE(span), partial(self._row, STAGE, span)),
                start,
                _tenths(span["end_ms"]) - start,
                0 if span["object"] is None else span["object"] + 1,
            )
        return row

    def _lives(self, lives: Sequence[Document]) -> list[list[Any]]:
        rows = []
        before = 0
        for life in lives:
            row = list(_LIFE(life))
            row[0] -= before
            row[1] = self.kinds.number(_KIND(life), partial(self._row, KIND, life))
            before = life["id"]
            usual = [None, None, None, None, 1, life["built_in"], None, None]
            while len(row) > 3 and row[-1] == usual[len(row) - 1]:
                row.pop()
            rows.append(row)
        return rows

    def _boot(self, boot: Document) -> dict[str, Any]:
        heaviest = [
            {
                "name": each["name"],
                "own": _tenths(each["own_ms"]),
                "total": _tenths(each["total_ms"]),
            }
            for each in boot["heaviest"]
        ]
        return {
            "spans": self._spans(boot["spans"]),
            "modules": boot["modules"],
            "importing": _tenths(boot["importing_ms"]),
            "watching": _tenths(boot["watching_ms"]),
            "heaviest": [self._row(IMPORT, each) for each in heaviest],
        }


def _tenths(milliseconds: float) -> int:
    return round(milliseconds * 10_000)


def _epoch(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)
