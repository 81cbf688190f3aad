"""`reverse()`: which resolvers a request uses for its links.

A request's use of a resolver is recorded once for each of its threads, while a long list of links
uses it for each of its rows. So after the first link, Django's own function is put back for as long
as it can find no other resolver: while no other request is in flight, this one stays on its thread,
and Django caches the resolver of one URLconf only. The other links of such a list cost nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.signatures import call_then
from tracer.recorder.trace import current


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches how `reverse()` finds resolvers, and direct calls of a resolver's `reverse`."""

    def base(module: Any) -> None:
        # Django's `base` has imported `resolvers`.
        _GetResolver(recorder, patches, module, sys.modules["django.urls.resolvers"])
        patches.wrap(module, "get_ns_resolver", lambda call: _namespace_wrapper(recorder, call))

    def resolvers(module: Any) -> None:
        patches.wrap(module.URLResolver, "reverse", lambda call: _reverse_wrapper(recorder, call))

    imports.when("django.urls.base", base)
    imports.when("django.urls.resolvers", resolvers)


class _GetResolver:
    """The wrapper of `get_resolver` as `reverse()` calls it, suspended when nothing can change."""

    def __init__(self, recorder: Recorder, patches: Patches, base: Any, resolvers: Any) -> None:
        self.recorder = recorder
        cached = getattr(resolvers, "_get_cached_resolver", None)
        # If somebody else has replaced the function, it may find other resolvers than Django's.
        is_own = vars(base)["get_resolver"] is resolvers.get_resolver
        self.cache_info: Any = getattr(cached, "cache_info", None) if is_own else None
        self.is_only_one: bool | None = None
        """Whether Django caches one resolver and no other; None if that may have changed."""
        self.patch = patches.wrap_suspendable(base, "get_resolver", self._wrapper)
        patches.wrap(
            resolvers.URLResolver, "__init__", lambda call: call_then(call, self._resolver_built)
        )

    def _wrapper(self, call: Callable[..., Any]) -> Any:
        """Wraps how `reverse()` finds a resolver: the request uses it.

        The resolver's own method is not wrapped, for its arguments would have to be passed on.
        """
        recorder, get, by_id = self.recorder, current.get, self.recorder.weakrefs.by_id
        suspend = self._suspend

        def get_resolver(urlconf: Any = None) -> Any:
            try:
                resolver = call(urlconf)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            trace = get()
            if trace is not None:
                try:
                    asked = trace.last_resolver
                    if asked is not None and asked() is resolver:
                        trace.repeated_lookups += 1
                        return resolver
                    known = by_id.get(id(resolver))
                    if known is None or known() is not resolver:
                        return resolver
                    if trace.single:
                        trace.seen.append(known.token)
                        trace.last_resolver = known
                        if not trace.closed:
                            suspend()
                    else:
                        trace.repeated_lookups += trace.seen.again(known)
                except Exception as fault:
                    recorder.fault("resolver", fault)
            return resolver

        return get_resolver

    def _suspend(self) -> None:
        """Suspends the wrapper after a request's first link, if no other resolver can be found."""
        recorder = self.recorder
        if self.is_only_one is None:
            self.is_only_one = self.cache_info is not None and self.cache_info().currsize == 1
        if not self.is_only_one or len(recorder.in_flight) != 1:
            return
        recorder.watch_again = self._resume
        self.patch.suspend()
        # Again, as another thread may have called and cleared it before the patch was suspended.
        recorder.watch_again = self._resume
        if self.is_only_one is None or len(recorder.in_flight) != 1:
            self._resume()

    def _resume(self) -> None:
        # Clear this first, as another thread may suspend the patch meanwhile.
        self.recorder.watch_again = None
        if not self.patch.resume():
            self.recorder.watch_again = self._resume

    def _resolver_built(self, _resolver: Any) -> None:
        """Watches again, as Django may cache the new resolver from now on."""
        self.is_only_one = None
        if self.recorder.watch_again is not None:
            self._resume()


def _reverse_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    """Wraps `URLResolver.reverse`, which the function `reverse()` does not call."""
    see = recorder.sighting()

    def reverse(self: Any, *args: Any, **kwargs: Any) -> Any:
        see(self)
        try:
            return call(self, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise

    return reverse


def _namespace_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    """Wraps how `reverse()` finds the resolver of a namespace.

    Of several uses in a row only the first is recorded.
    """
    get, by_id = current.get, recorder.weakrefs.by_id

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

    # The function has a cache, which Django clears through these attributes.
    for name in ("cache_clear", "cache_info", "cache_parameters"):
        setattr(get_ns_resolver, name, getattr(call, name))
    return get_ns_resolver


hide_functions(__name__)
