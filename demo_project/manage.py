#!/usr/bin/env python
"""Django's command line for the café."""

import os
import sys


def main() -> None:
    """Runs the management command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cafe_site.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
