"""Killed or ended in order, alone or beside others: what was written can be read."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.programs import CHANGES, HEAD, environment, program, settings_file, started
from tests.support.waiting import PATIENCE, until
from tracer.journal.locks import alive
from tracer.journal.reader import read

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

SERVING = """
handler = boot()
print("ready", flush=True)
while True:
    ask(handler, "/plain/", "/stream/")
"""


@pytest.fixture
def server(tmp_path: Path, journal: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that serves and serves."""
    changes = CHANGES.format(console=False, journal=str(journal))
    process = started(HEAD + SERVING, settings_file(tmp_path, changes), stdout=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_a_process_killed_in_the_middle_of_requests_leaves_a_readable_journal(
    server: subprocess.Popen[bytes], journal: Path
) -> None:
    """kill -9: everything written is there; the end is missing, and is known to be."""
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    until(lambda: any(path.stat().st_size > 50_000 for path in journal.glob("*.jsonl")))
    (file,) = journal.glob("*.jsonl")
    assert alive(file)
    os.kill(server.pid, signal.SIGKILL)
    server.wait(PATIENCE)
    assert alive(file) is False
    (story,) = read(journal).files
    process = story.load()
    numbers = [request.number for request in process.requests]
    assert len(numbers) > 5
    assert numbers == list(range(1, len(numbers) + 1))
    assert not process.ended
    assert {request.path for request in process.requests} == {"/plain/", "/stream/"}


PICTURES = ("What the first request", "Lifelines of process", "Ledger")
ORDERLY = """
handler = boot()
ask(handler, "/plain/", "/plain/")
print(os.getpid())
"""


def test_a_process_that_ends_in_order_says_so_and_draws_its_last_pictures_into_a_pipe(
    tmp_path: Path, journal: Path
) -> None:
    """Timelines first, then the three; no colour codes for a pipe."""
    done = program(tmp_path, ORDERLY, console=True)
    text = done.stdout.decode()
    assert text.count(" /plain/ ") >= 2
    places = [text.index(picture) for picture in PICTURES]
    assert places == sorted(places)
    assert "\x1b" not in text
    assert done.stderr == b""
    (story,) = read(journal).files
    assert story.load().ended


def test_a_process_that_ends_in_order_draws_in_colour_on_a_terminal(
    tmp_path: Path, journal: Path
) -> None:
    """A pseudo-terminal of 100 columns; nothing is wider."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    changes = CHANGES.format(console=True, journal=str(journal))
    process = started(
        HEAD + ORDERLY,
        settings_file(tmp_path, changes),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        extra={"TERM": "xterm-256color"},
    )
    os.close(terminal)
    try:
        text = _read_all(controller).decode()
        assert process.wait(PATIENCE) == 0, text
    finally:
        process.kill()
        process.wait()
        os.close(controller)
    assert "\x1b[" in text
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    for picture in PICTURES:
        assert picture in plain
    lines = plain.replace("\r\n", "\n").split("\n")
    assert 90 < max(map(len, lines)) <= 100
    (story,) = read(journal).files
    assert story.load().ended


def _read_all(descriptor: int) -> bytes:
    """Everything until the other end is closed."""
    found = b""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not select.select([descriptor], [], [], 1)[0]:
            continue
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # Linux says so when nobody holds the terminal any more
            return found
        if not data:
            return found
        found += data
    raise AssertionError("the terminal was never closed")


def test_under_cgi_standard_output_is_the_response_and_nothing_else(
    tmp_path: Path, journal: Path
) -> None:
    """The pictures go to standard error, which the web server logs."""
    source = """
from wsgiref.handlers import CGIHandler
CGIHandler().run(boot())
"""
    asked = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/plain/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    done = program(tmp_path, source, console=True, **asked)
    off = program(tmp_path, source, console=True, TRACER_ENABLED="0", **asked)
    assert done.stdout == off.stdout
    assert done.stdout.startswith(b"Status: 200 OK\r\n")
    assert done.stdout.endswith(b"A short text.")
    text = done.stderr.decode()
    assert " /plain/ " in text
    assert "CGI" in text
    for picture in PICTURES:
        assert picture in text
    assert off.stderr == b""
    (story,) = read(journal).files
    assert story.outline.about.server == "CGI"


TOGETHER = """
from tracer import runtime
handler = boot()
def work():
    for turn in range(40):
        ask(handler, "/plain/", "/stream/")
        runtime.running().handle_recorded()
reap(in_child(work), in_child(work))
"""
HEADLINE = re.compile(r" GET +/(plain|stream)/ .*process (\d+)")
BEGINNINGS = (
    " GET ",
    " #",
    " Process ",
    " What the first request",
    " Lifelines of",
    " Ledger",
    "…",
)
ONCE = ("request_started", "SecurityMiddleware", "response.close", "request_finished", "born")
"""What stands at the beginning of one line, and no more, of every timeline."""


@pytest.mark.parametrize("target", ["pipe", "file"])
def test_workers_that_share_an_output_do_not_mix_within_a_block(
    tmp_path: Path, journal: Path, target: str
) -> None:
    """Each block is one write: from its headline to the empty line it is one process's alone."""
    changes = CHANGES.format(console=True, journal=str(journal))
    settings = settings_file(tmp_path, changes)
    output = tmp_path / "output"
    with output.open("ab") as file:
        process = started(
            HEAD + TOGETHER,
            settings,
            stdout=subprocess.PIPE if target == "pipe" else file,
            stderr=subprocess.PIPE,
        )
        try:
            out, err = process.communicate(timeout=2 * PATIENCE)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0, err.decode()
    text = (out if target == "pipe" else output.read_bytes()).decode()
    blocks = [block.splitlines() for block in text.rstrip("\n").split("\n\n")]
    assert not [lines[0] for lines in blocks if not lines[0].startswith(BEGINNINGS)]
    pids, turns = set(), 0
    for lines in blocks:
        found = HEADLINE.match(lines[0])
        if found is None:
            continue
        page, pid = found.groups()
        turns += 1
        pids.add(pid)
        assert lines[1].startswith(" stage "), lines
        words = [line.split()[0] for line in lines if line.strip()]
        assert [words.count(word) for word in ONCE] == [1] * len(ONCE), lines
        assert words.count("body") == (page == "stream"), lines
    assert len(pids) == 2
    assert turns > 20
    drawn = {word: text.count(word) for word in (" Lifelines of process", " Ledger")}
    assert drawn == {" Lifelines of process": 2, " Ledger": 2}, drawn


def test_a_program_has_no_settings_of_the_test_runs_own() -> None:
    """Whoever runs the tests may well have the tracer's variables set."""
    assert not [name for name in environment() if name.startswith("TRACER")]
