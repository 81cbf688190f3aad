"""What the tracer promises to those who let it watch: each file here holds one promise."""
