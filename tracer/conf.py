"""The one place that reads the `TRACER` setting and the tracer's environment variables.

    TRACER = {
        "ENABLED": True,                  # environment: TRACER_ENABLED
        "CONSOLE": True,                  # environment: TRACER_CONSOLE
        "JOURNAL": BASE_DIR / "traces",   # environment: TRACER_JOURNAL (empty: no journal)
        "JOURNAL_LIMIT": 256,
        "WATCH": ["shop.models.Basket"],
        "CACHE_KEYS": False,
        "QUERY_VALUES": False,
        "WALK": 2.0,                      # environment: TRACER_WALK
        "KNOWN": {"lib.SEEN[*]": "bounded by the number of models"},
    }

An environment variable wins over its key. A wrong key or value never breaks start-up: it becomes a
`Problem`, which `tracer.checks` reports, and the default stands in its place. Problems name keys
and types, never values, because a value may be a secret that was put under the wrong key.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

KEYS: Final = (
    "ENABLED",
    "CONSOLE",
    "JOURNAL",
    "JOURNAL_LIMIT",
    "WATCH",
    "CACHE_KEYS",
    "QUERY_VALUES",
    "WALK",
    "KNOWN",
)
"""Every key that `TRACER` may hold."""

LIMIT: Final = 256
"""Megabytes that a journal may take, where it is not said otherwise."""

QUIET: Final = 2.0
"""Seconds without a request after which a walk begins, where it is not said otherwise."""

_WORDS: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
_DOTTED: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


@dataclass(frozen=True, slots=True)
class Config:
    """What the settings and the environment ask for."""

    enabled: bool = False
    """Whether to watch at all: `ENABLED` where it is given, else whether DEBUG is on."""
    console: bool = True
    """Whether to draw timelines and lifelines; False only records."""
    journal: Path | None = None
    """Absolute directory to which each process appends a file of its own; None keeps no journal."""
    journal_limit: int | None = LIMIT << 20
    """Bytes that this directory may take; then the oldest segments are removed. None: any number.
    `JOURNAL_LIMIT` says it in megabytes."""
    watch: tuple[str, ...] = ()
    """Dotted paths of the project's own classes whose objects (subclasses too) are watched."""
    cache_keys: bool = False
    """Whether cache keys are recorded as they are; False masks them."""
    query_values: bool = False
    """Whether the values in a path's query string are recorded as they are; False masks them."""
    known: Mapping[str, str] = field(default_factory=dict)
    """Findings that are accepted: the path of what holds them to the reason."""
    walk: float | None = None
    """Seconds without a request after which a walk looks for what holds the objects; None: never.
    `WALK` where it is given (True is `QUIET`), else `QUIET` if DEBUG is on."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the settings: an id such as "tracer.W001", what, and how to mend it."""

    id: str
    message: str
    hint: str


def load(settings: Any, environ: Mapping[str, str]) -> tuple[Config, tuple[Problem, ...]]:
    """Returns what `settings` and `environ` ask for, and what was wrong with them. Never raises."""
    problems: list[Problem] = []
    given = _given(settings, problems)
    enabled = _flag("ENABLED", given, environ, _debug(settings), problems)
    return (
        Config(
            enabled=enabled,
            console=_flag("CONSOLE", given, environ, True, problems),
            journal=_journal(given, environ, problems),
            journal_limit=_journal_limit(given, problems),
            watch=_watch(given, problems),
            cache_keys=_flag("CACHE_KEYS", given, {}, False, problems),
            query_values=_flag("QUERY_VALUES", given, {}, False, problems),
            known=_known(given, problems),
            walk=_walk(given, environ, _debug(settings), problems),
        ),
        tuple(problems),
    )


def accepted(settings: Any) -> dict[str, str]:
    """Returns the findings that `settings` accept, for a tracer that they did not switch on."""
    return _known(_given(settings, []), [])


def _debug(settings: Any) -> bool:
    try:
        return bool(getattr(settings, "DEBUG", False))
    except Exception:  # settings that cannot be read are Django's to report
        return False


def _given(settings: Any, problems: list[Problem]) -> dict[str, Any]:
    """Returns the known keys of `settings.TRACER`; reports the unknown ones."""
    try:
        value = getattr(settings, "TRACER", None)
    except Exception:  # settings that cannot be read are Django's to report
        return {}
    if value is None:
        return {}
    if not isinstance(value, dict):
        hint = f"Write TRACER = {{...}} with any of the keys {', '.join(KEYS)}."
        message = f"TRACER must be a dict, not {_type(value)}; the defaults are used."
        problems.append(Problem("tracer.W001", message, hint))
        return {}
    for key in value:
        if not isinstance(key, str) or key not in KEYS:
            problems.append(_unknown(key))
    return {key: value[key] for key in KEYS if key in value}


