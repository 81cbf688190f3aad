"""The tracer of this process: takes what was recorded, keeps its history, draws and writes.

All of it happens in one background thread, started when there is something to do. It ends before a
fork, and starts again in parent and child when there is something to do there. Only where a process
is better off without a thread (`server_info.stays_alone`), each request's thread does it once the
response is closed. Where nothing is drawn and nothing written, nobody waits for what was recorded:
the thread sleeps until it is worth the while, or somebody asks. When the console falls behind, the
background thread skips timelines and says how many; the journal skips none.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextvars import Context
from typing import Final, TextIO

import django
from django.conf import settings

from tracer.conf import Config
from tracer.journal.writer import Journal
from tracer.model import Fact, Process, ProcessStarted, Request
from tracer.probes.install import Installation
from tracer.recorder import boot, interpreter, server_info
from tracer.recorder.recorder import Recorder
from tracer.runtime.flight_recorder import Noting
from tracer.runtime.pipeline import Desk

try:
    from tracer.render.formats.terminal import Terminal
    from tracer.runtime.console import FEW, Screen
except ModuleNotFoundError as missing:
    # A project that is traced from outside need not have it; a journal is kept all the same.
    if missing.name != "rich":
        raise
    Terminal = Screen = None  # type: ignore[assignment, misc]

CAN_DRAW = Screen is not None
"""Whether pictures can be drawn here."""
PAUSE = 0.05
"""Seconds between two looks at what was recorded, while requests come and are drawn or written."""
IDLE = 40
"""Looks without a find after which the thread sleeps until it is woken."""
ENOUGH = 64
"""Requests that a process which neither draws nor writes lets come before it looks at them."""
BACKLOG = 2000
"""Finished requests waiting; beyond, the next one to finish helps out before it goes on."""
TO_FORK = 0.5
"""Seconds that a fork waits at most for the background thread to end."""
FAREWELL = 2.0
"""Seconds that the background thread has at the end to finish what it is at."""

_running: Live | None = None


class Live:
    """One process's tracer."""

    def __init__(self, config: Config, stream: TextIO | None = None) -> None:
        """`stream` is where blocks are drawn; None finds it anew for each process."""
        self.config = config
        self.stream = stream
        self.recorder = Recorder()
        self.installation = Installation(self.recorder, config.watch, config.cache_keys)
        draws = config.console and CAN_DRAW
        self.desk = Desk(
            self.recorder,
            self.installation.collections,
            config.query_values,
            not draws,
            config.cache_keys,
        )
        self.screen = Screen(self._terminal, self.recorder.fault) if draws else None
        self.journal: Journal | None = None
        self.lock = threading.RLock()
        """Held while recordings become facts, never while something is drawn."""
        self.drawing = threading.RLock()
        self.thread: threading.Thread | None = None
        self.awake: bool
        """Whether the thread looks by itself; else it must be rung for."""
        self.bell = _rung()
        self.stop = threading.Event()
        self.forks = False
        """The process is about to fork, and the thread has to end."""
        shown = draws or config.journal is not None
        # Whoever looks at sixty-four has no need to wait for more: meanwhile there would be
        # hundreds, and what lives as long as that the collector takes for what stays.
        self.enough, self.patience, self.pause = (1, IDLE, PAUSE) if shown else (ENOUGH, 0, 0.0)
        self._doze()
        self.said_who = False
        self.noting = Noting(self.recorder, self.desk.assembly.path, self.open_journal)
        if config.journal is not None:
            self.noting.begin()
        self.recorder.on_finish = self._finished
        self.recorder.on_fork = self._forked
        self.recorder.on_child = self._child
        self.recorder.boot = boot.known()
        if self.recorder.boot is not None:
            self.recorder.boot.on_built = self.announce
        self.pid = os.getpid()
        self.parent = os.getppid()
        self.started = server_info.process_started()
        self.inherited = False
        self.forked = False
        self.callers = server_info.callers()
        """Whose code ran when the tracer began here, or when this process was forked."""

    # -- on the request's path --------------------------------------------------------------

    def _finished(self) -> None:
        """Requests are over; make sure that somebody will look at them."""
        if not self.awake:
            self._wake()
        if len(self.recorder.finished) > BACKLOG:
            self.look(draw=False)

    def _wake(self) -> None:
        if server_info.stays_alone(sys.modules):
            self.look()
            return
        self._rouse()
        if self.thread is None or not self.thread.is_alive():
            thread = threading.Thread(target=self._run, name="tracer", daemon=True)
            try:
                # In a context of its own, or it would belong to the request that started it.
                with _deaf_to_signals():
                    Context().run(thread.start)
            except Exception:
                # No more threads just now: the next request tries again.
                self._doze()
                raise
            self.thread = thread
        self._ring()

    def _rouse(self) -> None:
        """The thread looks by itself, and is helped only when it falls far behind."""
        self.awake, self.recorder.enough = True, BACKLOG + 1

    def _doze(self) -> None:
        """The thread must be rung for when there is something to do."""
        self.awake, self.recorder.enough = False, self.enough

    def _ring(self) -> None:
        """Have the thread look now; rung twice before it has looked is rung once."""
        with contextlib.suppress(RuntimeError):
            self.bell.release()

    def before_fork(self) -> None:
        """End the thread: Python 3.12 and newer warn of a fork where there is more than one.

        Where it is busy for too long it stays, and Python warns. After the fork the next request
        starts it again; at once it cannot be, for some versions of Python count only then.
        """
        thread = self.thread
        if thread is None or thread is threading.current_thread():
            return
        self.forks = True
        self._ring()
        thread.join(TO_FORK)
        deadline = time.monotonic() + TO_FORK
        while not thread.is_alive() and not _is_gone(thread) and time.monotonic() < deadline:
            time.sleep(0.0001)
        self.forks = False
        if not thread.is_alive():
            self._doze()
            if len(self.recorder.finished) >= self.enough:
                # It came from another thread since, so Python warns anyway.
                self._finished()

    def _forked(self) -> None:
        """In a child: its own thread, journal and history of what it inherited."""
        self.lock, self.drawing = threading.RLock(), threading.RLock()
        self.bell, self.stop = _rung(), threading.Event()
        self.thread = None
        self._doze()
        if self.journal is not None:
            # The parent's file: in a child this gives back the descriptor and nothing more.
            self.journal.close()
        self.journal, self.said_who = None, False
        if self.config.journal is not None:
            self.noting.begin()
        self.pid = os.getpid()
        self.parent = os.getppid()
        self.started = server_info.process_started()
        self.forked, self.callers = True, server_info.callers()
        if self.recorder.boot is not None:
            self.recorder.boot.forked()
        self.desk.inherit()
        self.inherited = any(birth.kind == "handler" for birth in self.desk.boot)

    def _child(self, is_over: bool) -> None:
        """A child of multiprocessing that was forked begins its life, or is at its end."""
        if self.forked and is_over:
            self.close()
        elif self.forked:
            self.announce()

    # -- in the background ------------------------------------------------------------------

    def _run(self) -> None:
        idle, pid, found = 0, self.pid, 1
        while not self.stop.is_set() and not self.forks and self.pid == pid:
            if idle >= self.patience:
                self._doze()
                if len(self.recorder.finished) < self.enough:
                    self.bell.acquire()
                self._rouse()
                idle = 0
            # Where nothing comes of looking, this must not become a race.
            self.bell.acquire(timeout=0 if self.forks else self.pause if found else PAUSE)
            found = self.look() if self.recorder.waits() else 0
            idle = 0 if found else idle + 1

    def look(self, draw: bool = True) -> int:
        """Take what was recorded; fold, write and draw it. Returns how many requests there were.

        Without `draw`, timelines are skipped and counted: a terminal may take its time.
        """
        try:
            clock, computed = self.recorder.clock, time.thread_time_ns
            began, before = clock(), computed()
            with boot.working_for_the_tracer():
                found = self._look(draw)
            if found:
                with self.lock:
                    self.desk.account.worked(began, clock(), computed() - before)
            return found
        except Exception as fault:
            self.recorder.fault("the background thread", fault)
            return 0

    def _look(self, draw: bool) -> int:
        with self.lock:
            if self._only_counts():
                return self._count()
            began = time.monotonic()
            requests, count = self._take()
        if self.screen is not None and requests:
            self.screen.spent += time.monotonic() - began
            if draw:
                with self.drawing:
                    self.screen.timelines(self._snapshot, requests)
            else:
                self.screen.skip(len(requests))
        return count

    def _only_counts(self) -> bool:
        """Whether nothing but the console wants requests one by one, and it is behind."""
        if self.screen is None or self.desk.listeners or not self.said_who:
            return False
        return len(self.recorder.finished) > FEW and self.screen.is_behind()

    def _count(self) -> int:
        """Put requests by undrawn, as a process does whose requests nobody asks for."""
        assert self.screen is not None
        count = self._rest()
        self.screen.skip(count)
        return count

    def _rest(self) -> int:
        """Put requests by, and write them down where a journal is kept."""
        count = self.desk.rest_until_asked()
        self._write()
        return count

    def _fold(self) -> list[Fact]:
        """Make facts of everything recorded so far, and write it down where a journal is kept."""
        facts = self.desk.take()
        self._write()
        return facts

    def _write(self) -> None:
        ready = self.desk.written()
        if self.journal is not None and ready:
            self.journal.append(ready)

    def _take(self) -> tuple[list[Request], int]:
        """Return the requests to draw, and how many there were."""
        if not self.recorder.finished and not self.said_who:
            return [], 0
        self._say_who()
        if self.desk.quiet:
            return [], self._rest()
        counted = self.desk.rest.count
        # Those that were put by undrawn are counted already.
        requests = self.desk.requests_of(self._fold())[counted:]
        return requests, len(requests)

    def _say_who(self) -> None:
        """Once per process, when its first request has begun."""
        if not self.said_who:
            self._introduce()
            self.said_who = True

    def open_journal(self) -> Journal | None:
        """Begin the journal, if one is kept and none is begun, and return it."""
        with self.lock:
            self._say_who()
        return self.journal

    def _introduce(self) -> None:
        """Say who this process is; again when its first request has told more of its server."""
        about = self.about()
        facts: list[Fact] = [about] if about != self.desk.history.about else []
        self.desk.about(about)
        if self.config.journal is not None:
            if self.journal is None:
                self.journal = Journal(self.config.journal)
                facts = self.desk.inherited()
                self.desk.write()
            self.journal.append([*facts, *self.desk.booted()])
        else:
            self.desk.booted()

    def announce(self) -> None:
        """Write down how a process began before it serves anything, if there is that to tell.

        How it booted, where that was watched; what it inherited, if it was forked. In this thread,
        and without starting another: the process may be about to fork.
        """
        if self.config.journal is None or self.said_who:
            return
        if self.recorder.boot is None and not self.forked:
            return
        try:
            with self.lock:
                self._introduce()
                self._fold()
        except Exception as fault:
            self.recorder.fault("the beginning", fault)

    def _snapshot(self, drawn: Sequence[Request] = ()) -> Process:
        with self.lock:
            return self.desk.history.snapshot(drawn)

    def about(self) -> ProcessStarted:
        """Who this process is, as far as its first request tells."""
        first = self.recorder.environ
        if first:
            server, mode = server_info.server(first, sys.modules, os.environ)
        else:
            server, mode = server_info.before_requests(
                self.callers, self.forked, sys.modules, os.environ, sys.argv
            )
        return ProcessStarted(
            pid=self.pid,
            parent=self.parent,
            server=server,
            mode=mode,
            python=platform.python_version(),
            django=django.get_version(),
            started=self.started,
            begun=int((self.started - self.recorder.epoch) * 1e9),
            inherited=self.inherited,
            forked=self.forked,
            urlconf=str(getattr(settings, "ROOT_URLCONF", None) or ""),
            application=str(getattr(settings, "SETTINGS_MODULE", None) or ""),
        )

    def _terminal(self) -> Terminal:
        """Where to draw: under CGI standard output is the response, so standard error there."""
        if self.stream is not None:
            return Terminal(self.stream)
        is_cgi = os.environ.get("GATEWAY_INTERFACE") and self.recorder.environ.get("wsgi.run_once")
        return Terminal(sys.stderr if is_cgi else sys.stdout)

    # -- on demand, and at the end ----------------------------------------------------------

    def settle(self, draw: bool = True) -> int:
        """Run a full collection, so that what waits is told from what is held; look for holders.

        Returns how many objects the collection freed. Nothing is proven while a request is in
        flight.
        """
        self.look(draw)
        freed = self.installation.collections.collect()
        self.look(draw)
        with self.lock:
            last = self.stop.is_set()
            self.desk.take()
            self.desk.find_holders(last)
            self._write()
        return freed

    def gather(self) -> None:
        """Make facts of whatever was recorded so far, also outside of requests."""
        self.look()
        with self.lock:
            # A journal begins with the first request: what came before stands at its head.
            if self.said_who or self.journal is None:
                self._fold()

    def process(self) -> Process:
        """Return this process as recorded so far. Raises ValueError before its first request."""
        self.look()
        with self.lock:
            if self.desk.quiet:
                self._fold()
            return self.desk.history.snapshot()

    def close(self, settle: bool = True) -> None:
        """The process ends in an orderly way: settle, write the end, draw the last pictures.

        Without `settle` no collection is run: whoever closes has done what there was to do.
        """
        if os.getpid() != self.pid:
            return
        self.stop.set()
        self._ring()
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join(timeout=FAREWELL)
        accounts = self._settle_accounts if settle else self._end_accounts
        for step in (self.land, self._say_last, accounts, self._say_farewell):
            # Each on its own: whatever one of them cannot do, the others still can.
            try:
                with boot.working_for_the_tracer():
                    step()
            except Exception as fault:
                self.recorder.fault("the end", fault)

    def land(self) -> None:
        """Requests in flight come to no end of their own any more."""
        for trace in list(self.recorder.flying.values()):
            self.recorder.finish(trace, "never closed")
        self.look(draw=not self._is_stuck())

    def _say_last(self) -> None:
        """A forked child that served nothing says who it was.

        Not before its end: it might have been about to become another program.
        """
        if self.forked and self.journal is None:
            self.announce()

    def _settle_accounts(self) -> None:
        if not self.said_who and self.journal is None:
            return
        try:
            if self.said_who:
                self.settle(draw=not self._is_stuck())
        finally:
            self._end_accounts()

    def _end_accounts(self) -> None:
        if not self.said_who and self.journal is None:
            return
        with self.lock:
            last = [*self.desk.booted(), self.desk.end()]
            if self.journal is not None:
                self.journal.append(last)
                self.journal.close()

    def _say_farewell(self) -> None:
        if self.said_who and self.screen is not None and not self._is_stuck():
            self.screen.farewell(self._snapshot())

    def _is_stuck(self) -> bool:
        """Whether the terminal takes no more: the background thread still waits for it."""
        return self.thread is not None and self.thread.is_alive()


