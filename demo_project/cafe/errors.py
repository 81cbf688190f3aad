"""What goes wrong on purpose, and how it is shown without filling the console."""

from __future__ import annotations

import copy
import logging

from django.template.loader import render_to_string
from django.views.debug import ExceptionReporter


class SpilledCoffee(Exception):
    """The accident of the 500 lesson: always expected, never caught by the view."""


class CafeExceptionReporter(ExceptionReporter):
    """Shows the expected accident on a page of the café, everything else as Django does."""

    def get_traceback_html(self) -> str:
        """HTML for a 500 while DEBUG is on."""
        if self.exc_type is SpilledCoffee:
            return render_to_string("500.html")
        return super().get_traceback_html()


class ShortFormatter(logging.Formatter):
    """Leaves out the traceback of the expected accident, and of nothing else."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, or with its traceback when it was not expected."""
        if record.exc_info and record.exc_info[0] is SpilledCoffee:
            record = copy.copy(record)
            record.exc_info = record.exc_text = None
        return super().format(record)
