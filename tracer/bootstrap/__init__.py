"""How tracing begins with the interpreter: environment variables, and the code that they start.

That code loads `probes/`, `recorder/` and `runtime/` once Django is imported. `cli/` and `servers/`
import the environment alone.
"""
