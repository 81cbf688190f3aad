"""What a statement does, and to which table; never its parameters, never its text."""

from __future__ import annotations

import functools
import re

_WORD = re.compile(r"\s*\(?\s*([A-Za-z]+)")
_NAME = (
    r"((?:[\"`\[]?[\w$ ]+[\"`\]]?\.)?(?:\"[^\"]{1,80}\"|`[^`]{1,80}`|\[[^\]]{1,80}\]|[\w$]{1,80}))"
)
_TABLE = {
    "SELECT": re.compile(rf"\bFROM\s+(?:ONLY\s+)?{_NAME}", re.IGNORECASE),
    "DELETE": re.compile(rf"\bFROM\s+(?:ONLY\s+)?{_NAME}", re.IGNORECASE),
    "INSERT": re.compile(rf"\bINTO\s+{_NAME}", re.IGNORECASE),
    "REPLACE": re.compile(rf"\bINTO\s+{_NAME}", re.IGNORECASE),
    "UPDATE": re.compile(rf"\bUPDATE\s+(?:ONLY\s+)?{_NAME}", re.IGNORECASE),
    "CREATE": re.compile(rf"\bTABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}", re.IGNORECASE),
    "DROP": re.compile(rf"\bTABLE\s+(?:IF\s+EXISTS\s+)?{_NAME}", re.IGNORECASE),
    "CALL": re.compile(rf"\bCALL\s+{_NAME}", re.IGNORECASE),
    "COPY": re.compile(rf"\bCOPY\s+{_NAME}", re.IGNORECASE),
    "ALTER": re.compile(rf"\bTABLE\s+{_NAME}", re.IGNORECASE),
}
_KNOWN = frozenset(_TABLE) | {
    "ANALYZE", "BEGIN", "CLOSE", "COMMIT", "DECLARE", "EXPLAIN", "FETCH", "GRANT", "LOCK",
    "PRAGMA", "RELEASE", "ROLLBACK", "SAVEPOINT", "SET", "SHOW", "START", "TRUNCATE", "VACUUM",
    "VALUES", "WITH",
}  # fmt: skip
_QUOTES = re.compile(r"[^\w$.]")
_SAVEPOINTS = {"SAVEPOINT": "SAVEPOINT", "RELEASE": "RELEASE SAVEPOINT"}


@functools.lru_cache(maxsize=1024)
def describe(sql: str) -> tuple[str, bool]:
    """Returns a statement's name, such as "SELECT cafe_dish", and whether it is a transaction's.

    Words that are no SQL statement's are not repeated: raw text could be anything.
    """
    found = _WORD.match(sql)
    word = found.group(1).upper() if found else ""
    if word not in _KNOWN:
        return "SQL", False
    if word in _SAVEPOINTS:
        return _SAVEPOINTS[word], True
    if word == "ROLLBACK":
        inner = "SAVEPOINT" in sql[:40].upper()
        return ("ROLLBACK TO SAVEPOINT" if inner else "ROLLBACK"), True
    if word in ("BEGIN", "COMMIT", "START"):
        return word, True
    pattern = _TABLE.get(word)
    table = pattern.search(sql) if pattern is not None else None
    if table is None:
        return word, False
    name = _QUOTES.sub("", table.group(1))
    return f"{word} {name}", False
