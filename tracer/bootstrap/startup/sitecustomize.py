"""Run by `site` when an interpreter starts; begins the import log and leaves no trace of itself.

It stands first on `PYTHONPATH`, so it hides the `sitecustomize` that would have been found without
it: that one is run in its place, and where there is none, Python is told so. Written so that every
Python understands it, for any of them may be started with this environment.
"""

import sys

if __name__ == "sitecustomize":
    try:
        import os

        _here = os.path.dirname(__file__)
        try:
            if sys.version_info >= (3, 11):  # noqa: UP036 - older ones may be started, too
                import tracer_startup  # type: ignore[import-not-found]

                tracer_startup.begin()
        finally:
            sys.path[:] = [path for path in sys.path if path != _here]
            sys.path_importer_cache.pop(_here, None)
    except Exception:  # whatever it is, the program starts as it would have
        pass
    # Whoever imports this module gets what is in `sys.modules` afterwards.
    del sys.modules["sitecustomize"]
    import sitecustomize  # type: ignore[import-not-found]  # noqa: F401
