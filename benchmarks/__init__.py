"""What the tracer costs, measured; nothing here is installed with the package."""
