"""The public Python interface: recordings, assertions, and pictures that draw themselves."""
