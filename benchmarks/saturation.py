"""Measures requests per second through a saturated gunicorn.

One worker process serves several connections at once; standard output is a pseudo-terminal that a
thread reads. The modes are: nothing, recording, with a journal, with the console.
"""

from __future__ import annotations

import contextlib
import os
import pty
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.child import ROOT, CannotMeasure

MODES = ("nothing", "recording", "with journal", "with console")
CLIENTS = 4
SECONDS = 2.0
ROUNDS = 25


def measure(rounds: int = ROUNDS, seconds: float = SECONDS) -> dict[str, tuple[float, float]]:
    """Returns requests per second of each mode, and their ratio to those of "nothing".

    Both are medians over rounds in which the modes take turns. The ratio is computed within each
    round, because other load on the machine slows a whole round alike.
    """
    with contextlib.ExitStack() as stack:
        ports = {mode: stack.enter_context(_serving(mode)) for mode in MODES}
        for port in ports.values():
            _saturate(port, 1.0)
        found: dict[str, list[float]] = {mode: [] for mode in MODES}
        for _ in range(rounds):
            for mode, port in ports.items():
                found[mode].append(_saturate(port, seconds))
    bare = found["nothing"]
    return {
        mode: (
            statistics.median(rates),
            statistics.median(rate / own for rate, own in zip(rates, bare, strict=True)),
        )
        for mode, rates in found.items()
    }


@contextlib.contextmanager
def _serving(mode: str) -> Iterator[int]:
    """Runs a gunicorn with one worker; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    master, slave = pty.openpty()
    reader = threading.Thread(target=_read, args=(master,), daemon=True)
    reader.start()
    with tempfile.TemporaryDirectory() as directory:
        errors = Path(directory) / "errors"
        with errors.open("w") as file:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "--workers", "1", "--worker-class"),
                    *("gthread", "--threads", "2", "--keep-alive", "60"),
                    *("--bind", f"127.0.0.1:{port}", "benchmarks.served:application"),
                ],
                cwd=ROOT,
                stdout=slave,
                stderr=file,
                env=os.environ
                | {"BENCH_MODE": mode, "BENCH_DIRECTORY": directory, "PYTHONPATH": str(ROOT)},
            )
        try:
            _wait_until_listening(port, process, errors)
            yield port
        finally:
            process.kill() if mode == "nothing" else process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(slave)
            reader.join(5)
            os.close(master)


def _read(master: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(master, 65536):
            pass


def _wait_until_listening(port: int, process: subprocess.Popen[bytes], errors: Path) -> None:
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    lines = errors.read_text(encoding="utf-8", errors="replace").splitlines()
    raise CannotMeasure(f"gunicorn did not start: {lines[-1] if lines else 'it said nothing'}")


def _saturate(port: int, seconds: float) -> float:
    """Sends requests as fast as gunicorn answers; returns requests per second."""
    end = time.monotonic() + seconds
    counts = [0] * CLIENTS
    unexpected: list[str] = []

    def client(index: int) -> None:
        # Not `http.client`: it would take as much processor time as the server does.
        with socket.create_connection(("127.0.0.1", port), 30) as connection:
            while time.monotonic() < end and not unexpected:
                connection.sendall(b"GET /short/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = b""
                while not answer.endswith(b"\r\n\r\nhello"):
                    more = connection.recv(65536)
                    answer += more
                    if not more:
                        unexpected.append(answer[:80].decode(errors="replace"))
                        return
                counts[index] += 1

    threads = [threading.Thread(target=client, args=(index,)) for index in range(CLIENTS)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if unexpected:
        raise CannotMeasure(f"gunicorn gave an unexpected answer: {unexpected[0]!r}")
    return sum(counts) / (time.monotonic() - begun)