_FAULTS: Final = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS", "SIGABRT")
"""What a thread sends itself by what it does: a report of it, like faulthandler's, must come."""
_SENT: Final = signal.valid_signals() - {getattr(signal, name, 0) for name in _FAULTS}


@contextlib.contextmanager
def _deaf_to_signals() -> Iterator[None]:
    """Whoever is started in here takes no signal that the process gets: those are the project's.

    Not only may the project wait for one by itself. A child of Apache's ends inside its handler of
    the first SIGTERM, in which that thread takes no other; a second one follows at once, and if
    some thread takes it, the two end the process together, before Python's exit handlers have run.

    A new thread inherits what its starter blocks. Where threads are greenlets nobody stays deaf,
    for the one thread there is gets back what it had.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        # Inside: a handler of the project's may raise as soon as this has been done.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SENT)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _is_gone(thread: threading.Thread) -> bool:
    """Whether the kernel has removed an ended thread. Python warns by the kernel's count.

    Up to Python 3.12, `join` returns a moment earlier. A greenlet has no kernel thread of its own.
    """
    number = thread.native_id
    return number == threading.get_native_id() or not os.path.exists(f"/proc/self/task/{number}")


def _rung() -> threading.Lock:
    """A bell: to acquire it is to wait for the next `release`, as a semaphore but in C."""
    bell = threading.Lock()
    bell.acquire()
    return bell


def running() -> Live | None:
    """Return this process's tracer, or None where it is off."""
    return _running


