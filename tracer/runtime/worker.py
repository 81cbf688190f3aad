"""The worker thread: handles what was recorded, off the requests' threads."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from contextvars import Context

from tracer.recorder import server_info
from tracer.recorder.recorder import Recorder
from tracer.runtime.kernel_thread import join, without_signals
from tracer.runtime.walk_schedule import WalkSchedule

POLL_INTERVAL = 0.2
"""Seconds between two polls, while requests come and are drawn or written."""
IDLE_POLLS = 10
"""Polls without a find after which the thread sleeps until a finished request wakes it."""
BATCH_SIZE = 128
"""Requests that a process without console and journal collects before its thread handles them.
Hundreds of waiting traces would be promoted to the garbage collector's oldest generation."""
MOST_FINISHED = 2000
"""When more finished requests wait, the next one to finish handles them in its own thread."""
ANSWER_INTERVAL = 0.5
"""Seconds between two looks whether somebody outside asks for anything, while the thread sleeps."""
FORK_PATIENCE = 0.5
"""Seconds that a fork waits at most for the thread to end."""
SHUTDOWN_PATIENCE = 2.0
"""Seconds that the thread has at the end to finish what it is doing."""


class WorkerThread:
    """Owns one process's worker thread, and starts it when there is something to do.

    It ends before a fork, and starts again in parent and child as needed. Where a process is better
    off without (`server_info.needs_single_thread`), each request's thread does the work once the
    response is closed.
    """

    def __init__(
        self,
        recorder: Recorder,
        work: Callable[..., int],
        has_readers: bool,
        walks: WalkSchedule | None = None,
        answer: Callable[[], object] | None = None,
    ) -> None:
        """`work` handles what was recorded, and returns how many requests there were.

        `has_readers`: a console or a journal waits for each request. `walks` looks for what holds
        objects. `answer` does what somebody outside asks for, and never raises.
        """
        self.recorder = recorder
        self.work = work
        self.walks = walks
        self.answer = answer or _nothing
        self.answer_interval = ANSWER_INTERVAL if answer is not None else -1
        self.batch_size, self.idle_polls, self.poll_interval = (
            (1, IDLE_POLLS, POLL_INTERVAL) if has_readers else (BATCH_SIZE, 0, 0.0)
        )
        # No console or journal waits for a request: the newest may stay in the queue for a while.
        self.is_patient = not has_readers
        self.pid = os.getpid()
        self.thread: threading.Thread | None = None
        self.wakeup = _wakeup()
        self.ending = threading.Event()  # the process ends
        self.forking = False  # the process is about to fork, and the thread has to end
        self.polling: bool  # whether the thread looks by itself; else a finished request wakes it
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
        self.polling = False
        left = len(self.recorder.finished) if self.is_patient else 0
        self.recorder.enough = left + self.batch_size

    def _ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # twice before it has looked counts as once
            self.wakeup.release()

    def _run(self) -> None:
        idle, pid, found = 0, self.pid, 1
        if self.walks is not None:
            self.walks.begin()
        while not self._is_to_end(pid):
            if self.walks is not None:
                # Before the thread sleeps, it has been idle for long enough in any case.
                seconds = (idle if idle < self.idle_polls else sys.maxsize) * POLL_INTERVAL
                self.walks.walk_in_time(seconds, self._wait, pid, self._is_to_end)
                if self._is_to_end(pid):
                    # A pause of the walk took what was to wake the thread.
                    break
            if idle >= self.idle_polls:
                self._sleep()
                idle = 0
            # Where polls find nothing, the loop must not spin.
            found = self._wait(self.poll_interval if found else POLL_INTERVAL)
            self.answer()
            idle = 0 if found else idle + 1

    def _wait(self, seconds: float) -> int:
        """Waits, and handles what was recorded; returns how many requests there were."""
        self.wakeup.acquire(timeout=0 if self.forking else seconds)
        if not self.recorder.has_unprocessed():
            return 0
        return self.work(patient=self.is_patient)

    def _sleep(self) -> None:
        self._stop_polling()
        if len(self.recorder.finished) < self.recorder.enough:
            while not self.wakeup.acquire(timeout=self.answer_interval):
                self.answer()
        self._start_polling()

    def _is_to_end(self, pid: int) -> bool:
        return self.ending.is_set() or self.forking or self.pid != pid

    def before_fork(self) -> None:
        """Ends the thread: Python 3.12 and newer warn of a fork where there is more than one.

        Where it is busy for too long it stays, and Python warns. The next request starts it again:
        some versions of Python count threads only after the fork.
        """
        if (thread := self.thread) is None or thread is threading.current_thread():
            return
        self.forking = True
        self._ring()
        join(thread, FORK_PATIENCE)
        self.forking = False
        if not thread.is_alive():
            self._stop_polling()
            if len(self.recorder.finished) >= self.recorder.enough:
                self.request_finished()  # of other threads, so Python warns in any case

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


def _nothing() -> None:
    """Stands in for an answer where nobody can ask."""
