"""Wrappers of exactly the wrapped function's signature.

`def wrapper(*args, **kwargs)` packs and unpacks what it passes on, which costs as much again as
the recording it is there for, and a call with wrong arguments then fails one level too deep. So
the wrapper is written out with the parameters of the original.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tracer.recorder.hidden_frames import MARK, drop_own_frames

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def then(call: Callable[..., Any], after: Callable[[Any], None]) -> Callable[..., Any]:
    """Return a method that does what `call` does and then `after(self)`. `after` must not raise.

    For methods whose result is not used, such as `__init__`.
    """
    return extended(call, "    _after({first})\n", {"_after": after})


def extended(call: Callable[..., Any], body: str, names: dict[str, Any]) -> Callable[..., Any]:
    """Return a method that does what `call` does, and then what `body` says. It must not raise.

    `body` is indented source in which `{first}` stands for the object, and knows `names`. Falls
    back on `*args, **kwargs` where the signature cannot be written out.
    """
    head, passed, first, defaults = _written(call) or _ANY
    source = _HEAD.format(head=head, passed=passed) + body.replace("{first}", first)
    names = {"_call": call, "_drop": drop_own_frames, **names, **defaults}
    exec(compile(source, f"<tracer {MARK}>", "exec"), names)
    made: Callable[..., Any] = names["method"]
    return made


_HEAD = """\
def method({head}):
    try:
        _call({passed})
    except BaseException as _exc:
        _drop(_exc)
        raise
"""
_ANY: tuple[str, str, str, dict[str, Any]] = (
    "self, *args, **kwargs", "self, *args, **kwargs", "self", {}
)  # fmt: skip


def _written(call: Callable[..., Any]) -> tuple[str, str, str, dict[str, Any]] | None:
    """Return (parameters, arguments, name of the first, defaults), or None."""
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except (TypeError, ValueError):
        return None
    head: list[str] = []
    passed: list[str] = []
    defaults: dict[str, Any] = {}
    for index, parameter in enumerate(parameters):
        if parameter.kind not in _POSITIONAL or parameter.name.startswith("_"):
            return None
        if parameter.default is inspect.Parameter.empty:
            head.append(parameter.name)
        else:
            defaults[f"_default{index}"] = parameter.default
            head.append(f"{parameter.name}=_default{index}")
        passed.append(parameter.name)
    if not passed or any(p.kind is inspect.Parameter.POSITIONAL_ONLY for p in parameters):
        return None
    return ", ".join(head), ", ".join(passed), passed[0], defaults
