"""The command line: show, watch, run, and the files that it writes."""
