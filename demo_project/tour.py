"""Serves the café with Django's runserver, and takes a short guided tour of it.

    python tour.py [--port 8000] [--once]

The server runs in the main thread, so that Ctrl-C, SIGTERM and the end of the tour all leave the
interpreter in an orderly way and the tracer can draw lifelines and ledger. `manage.py prepare`
must have run before. Exit status: 0 after the tour (`--once`) or Ctrl-C, 1 when the tour found
something wrong or the port is taken, 2 for wrong arguments.
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
from guest import PATIENCE, Guest
from route import STOPS, Stop, Visit

from tracer import runtime

HOST = "127.0.0.1"
PACE = 0.05
"""Seconds between two requests at the least."""
LONGEST = 1.0
"""Seconds between two requests at the most, however slow the drawing."""


def say(text: str) -> None:
    """Print a line with one write, so that it never cuts a drawing in two."""
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        text = f"\033[1m{text}\033[0m"
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), f"{text}\n".encode())


class Drawing:
    """What the tour knows of the tracer: whether it has drawn what was visited."""

    def __init__(self) -> None:
        """Without a tracer (TRACER_ENABLED=0) there is nothing to wait for."""
        self.tracer = runtime.running()
        self.made = 0

    def catch_up(self) -> None:
        """Return when all requests made so far are drawn, or after ten seconds."""
        deadline = time.monotonic() + 10
        before = self._spent()
        while self.tracer is not None and time.monotonic() < deadline:
            self.tracer.look()
            if self._settled() >= self.made:
                break
            time.sleep(0.01)
        # The console draws a quarter of the time and skips what is more; the tour skips nothing.
        time.sleep(min(max(PACE, 4 * (self._spent() - before)), LONGEST))

    def _settled(self) -> int:
        """How many requests are drawn; without a console, how many were served."""
        assert self.tracer is not None
        console = self.tracer.console
        return console.settled if console is not None else self.tracer.backlog.history.served

    def _spent(self) -> float:
        """Seconds of drawing, as the console counts them."""
        return self.tracer.console.spent if self.tracer and self.tracer.console else 0.0


class Tour(threading.Thread):
    """Walks the route from a thread of its own; the requests come over sockets like any others."""

    def __init__(self, port: int, once: bool) -> None:
        """`once`: end the server after the tour."""
        super().__init__(name="tour", daemon=True)
        self.port = port
        self.once = once
        self.closing = threading.Event()
        self.trouble: list[str] = []
        self.guests: dict[str, Guest] = {}
        self.drawing = Drawing()

    def run(self) -> None:
        """The whole tour."""
        try:
            self.walk()
        except (OSError, http.client.HTTPException) as error:
            self.trouble.append(f"the café did not answer ({error or type(error).__name__})")
        finally:
            for guest in self.guests.values():
                guest.leave()
        if not self.closing.is_set():
            self.end()

    def walk(self) -> None:
        """Every stop of the route, unless the café closes before."""
        for number, stop in enumerate(STOPS, start=1):
            if self.closing.is_set():
                return
            say(f"\n▸ Stop {number} of {len(STOPS)} · {stop.look}")
            self.make(stop)
        self.wait_for_the_cook()

    def make(self, stop: Stop) -> None:
        """The visits of one stop."""
        if stop.together:
            for guest in {visit.guest for visit in stop.visits}:
                self.guest(guest)
            threads = [threading.Thread(target=self.visit, args=(one,)) for one in stop.visits]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)
            self.drawing.catch_up()
        else:
            for visit in stop.visits:
                if self.closing.is_set():
                    return
                self.visit(visit)
                self.drawing.catch_up()
        if stop.settle:
            say("\n▸ A full collection, run by the tour: what dies now waited, what stays is held.")
            gc.collect()

    def guest(self, name: str) -> Guest:
        """The guest of that name, who arrives at the first visit."""
        if name not in self.guests:
            guest = self.guests[name] = Guest(self.port)
            if not guest.arrive(self.closing):
                raise ConnectionError("it never opened")
        return self.guests[name]

    def visit(self, visit: Visit) -> None:
        """One request; a wrong status is noted and the tour goes on."""
        status = self.guest(visit.guest).visit(visit.path, visit.form)
        self.drawing.made += 1
        if status != visit.status:
            self.trouble.append(f"{visit.path} answered {status} instead of {visit.status}")

    def wait_for_the_cook(self) -> None:
        """Let the background thread of the slow-cooker lesson come to its end."""
        for thread in threading.enumerate():
            if thread.name == "slow-cooker":
                thread.join(PATIENCE)

    def end(self) -> None:
        """Say how it went; with `once`, end the server as Ctrl-C would."""
        for trouble in self.trouble:
            say(f"▸ Something is wrong: {trouble}.")
        if self.once:
            say("\n▸ The tour is over; lifelines and ledger of this process follow.")
            os.kill(os.getpid(), signal.SIGINT)
            return
        say(
            f"\n▸ The tour is over, the café is open: http://{HOST}:{self.port}/\n"
            "▸ Click a lesson and look here. Ctrl-C closes, and draws lifelines and ledger."
        )


def problem(port: int) -> str | None:
    """Return a sentence if the café cannot open on `port`, else None."""
    if not 0 < port < 65536:
        return f"{port} is not a port; choose one from 1024 to 65535, as in: make demo PORT=8001"
    try:
        with socket.socket() as probe:
            # As runserver will: a connection that lingers from before is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
    except PermissionError:
        return f"Port {port} needs special rights; choose another, as in: make demo PORT=8001"
    except OSError:
        return f"Port {port} is taken by another program; choose another: make demo PORT={port + 1}"
    return None


def serve(port: int) -> None:
    """Django's runserver in this thread, until it is interrupted."""
    # The command line that a person would type, so that the process is what it seems to be.
    sys.argv = ["manage.py", "runserver", "--noreload", f"{HOST}:{port}"]
    execute_from_command_line(sys.argv)


def main() -> int:
    """Run the tour and the server; return the exit status."""
    parser = argparse.ArgumentParser(description="Serve the café and take a guided tour of it.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--once", action="store_true", help="end after the tour")
    parser.add_argument("--check", action="store_true", help="only check whether the port is free")
    options = parser.parse_args()
    if sentence := problem(options.port):
        print(sentence, file=sys.stderr)
        return 1
    if options.check:
        return 0
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cafe_site.settings")
    os.environ.setdefault("DJANGO_RUNSERVER_HIDE_WARNING", "true")
    for number in (signal.SIGINT, signal.SIGTERM):
        # A background job may have inherited SIGINT ignored; the end must be orderly all the same.
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
    return 1 if options.once and tour is not None and tour.trouble else 0


if __name__ == "__main__":
    sys.exit(main())
