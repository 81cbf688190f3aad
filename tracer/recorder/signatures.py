"""Wrappers with exactly the signature of the function that they wrap.

`def wrapper(*args, **kwargs)` packs and unpacks what it passes on, which costs as much again as
the recording that it is for. And a call with wrong arguments then fails one level too deep. So the
wrapper's source is generated with the parameters of the original.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tracer.recorder.hidden_frames import HIDDEN, drop_own_frames

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def call_then(call: Callable[..., Any], after: Callable[[Any], None]) -> Callable[..., Any]:
    """Returns a method that does what `call` does and then `after(self)`, which must not raise.

    For methods whose result is not used, such as `__init__`.
    """
    return call_then_run(call, "    _after({first})\n", {"_after": after})


def call_then_run(call: Callable[..., Any], body: str, names: dict[str, Any]) -> Callable[..., Any]:
    """Returns a method that does what `call` does and then runs `body`, which must not raise.

    `body` is indented source that may use `names`; `{first}` stands for the object. Where the
    signature cannot be written out, the method takes `*args, **kwargs`.
    """
    head, passed, first, defaults = _written_out(call) or _ANY
    source = _HEAD.format(head=head, passed=passed) + body.replace("{first}", first)
    return compiled(source, "method", {"_call": call, **names, **defaults})


def compiled(source: str, name: str, names: dict[str, Any]) -> Callable[..., Any]:
    """Returns the hidden function that `source` defines, which may use `names` and `_drop`."""
    names = {"_drop": drop_own_frames, **names}
    exec(compile(source, f"<tracer {HIDDEN}>", "exec"), names)
    made: Callable[..., Any] = names[name]
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


def _written_out(call: Callable[..., Any]) -> tuple[str, str, str, dict[str, Any]] | None:
    """Returns (parameters, arguments, name of the first, defaults), or None."""
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
