"""The error that the café raises on purpose, and how it is shown in one line."""

from __future__ import annotations

import copy
import logging

from django.template.loader import render_to_string
from django.views.debug import ExceptionReporter


class SpilledCoffee(Exception):
    """The error of the 500 lesson: expected, and not caught by its view."""


class CafeExceptionReporter(ExceptionReporter):
    """A reporter that shows the expected error on a page of the café, all others as Django does."""

    def get_traceback_html(self) -> str:
        """Returns the HTML of a 500 while DEBUG is on."""
        if self.exc_type is SpilledCoffee:
            return render_to_string("500.html")
        return super().get_traceback_html()


class ShortFormatter(logging.Formatter):
    """A formatter that leaves out the traceback of the expected error only."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one line, or with its traceback if the error was not expected."""
        if record.exc_info and record.exc_info[0] is SpilledCoffee:
            record = copy.copy(record)
            record.exc_info = record.exc_text = None
        return super().format(record)
