"""One running program of a server: started in its own session, ended with all its children."""

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

STOP_TIMEOUT: Final = 10.0
"""Seconds that a program has to end after its stop signal."""
KILL_TIMEOUT: Final = 5.0
"""Seconds to wait for killed processes to disappear."""
POLL_INTERVAL: Final = 0.01
"""Seconds between two checks of a condition."""

_RESTORE_SIGINT: Final = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


class Child:
    """A running program. Nothing else may reap its process."""

    def __init__(
        self,
        program: Program,
        environment: Mapping[str, str],
        directory: Path,
        log: Path,
        python: str,
    ) -> None:
        """Starts it in `directory`, with its output in `log`. Raises OSError if that fails."""
        self.program = program
        self.logs = (log, *program.logs)
        command = program.command
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # A shell script's background jobs ignore Ctrl-C, and their children inherit that.
            command = (python, "-c", _RESTORE_SIGINT, *command)
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
        """Whether it ended on its stop signal; None while it runs."""

    @property
    def running(self) -> bool:
        """Whether the started process still lives."""
        return self.popen.poll() is None

    def stop(self) -> None:
        """Sends the stop signal, waits `STOP_TIMEOUT` seconds, then kills it and all its processes.

        An exception while it waits, such as KeyboardInterrupt, kills at once and propagates.
        """
        members = proc.family(self.pid)
        try:
            deadline = time.monotonic() + STOP_TIMEOUT
            self._send_stop_signal(members)
            ended = wait_until(lambda: not self.running, deadline)
            # Its children may take a moment longer.
            members = _union(members, proc.family(self.pid))
            ended = wait_until(lambda: not proc.alive(members), deadline) and ended
            if self.orderly is None:
                self.orderly = ended
        finally:
            self.kill(members)

    def _send_stop_signal(self, members: list[proc.LivingProcess]) -> None:
        program = self.program
        if not self.running:
            return
        if program.stop_target == "group":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, program.stop)
        elif program.stop_target == "leaves" and members:
            _send(proc.leaves(members), program.stop)
        else:
            self.popen.send_signal(program.stop)

    def kill(self, members: list[proc.LivingProcess] | None = None) -> None:
        """Kills the program, its process group, and `members` in whatever session they are."""
        if self.orderly is None:
            self.orderly = False
        members = _union(members or [], proc.family(self.pid))
        if self.running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        _send(members, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(KILL_TIMEOUT)
        wait_until(lambda: not proc.alive(members), time.monotonic() + KILL_TIMEOUT)


def _send(members: list[proc.LivingProcess], number: signal.Signals) -> None:
    """Sends a signal to those of the processes that live."""
    for member in proc.alive(members):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(member.pid, number)


def _union(
    some: list[proc.LivingProcess], others: list[proc.LivingProcess]
) -> list[proc.LivingProcess]:
    known = {(each.pid, each.started) for each in some}
    return [*some, *(each for each in others if (each.pid, each.started) not in known)]


def wait_until(done: Callable[[], bool], deadline: float) -> bool:
    """Returns True as soon as `done()` is true, or False at `deadline` on the monotonic clock."""
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_INTERVAL)
    return True
