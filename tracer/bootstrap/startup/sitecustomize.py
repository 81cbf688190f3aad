"""Begins the import log when an interpreter starts: Python's `site` runs this file.

It stands first on `PYTHONPATH`, so it hides the `sitecustomize` that would have been found without
it. At its end it removes itself and imports that one, or fails as Python expects if there is none.
Every version of Python must understand it, as any may be started in this environment.
"""

import sys

if __name__ == "sitecustomize":
    try:
        import os

        _here = os.path.dirname(__file__)
        try:
            if sys.version_info >= (3, 11):  # noqa: UP036 - older ones may be started too
                import tracer_startup  # type: ignore[import-not-found]

                tracer_startup.begin()
        finally:
            sys.path[:] = [path for path in sys.path if path != _here]
            sys.path_importer_cache.pop(_here, None)
    except Exception:  # whatever went wrong, the program must start as it would without us
        pass
    # Python gives the importer what is in `sys.modules` afterwards.
    del sys.modules["sitecustomize"]
    import sitecustomize  # type: ignore[import-not-found]  # noqa: F401