def _unknown(key: object) -> Problem:
    if not isinstance(key, str):
        message = f"TRACER has a key of type {_type(key)}; its keys are strings."
        return Problem("tracer.W002", message, f"The keys are {', '.join(KEYS)}.")
    close = difflib.get_close_matches(key.upper(), KEYS, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"The keys are {', '.join(KEYS)}."
    return Problem("tracer.W002", f"TRACER has an unknown key, {key!r}; it is ignored.", hint)


def _flag(
    key: str,
    given: dict[str, Any],
    environ: Mapping[str, str],
    default: bool,
    problems: list[Problem],
) -> bool:
    """Returns a truth value: from the environment, else the setting, else the default."""
    chosen = given.get(key, default)
    if not isinstance(chosen, bool):
        message = f'TRACER["{key}"] must be True or False, not {_type(chosen)}.'
        problems.append(Problem("tracer.W003", message, f"Without it, {default} is used."))
        chosen = default
    variable = f"TRACER_{key}"
    word = environ.get(variable, "").strip().lower()
    if not word:
        return chosen
    if word not in _WORDS:
        message = f"The environment variable {variable} is not a yes or a no; it is ignored."
        hint = f"Set it to one of {', '.join(_WORDS)}, or unset it."
        problems.append(Problem("tracer.W004", message, hint))
        return chosen
    return _WORDS[word]


def _journal(
    given: dict[str, Any], environ: Mapping[str, str], problems: list[Problem]
) -> Path | None:
    chosen = given.get("JOURNAL")
    source = 'TRACER["JOURNAL"]'
    if "TRACER_JOURNAL" in environ:
        chosen = environ["TRACER_JOURNAL"].strip()
        source = "The environment variable TRACER_JOURNAL"
    if chosen is None or (isinstance(chosen, str) and not chosen):
        return None
    hint = 'Name a directory, such as BASE_DIR / "traces"; it is created when needed.'
    if not isinstance(chosen, str | os.PathLike):
        message = f"{source} must be a path, not {_type(chosen)}; no journal is kept."
        problems.append(Problem("tracer.W005", message, hint))
        return None
    try:
        path = os.fspath(chosen)
        if not isinstance(path, str) or "\0" in path:
            raise ValueError("not a path that a file system can have")
        # Absolute from the start: a server that changes its directory must not split the journal.
        return Path(os.path.abspath(os.path.expanduser(path)))
    except Exception as error:  # __fspath__ is the project's own code
        message = f"{source} cannot be used as a path ({type(error).__name__}); no journal is kept."
        problems.append(Problem("tracer.W005", message, hint))
        return None


def _journal_limit(given: dict[str, Any], problems: list[Problem]) -> int | None:
    """Returns how many bytes the journal may take; None for any number."""
    chosen = given.get("JOURNAL_LIMIT", LIMIT)
    if chosen is None:
        return None
    if isinstance(chosen, int | float) and not isinstance(chosen, bool) and 1 <= chosen < 1 << 30:
        return int(chosen * (1 << 20))
    message = f'TRACER["JOURNAL_LIMIT"] must be a number of megabytes from 1 on; {LIMIT} are used.'
    hint = f'Write "JOURNAL_LIMIT": {LIMIT}, or None to keep everything.'
    problems.append(Problem("tracer.W016", message, hint))
    return LIMIT << 20


def _walk(
    given: dict[str, Any], environ: Mapping[str, str], default: bool, problems: list[Problem]
) -> float | None:
    """Returns after how many quiet seconds to walk; None for never."""
    chosen: Any = given.get("WALK", default)
    word = environ.get("TRACER_WALK", "").strip().lower()
    source = 'TRACER["WALK"]'
    if word:
        chosen, source = _WORDS.get(word, word), "The environment variable TRACER_WALK"
    if isinstance(chosen, str):
        with contextlib.suppress(ValueError):
            chosen = float(chosen)
    if isinstance(chosen, bool):
        return QUIET if chosen else None
    if isinstance(chosen, int | float) and 0 < chosen < 86_400:
        return float(chosen)
    message = f"{source} must be True, False or a number of seconds above 0; {default} is used."
    problems.append(Problem("tracer.W014", message, 'Write "WALK": 2.0, or leave it out.'))
    return QUIET if default else None


def _known(given: dict[str, Any], problems: list[Problem]) -> dict[str, str]:
    """Returns the accepted findings."""
    value = given.get("KNOWN", {})
    hint = 'Write "KNOWN": {"lib.SEEN[*]": "why that is accepted"}.'
    if not isinstance(value, dict):
        message = f'TRACER["KNOWN"] must be a dict, not {_type(value)}; nothing is accepted.'
        problems.append(Problem("tracer.W015", message, hint))
        return {}
    known: dict[str, str] = {}
    for path, reason in value.items():
        if isinstance(path, str) and path.strip() and isinstance(reason, str) and reason.strip():
            known[path] = reason
        else:
            message = 'TRACER["KNOWN"] has an entry without a path or without a reason.'
            problems.append(Problem("tracer.W015", message, hint))
    return known


def _watch(given: dict[str, Any], problems: list[Problem]) -> tuple[str, ...]:
    value = given.get("WATCH", ())
    hint = 'Write "WATCH": ["shop.models.Basket"], with the dotted path of each class.'
    if not isinstance(value, list | tuple):
        message = f'TRACER["WATCH"] must be a list, not {_type(value)}; no class is watched.'
        problems.append(Problem("tracer.W006", message, hint))
        return ()
    paths: dict[str, None] = {}
    for position, entry in enumerate(value):
        if isinstance(entry, str) and _DOTTED.fullmatch(entry):
            paths[entry] = None
            continue
        what = "a string that is no dotted path" if isinstance(entry, str) else _type(entry)
        message = f'TRACER["WATCH"][{position}] must be the dotted path of a class, not {what}.'
        problems.append(Problem("tracer.W007", message, hint))
    return tuple(paths)


def _type(value: object) -> str:
    return type(value).__name__
