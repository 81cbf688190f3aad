"""The worker thread: handles what was recorded, off the requests' threads."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from contextvars import Context

from tracer.recorder import server_info
from tracer.recorder.recorder import Recorder
from tracer.runtime.kernel_thread import is_gone, without_signals

POLL_INTERVAL = 0.05
"""Seconds between two polls, while requests come and are drawn or written."""
IDLE_POLLS = 40
"""Polls without a find after which the thread sleeps until a finished request wakes it."""
BATCH_SIZE = 64
"""Requests that a process without console and journal collects before its thread handles them.
Hundreds of waiting traces would be promoted to the garbage collector's oldest generation."""
MOST_FINISHED = 2000
"""When more finished requests wait, the next one to finish handles them in its own thread."""
FORK_PATIENCE = 0.5
"""Seconds that a fork waits at most for the thread to end."""
SHUTDOWN_PATIENCE = 2.0
"""Seconds that the thread has at the end to finish what it is doing."""


class WorkerThread:
    """Owns one process's worker thread, and starts it when there is something to do.

    It ends before a fork, and starts again in parent and child when there is something to do there.
    Where a process is better off without a thread (`server_info.needs_single_thread`), each
    request's thread does the work once the response is closed.
    """

    def __init__(self, recorder: Recorder, work: Callable[..., int], has_readers: bool) -> None:
        """`work` handles what was recorded, and returns how many requests there were.

        `has_readers`: a console or a journal waits for each request.
        """
        self.recorder = recorder
        self.work = work
        self.batch_size, self.idle_polls, self.poll_interval = (
            (1, IDLE_POLLS, POLL_INTERVAL) if has_readers else (BATCH_SIZE, 0, 0.0)
        )
        self.pid = os.getpid()
        self.thread: threading.Thread | None = None
        self.wakeup = _wakeup()
        self.ending = threading.Event()
        """The process ends."""
        self.forking = False
        """The process is about to fork, and the thread has to end."""
        self.polling: bool
        """Whether the thread looks by itself; else a finished request wakes it."""
        self._stop_polling()

    def request_finished(self) -> None:
        """Sees to it that finished requests are handled. Called on a request's thread."""
        if not self.polling:
            self._wake()
        if len(self.recorder.finished) > MOST_FINISHED:
            self.work(draw=False)

    def _wake(self) -> None:
        if server_info.needs_single_thread(sys.modules):
            self.work()
            return
        self._start_polling()
        if self.thread is None or not self.thread.is_alive():
            thread = threading.Thread(target=self._run, name="tracer", daemon=True)
            try:
                # In a context of its own, or it would belong to the request that started it.
                with without_signals():
                    Context().run(thread.start)
            except Exception:
                # The system refused a new thread. The next request tries again.
                self._stop_polling()
                raise
            self.thread = thread
        self._ring()

    def _start_polling(self) -> None:
        """Begins to poll; from now on a finished request need not wake the thread."""
        self.polling, self.recorder.enough = True, MOST_FINISHED + 1

    def _stop_polling(self) -> None:
        """Stops polling; from now on a finished request wakes the thread."""
        self.polling, self.recorder.enough = False, self.batch_size

    def _ring(self) -> None:
        """Ends the thread's waiting; twice before it has looked counts as once."""
        with contextlib.suppress(RuntimeError):
            self.wakeup.release()

    def _run(self) -> None:
        idle, pid, found = 0, self.pid, 1
        while not self.ending.is_set() and not self.forking and self.pid == pid:
            if idle >= self.idle_polls:
                self._stop_polling()
                if len(self.recorder.finished) < self.batch_size:
                    self.wakeup.acquire()
                self._start_polling()
                idle = 0
            # Where polls find nothing, the loop must not spin.
            interval = self.poll_interval if found else POLL_INTERVAL
            self.wakeup.acquire(timeout=0 if self.forking else interval)
            found = self.work() if self.recorder.has_unprocessed() else 0
            idle = 0 if found else idle + 1

    def before_fork(self) -> None:
        """Ends the thread: Python 3.12 and newer warn of a fork where there is more than one.

        Where it is busy for too long it stays, and Python warns. After the fork the next request
        starts it again. It cannot start at once: some versions of Python count threads only
        after the fork.
        """
        thread = self.thread
        if thread is None or thread is threading.current_thread():
            return
        self.forking = True
        self._ring()
        thread.join(FORK_PATIENCE)
        deadline = time.monotonic() + FORK_PATIENCE
        while not thread.is_alive() and not is_gone(thread) and time.monotonic() < deadline:
            time.sleep(0.0001)
        self.forking = False
        if not thread.is_alive():
            self._stop_polling()
            if len(self.recorder.finished) >= self.batch_size:
                # Other threads have finished requests meanwhile, so Python warns in any case.
                self.request_finished()

    def forked(self) -> None:
        """Begins anew in a forked child: the thread and its locks are the parent's."""
        self.pid = os.getpid()
        self.wakeup, self.ending = _wakeup(), threading.Event()
        self.thread = None
        self._stop_polling()

    def end(self) -> None:
        """Ends the thread for good, and waits a while for what it is doing."""
        self.ending.set()
        self._ring()
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join(timeout=SHUTDOWN_PATIENCE)

    @property
    def is_stuck(self) -> bool:
        """Whether the thread has not ended: it still waits for a terminal that takes no more."""
        return self.thread is not None and self.thread.is_alive()


def _wakeup() -> threading.Lock:
    """Returns a lock of which `acquire` waits for the next `release`: a semaphore, but in C."""
    lock = threading.Lock()
    lock.acquire()
    return lock
