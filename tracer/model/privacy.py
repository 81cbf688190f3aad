"""What is left out of a recording unless the settings ask for it: values that may be secrets."""

from __future__ import annotations


def masked_query(query: str) -> str:
    """Returns a query string with "…" in the place of each value, such as "page=…&q=…".

    A part without "=" is a value too: nothing tells it from a bare token.
    """
    parts = [part.partition("=") for part in query.split("&")]
    return "&".join(f"{name}=…" if sep else "…" for name, sep, _ in parts)
