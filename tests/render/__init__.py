"""The pictures, drawn from processes that are made up."""
