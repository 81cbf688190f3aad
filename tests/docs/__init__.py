"""The documentation: its links lead somewhere, its code runs, its tables are complete."""
