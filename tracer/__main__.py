"""`python -m tracer`: draw what a journal holds, or follow it live."""

import sys

from tracer.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
