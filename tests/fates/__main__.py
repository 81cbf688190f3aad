"""Serves the site in many ways, and prints which verdicts were right.

python -m tests.fates                               every way that can be tried here
python -m tests.fates --serving gunicorn uvicorn    only these
python -m tests.fates --undecided                   names each kind that stayed undecided
python -m tests.fates --record DIRECTORY            keeps what was recorded, for the replay
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path

from tests.fates import frozen, table
from tests.fates.serving import WAYS, Served, serve_in
from tests.fates.verdicts import OPEN, WRONG, verdicts


def main() -> int:
    """Returns 1 if any verdict was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fates", description=__doc__)
    names = [way.name for way in WAYS]
    parser.add_argument("--serving", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--undecided", action="store_true")
    parser.add_argument("--record", type=Path, metavar="DIRECTORY")
    asked = parser.parse_args()
    served = []
    for way in WAYS:
        if way.name not in asked.serving:
            continue
        if way.why_not:
            print(f"{way.name}: not tried, {way.why_not}", file=sys.stderr)
            continue
        print(f"{way.name} …", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="fates-") as name:
            journal = Path(name) / "journal"
            served.append(serve_in(way, journal))
            if asked.record is not None and not way.server:
                frozen.freeze(journal, asked.record / f"{way.name}{frozen.SUFFIX}")
    return _report(served, asked.undecided)


def _report(served: list[Served], undecided: bool) -> int:
    width = int(os.environ.get("COLUMNS") or shutil.get_terminal_size((160, 24)).columns)
    wrong = 0
    for title, moment in (
        ("After the requests: walks alone", "quiet"),
        ("After the end: with the collection that it runs", "ended"),
    ):
        columns = [
            table.Column(one.way.name, list(verdicts(getattr(one, moment), one.way.traits)))
            for one in served
        ]
        print(title, *textwrap.wrap(table.LEGEND, width), "", sep="\n")
        print(*table.lines(columns, width), sep="\n")
        for column in columns:
            wrong += sum(each.outcome == WRONG for each in column.verdicts)
            for outcome in (WRONG, OPEN) if undecided else (WRONG,):
                for line in table.complaints(column, outcome):
                    print(line)
        print(*table.totals(columns), "", sep="\n")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
