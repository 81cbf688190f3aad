"""How the tracer is there from the interpreter's start: an environment, and what it starts."""
