"""Options that several commands have, and how their values are read."""

from __future__ import annotations

import argparse
from pathlib import Path

from tracer.render.formats.terminal import NARROWEST


def add_journal(parser: argparse.ArgumentParser) -> None:
    """Adds the journal's directory and the options for drawing it in a terminal."""
    parser.add_argument("directory", type=Path, help='the directory of TRACER["JOURNAL"]')
    parser.add_argument("--width", type=_columns, help="columns to draw on")
    add_no_colour(parser)


def add_no_colour(parser: argparse.ArgumentParser) -> None:
    """Adds the option that draws without colours on a terminal too."""
    parser.add_argument("--no-colour", "--no-color", dest="colour", action="store_false")


def _columns(text: str) -> int:
    if not text.isdecimal() or int(text) < NARROWEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of columns, which is {NARROWEST} or more"
        )
    return int(text)


def positive(text: str) -> int:
    """Reads a whole number, 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 1 or more")
    return int(text)
