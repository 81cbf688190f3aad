"""`reverse()`: which resolvers a request asks for its links.

That a request asked a resolver is told once for each of its threads, and a long list asks for each
of its rows. So once a request has asked, Django's own function is put back for as long as it can
find nothing else: while no other request is in flight, this one stays on its thread, and Django
remembers the resolver of no other URLconf. The other links of such a list cost nothing at all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.signatures import then
from tracer.recorder.trace import current


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch how `reverse()` finds resolvers, and whoever asks one by hand."""

    def base(module: Any) -> None:
        # Django's `base` imports it.
        _Finding(recorder, patches, module, sys.modules["django.urls.resolvers"])
        patches.wrap(module, "get_ns_resolver", lambda call: _found_below(recorder, call))

    def resolvers(module: Any) -> None:
        patches.wrap(module.URLResolver, "reverse", lambda call: _asked(recorder, call))

    imports.when("django.urls.base", base)
    imports.when("django.urls.resolvers", resolvers)


class _Finding:
    """`get_resolver` as `reverse()` calls it: watched, or for a while Django's own again."""

    def __init__(self, recorder: Recorder, patches: Patches, base: Any, resolvers: Any) -> None:
        self.recorder = recorder
        remembers = getattr(resolvers, "_get_cached_resolver", None)
        # What somebody else has put there may find more than Django does.
        is_own = vars(base)["get_resolver"] is resolvers.get_resolver
        self.remembered: Any = getattr(remembers, "cache_info", None) if is_own else None
        self.is_only: bool | None = None
        """Whether Django remembers one resolver and no other; None if that may have changed."""
        self.patch = patches.liftable(base, "get_resolver", self._watched)
        patches.wrap(resolvers.URLResolver, "__init__", lambda call: then(call, self._another))

    def _watched(self, call: Callable[..., Any]) -> Any:
        """Around how `reverse()` finds the resolver that it asks: a use of that resolver.

        Not around the asking itself, which has arguments to be passed on.
        """
        recorder, get, by_id = self.recorder, current.get, self.recorder.lives.by_id
        let_be = self._let_be

        def get_resolver(urlconf: Any = None) -> Any:
            try:
                resolver = call(urlconf)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            trace = get()
            if trace is not None:
                try:
                    asked = trace.asked
                    if asked is not None and asked() is resolver:
                        trace.asks += 1
                        return resolver
                    known = by_id.get(id(resolver))
                    if known is None or known() is not resolver:
                        return resolver
                    if trace.single:
                        trace.seen.append(known.token)
                        trace.asked = known
                        if not trace.closed:
                            let_be()
                    else:
                        trace.asks += trace.seen.again(known)
                except Exception as fault:
                    recorder.fault("resolver", fault)
            return resolver

        return get_resolver

    def _let_be(self) -> None:
        """A request has asked: the others in it need not be watched, if there is nothing to see."""
        recorder = self.recorder
        if self.is_only is None:
            self.is_only = self.remembered is not None and self.remembered().currsize == 1
        if not self.is_only or len(recorder.flying) != 1:
            return
        recorder.watch_again = self._watch_again
        self.patch.lift()
        # Another thread may have taken the first of these away before there was anything to do.
        recorder.watch_again = self._watch_again
        if self.is_only is None or len(recorder.flying) != 1:
            self._watch_again()

    def _watch_again(self) -> None:
        # In this order, for another thread may let it be meanwhile.
        self.recorder.watch_again = None
        if not self.patch.lay():
            self.recorder.watch_again = self._watch_again

    def _another(self, _resolver: Any) -> None:
        """A resolver was built, which Django may remember from now on."""
        self.is_only = None
        if self.recorder.watch_again is not None:
            self._watch_again()


def _asked(recorder: Recorder, call: Callable[..., Any]) -> Any:
    """Around `URLResolver.reverse`, which the function `reverse()` makes no use of."""
    see = recorder.sighting()

    def reverse(self: Any, *args: Any, **kwargs: Any) -> Any:
        see(self)
        try:
            return call(self, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise

    return reverse


def _found_below(recorder: Recorder, call: Callable[..., Any]) -> Any:
    """Around how `reverse()` finds the resolver of a namespace; of one use after the other the
    first is told."""
    get, by_id = current.get, recorder.lives.by_id

    def get_ns_resolver(ns_pattern: Any, resolver: Any, converters: Any) -> Any:
        try:
            below = call(ns_pattern, resolver, converters)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        trace = get()
        if trace is not None:
            try:
                known = by_id.get(id(below))
                if known is not None and known() is below:
                    seen = trace.seen
                    if not seen or seen[-1] != known.token:
                        seen.append(known.token)
            except Exception as fault:
                recorder.fault("resolver", fault)
        return below

    # It remembers what it has found, and Django has it forget that.
    for name in ("cache_clear", "cache_info", "cache_parameters"):
        setattr(get_ns_resolver, name, getattr(call, name))
    return get_ns_resolver


pass_over(__name__)
