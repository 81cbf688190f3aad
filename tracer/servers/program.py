"""One program of a server: started in a session of its own, and ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tracer.servers import proc
from tracer.servers.recipe import Program

ORDERLY: Final = 10.0
"""Seconds that a program has to end by itself, once it was asked to."""
FORCED: Final = 5.0
"""Seconds within which what was killed must be gone."""
PAUSE: Final = 0.01
"""Seconds between two looks."""

_UNDEAF: Final = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


class Child:
    """A program that runs. Nobody else may reap it."""

    def __init__(
        self,
        program: Program,
        environment: Mapping[str, str],
        directory: Path,
        log: Path,
        python: str,
    ) -> None:
        """Start it in `directory`; its output goes to `log`. Raises OSError if it cannot be."""
        self.program = program
        self.logs = (log, *program.logs)
        command = program.command
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # A script's background jobs ignore Ctrl-C, and would hand that down.
            command = (python, "-c", _UNDEAF, *command)
        with open(log, "ab") as output:
            self.popen = subprocess.Popen(
                command,
                cwd=directory,
                env={**environment, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self.popen.pid
        self.orderly: bool | None = None
        """Whether it ended when it was asked to; None while it runs."""

    @property
    def running(self) -> bool:
        """Whether the process that was started is still there."""
        return self.popen.poll() is None

    def stop(self) -> None:
        """Ask it to end, wait `ORDERLY` seconds, then kill it; all its processes likewise.

        An exception, such as Ctrl-C while waiting, kills at once and goes on. Returns at once if
        everything is gone already.
        """
        members = proc.family(self.pid)
        try:
            deadline = time.monotonic() + ORDERLY
            self._ask(members)
            ended = wait(lambda: not self.running, deadline)
            # What it leaves behind may still be on its way out.
            members = _joined(members, proc.family(self.pid))
            ended = wait(lambda: not proc.alive(members), deadline) and ended
            if self.orderly is None:
                self.orderly = ended
        finally:
            self.kill(members)

    def _ask(self, members: list[proc.Member]) -> None:
        program = self.program
        if not self.running:
            return
        if program.whom == "group":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, program.stop)
        elif program.whom == "leaves" and members:
            _send(proc.leaves(members), program.stop)
        else:
            self.popen.send_signal(program.stop)

    def kill(self, members: list[proc.Member] | None = None) -> None:
        """End everything by force: the program, its group, and `members` wherever they are."""
        if self.orderly is None:
            self.orderly = False
        members = _joined(members or [], proc.family(self.pid))
        if self.running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        _send(members, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(FORCED)
        wait(lambda: not proc.alive(members), time.monotonic() + FORCED)


def _send(members: list[proc.Member], number: signal.Signals) -> None:
    """Send a signal to those of them that live."""
    for member in proc.alive(members):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(member.pid, number)


def _joined(some: list[proc.Member], others: list[proc.Member]) -> list[proc.Member]:
    known = {(each.pid, each.started) for each in some}
    return [*some, *(each for each in others if (each.pid, each.started) not in known)]


def wait(done: Callable[[], bool], deadline: float) -> bool:
    """Return True as soon as `done()` is, or False at `deadline` on the monotonic clock."""
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(PAUSE)
    return True
