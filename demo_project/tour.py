"""Serves the café with Django's runserver, and takes a short guided tour of it.

    python tour.py [--port 8000] [--once]

The server runs in the main thread. So Ctrl-C, SIGTERM and the end of the tour all run Python's exit
handlers, and the tracer draws lifelines and ledger. `manage.py prepare` must have run before. Exit
status: 0 after the tour (`--once`) or Ctrl-C, 1 if a page had a wrong status or the port is taken,
2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import http.client
import os
import signal
import socket
import sys
import threading
import time

import django
from django.core.management import execute_from_command_line
from guest import TIMEOUT, Guest
from route import STOPS, Stop, Visit

from tracer import runtime

HOST = "127.0.0.1"
MIN_PAUSE = 0.05
MAX_PAUSE = 1.0
"""Seconds between two requests, depending on how long the console needs for drawing."""


def say(text: str) -> None:
    """Prints a line with one write, so that it never splits a drawing."""
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        text = f"\033[1m{text}\033[0m"
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), f"{text}\n".encode())


class Drawing:
    """The tracer's drawing, as the tour waits for it."""

    def __init__(self) -> None:
        """Without a tracer (TRACER_ENABLED=0) the tour does not wait."""
        self.tracer = runtime.running()
        self.requests = 0

    def catch_up(self) -> None:
        """Returns when all requests so far are drawn, or after ten seconds."""
        deadline = time.monotonic() + 10
        before = self._seconds_spent()
        while self.tracer is not None and time.monotonic() < deadline:
            self.tracer.handle_recorded()
            if self._settled() >= self.requests:
                break
            time.sleep(0.01)
        # The console draws for a share of the time and skips timelines beyond it; the tour waits
        # long enough that it skips none.
        time.sleep(min(max(MIN_PAUSE, 4 * (self._seconds_spent() - before)), MAX_PAUSE))

    def _settled(self) -> int:
        """Returns how many requests are drawn, or without a console, how many were served."""
        assert self.tracer is not None
        console = self.tracer.console
        return console.settled if console is not None else self.tracer.backlog.history.served

    def _seconds_spent(self) -> float:
        """Returns the console's seconds of drawing."""
        return self.tracer.console.spent if self.tracer and self.tracer.console else 0.0


class Tour(threading.Thread):
    """A thread that follows the route; its requests come over sockets like any others."""

    def __init__(self, port: int, once: bool) -> None:
        """With `once` it ends the server after the tour."""
        super().__init__(name="tour", daemon=True)
        self.port = port
        self.once = once
        self.closing = threading.Event()
        self.problems: list[str] = []
        self.guests: dict[str, Guest] = {}
        self.drawing = Drawing()

    def run(self) -> None:
        """Takes the whole tour."""
        try:
            self.walk()
        except (OSError, http.client.HTTPException) as error:
            self.problems.append(f"the café did not answer ({error or type(error).__name__})")
        finally:
            for guest in self.guests.values():
                guest.leave()
        if not self.closing.is_set():
            self.end()

    def walk(self) -> None:
        """Makes every stop of the route, unless the café closes before."""
        for number, stop in enumerate(STOPS, start=1):
            if self.closing.is_set():
                return
            say(f"\n▸ Stop {number} of {len(STOPS)} · {stop.look}")
            self.make(stop)
        self.wait_for_the_cook()

    def make(self, stop: Stop) -> None:
        """Makes the visits of one stop."""
        if stop.together:
            for guest in {visit.guest for visit in stop.visits}:
                self.guest(guest)
            threads = [threading.Thread(target=self.visit, args=(one,)) for one in stop.visits]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(TIMEOUT)
            self.drawing.catch_up()
        else:
            for visit in stop.visits:
                if self.closing.is_set():
                    return
                self.visit(visit)
                self.drawing.catch_up()
        if stop.settle:
            say(
                "\n▸ The tour runs a full collection. "
                "Objects that are alive after it are held by something."
            )
            gc.collect()

    def guest(self, name: str) -> Guest:
        """Returns the guest of that name, who arrives at the first visit."""
        if name not in self.guests:
            guest = self.guests[name] = Guest(self.port)
            if not guest.arrive(self.closing):
                raise ConnectionError("it never opened")
        return self.guests[name]

    def visit(self, visit: Visit) -> None:
        """Makes one request; notes a wrong status and goes on."""
        status = self.guest(visit.guest).visit(visit.path, visit.form)
        self.drawing.requests += 1
        if status != visit.status:
            self.problems.append(f"{visit.path} answered {status} instead of {visit.status}")

    def wait_for_the_cook(self) -> None:
        """Waits for the end of the slow-cooker lesson's thread."""
        for thread in threading.enumerate():
            if thread.name == "slow-cooker":
                thread.join(TIMEOUT)

    def end(self) -> None:
        """Prints the problems; with `once`, ends the server as Ctrl-C would."""
        for problem in self.problems:
            say(f"▸ Something is wrong: {problem}.")
        if self.once:
            say("\n▸ The tour is over; lifelines and ledger of this process follow.")
            os.kill(os.getpid(), signal.SIGINT)
            return
        say(
            f"\n▸ The tour is over, the café is open: http://{HOST}:{self.port}/\n"
            "▸ Click a lesson and look here. Ctrl-C closes, and draws lifelines and ledger."
        )


def port_problem(port: int) -> str | None:
    """Returns a sentence if the café cannot open on `port`, else None."""
    if not 0 < port < 65536:
        return f"{port} is not a port; choose one from 1024 to 65535, as in: make demo PORT=8001"
    try:
        with socket.socket() as probe:
            # As runserver does: connections of an earlier run do not block the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
    except PermissionError:
        return f"Port {port} needs special rights; choose another, as in: make demo PORT=8001"
    except OSError:
        return f"Port {port} is taken by another program; choose another: make demo PORT={port + 1}"
    return None


def serve(port: int) -> None:
    """Runs Django's runserver in this thread until it is interrupted."""
    # The tracer names the server by the command line, so it must be what a person would type.
    sys.argv = ["manage.py", "runserver", "--noreload", f"{HOST}:{port}"]
    execute_from_command_line(sys.argv)


def main() -> int:
    """Runs the tour and the server; returns the exit status."""
    parser = argparse.ArgumentParser(description="Serve the café and take a guided tour of it.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--once", action="store_true", help="end after the tour")
    parser.add_argument("--check", action="store_true", help="only check whether the port is free")
    options = parser.parse_args()
    if sentence := port_problem(options.port):
        print(sentence, file=sys.stderr)
        return 1
    if options.check:
        return 0
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cafe_site.settings")
    os.environ.setdefault("DJANGO_RUNSERVER_HIDE_WARNING", "true")
    for number in (signal.SIGINT, signal.SIGTERM):
        # A background job may inherit SIGINT as ignored; the exit handlers must run all the same.
        signal.signal(number, signal.default_int_handler)
    tour = None
    try:
        django.setup()
        tour = Tour(options.port, options.once)
        tour.start()
        serve(options.port)
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code:
            return 1
    finally:
        if tour is not None:
            tour.closing.set()
            tour.join(2)
    return 1 if options.once and tour is not None and tour.problems else 0


if __name__ == "__main__":
    sys.exit(main())
