"""Stopping a server: no process is left, however the server or its starter ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import fake_servers
from tests.support.waiting import PATIENCE, until
from tracer.servers import NoReply, Server, proc
from tracer.servers import program as process_module

ROOT = Path(__file__).resolve().parents[2]


def members_of(server: Server) -> list[proc.LivingProcess]:
    """Returns the server's processes."""
    members = proc.family(server.pid)
    assert members, "these tests need /proc"
    return members


def test_an_ordinary_server_ends_with_its_own_signal(serve_fake: Callable[..., Server]) -> None:
    """Its work directory is removed; the end of its log stays readable."""
    with serve_fake(fake_servers.recipe(fake_servers.ORDINARY)) as server:
        members = members_of(server)
        assert server.running
        assert server.orderly is None
        work = server.work
        assert work.is_dir()
    assert not server.running
    assert server.orderly
    assert not proc.alive(members)
    assert not work.exists()
    assert "serving on" in server.log()


def test_a_server_that_ignores_its_signal_is_killed_after_a_while(
    serve_fake: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`orderly` is False then."""
    monkeypatch.setattr(process_module, "STOP_TIMEOUT", 0.3)
    with serve_fake(fake_servers.recipe(fake_servers.IGNORES_SIGTERM)) as server:
        members = members_of(server)
    assert not proc.alive(members)
    assert server.orderly is False


def test_children_end_with_their_server_in_any_session(
    serve_fake: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One child is in the server's session, one in its own."""
    monkeypatch.setattr(process_module, "STOP_TIMEOUT", 0.3)
    with serve_fake(fake_servers.recipe(fake_servers.HAS_CHILDREN + "serve()")) as server:
        members = members_of(server)
        children = {int(pid) for pid in re.findall(r"child (\d+)", server.log())}
        assert children < {member.pid for member in members}
    assert len(members) == 3
    assert not proc.alive(members)


def test_children_of_a_dead_server_end_too(
    serve_fake: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are found by their session, though their parent is gone."""
    monkeypatch.setattr(process_module, "STOP_TIMEOUT", 0.3)
    source = fake_servers.HAS_CHILDREN.replace("(False, True)", "(False,)") + "serve()"
    with serve_fake(fake_servers.recipe(source)) as server:
        members = members_of(server)
        assert len(members) == 2
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: not server.running)
        with pytest.raises(NoReply, match=r"no answer to / .*it has ended"):
            server.get("/")
    assert not proc.alive(members)


FAMILY = (
    fake_servers.PRELUDE
    + """
main = os.getpid()
def report(*_):
    print("main signalled" if os.getpid() == main else "child signalled", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, report)
if os.fork():
    serve()
while True:
    time.sleep(1)
"""
)


@pytest.mark.parametrize(
    ("stop_target", "expected"),
    [("main", {"main"}), ("group", {"main", "child"}), ("leaves", {"child"})],
)
def test_the_stop_signal_reaches_its_target(
    serve_fake: Callable[..., Server],
    monkeypatch: pytest.MonkeyPatch,
    stop_target: str,
    expected: set[str],
) -> None:
    """The target is the main process, its process group, or the processes without a child."""
    original = process_module.wait_until

    def signalled() -> set[str]:
        return set(re.findall(r"(\w+) signalled", server.log()))

    def wait(done: Callable[[], bool], deadline: float) -> bool:
        """Waits for the expected processes, and half a second more for unexpected ones."""
        until(lambda: done() or signalled() >= expected)
        return original(done, time.monotonic() + 0.5)

    monkeypatch.setattr(process_module, "wait_until", wait)
    with serve_fake(fake_servers.recipe(FAMILY, stop_target=stop_target)) as server:
        members = members_of(server)
        assert len(members) == 2
    assert signalled() == expected
    until(lambda: not proc.alive(members))


def test_stopping_twice_does_no_harm(serve_fake: Callable[..., Server]) -> None:
    """It may be stopped inside the `with` block."""
    with serve_fake(fake_servers.recipe(fake_servers.ORDINARY)) as server:
        server.stop()
        assert not server.running
        server.stop()
    assert server.orderly


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_an_exception_inside_the_with_ends_the_server(
    serve_fake: Callable[..., Server], error: type[BaseException]
) -> None:
    """The exception propagates."""
    server = serve_fake(fake_servers.recipe(fake_servers.ORDINARY))
    members = members_of(server)
    with pytest.raises(error), server:
        raise error
    assert not proc.alive(members)
    assert server.orderly


def test_ctrl_c_while_it_is_being_stopped_kills_it_at_once(
    serve_fake: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user need not wait for the time-out."""

    def interrupted(done: Callable[[], bool], deadline: float) -> bool:
        monkeypatch.setattr(process_module, "wait_until", wait)
        raise KeyboardInterrupt

    wait = process_module.wait_until
    server = serve_fake(fake_servers.recipe(fake_servers.IGNORES_SIGTERM))
    members = members_of(server)
    monkeypatch.setattr(process_module, "wait_until", interrupted)
    with pytest.raises(KeyboardInterrupt):
        server.stop()
    assert not proc.alive(members)
    assert server.orderly is False


PROGRAM = """
import sys
from pathlib import Path
from tests.servers import fake_servers
from tracer.servers import serve
server = serve(
    fake_servers.recipe(fake_servers.{source}), project=Path(sys.argv[1]), settings="made.settings"
)
print(server.pid, flush=True)
{then}
"""


def program(tmp_path: Path, source: str, then: str) -> subprocess.Popen[str]:
    """Starts a program that starts a server and then runs the code `then`."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(source=source, then=then), tmp_path],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_program_that_does_not_stop_its_server_ends_it_at_its_exit(tmp_path: Path) -> None:
    """It uses no `with` block."""
    with program(tmp_path, "ORDINARY", "") as running:
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, err) == (0, "")
    assert not proc.family(int(out))


def test_a_forked_child_does_not_end_its_parents_server(tmp_path: Path) -> None:
    """It inherits the exit handler that ends the server."""
    then = (
        "import os\n"
        "child = os.fork()\n"
        "if child: os.waitpid(child, 0); assert server.get('/x').body == b'/x'; print('still')"
    )
    with program(tmp_path, "ORDINARY", then) as running:
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, err) == (0, "")
    assert out.endswith("still\n")


def test_ctrl_c_at_a_terminal_ends_program_and_server(tmp_path: Path) -> None:
    """The server is in its own session, so Ctrl-C reaches only the program, which stops it."""
    with program(tmp_path, "ORDINARY", "server.get('/')\nwith server: input()") as running:
        assert running.stdout is not None
        pid = int(running.stdout.readline())
        until(lambda: len(proc.family(pid)) == 1)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=PATIENCE)
    assert not proc.family(pid)