def start(config: Config, stream: TextIO | None = None) -> Live:
    """Install the probes and begin to watch. A second start returns the tracer that runs.

    Raises NotSupported where this interpreter cannot be watched.
    """
    global _running
    if _running is None:
        why = interpreter.unsupported()
        if why is not None:
            raise interpreter.NotSupported(why[0])
        _running = Live(config, stream)
        _running.installation.install()
        _listen_for_forks()
        atexit.register(_running.close)
    return _running


@functools.cache
def _listen_for_forks() -> None:
    """Once per process: Python offers no way to take such a hook back."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


def _before_fork() -> None:
    if _running is not None:
        try:
            _running.before_fork()
        except Exception as fault:
            _running.recorder.fault("fork", fault)


def _after_fork() -> None:
    if _running is not None:
        # Who served the parent does not serve the child, as long as that has no request.
        _running.recorder.environ = {}
        _running.recorder.after_fork()


def stop(settle: bool = True) -> None:
    """Take the probes away, and forget; `settle` as in `Live.close`.

    For tests, for recordings that started it, and for those who switch it off by hand.
    """
    global _running
    live, _running = _running, None
    if live is not None:
        live.installation.uninstall()
        if live.recorder.boot is not None:
            live.recorder.boot.stop()
            boot.know(None)
        atexit.unregister(live.close)
        live.close(settle)
