"""However a server ends, and however the one that started it does, no process is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.servers import makeshift
from tests.support.waiting import PATIENCE, until
from tracer.servers import NoReply, Server, proc, serve
from tracer.servers import program as process_module

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Server]:
    """`serve` for makeshift servers."""
    return partial(serve, project=makeshift.project(tmp_path), settings="made.settings")


def everyone(server: Server) -> list[proc.LivingProcess]:
    """The server's processes."""
    members = proc.family(server.pid)
    assert members, "these tests need /proc"
    return members


def test_an_ordinary_server_ends_with_its_own_signal(start: Callable[..., Server]) -> None:
    """And its work directory goes with it; its last words stay."""
    with start(makeshift.recipe(makeshift.ORDINARY)) as server:
        members = everyone(server)
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
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told that this was not orderly."""
    monkeypatch.setattr(process_module, "STOP_TIMEOUT", 0.3)
    with start(makeshift.recipe(makeshift.DEAF)) as server:
        members = everyone(server)
    assert not proc.alive(members)
    assert server.orderly is False


def test_children_end_with_their_server_wherever_they_went(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its session or in one of their own."""
    monkeypatch.setattr(process_module, "STOP_TIMEOUT", 0.3)
    with start(makeshift.recipe(makeshift.PARENT + "serve()")) as server:
        members = everyone(server)
        children = {int(pid) for pid in re.findall(r"child (\d+)", server.log())}
        assert children < {member.pid for member in members}
    assert len(members) == 3
    assert not proc.alive(members)


def test_what_a_server_that_died_has_left_behind_ends_too(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its children in its session are found although their parent is gone."""
    monkeypatch.setattr(process_module, "STOP_TIMEOUT", 0.3)
    source = makeshift.PARENT.replace("(False, True)", "(False,)") + "serve()"
    with start(makeshift.recipe(source)) as server:
        members = everyone(server)
        assert len(members) == 2
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: not server.running)
        with pytest.raises(NoReply, match=r"no answer to / .*it has ended"):
            server.get("/")
    assert not proc.alive(members)


FAMILY = (
    makeshift.SERVING
    + """
main = os.getpid()
def told(*_):
    print("main told" if os.getpid() == main else "child told", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, told)
if os.fork():
    serve()
while True:
    time.sleep(1)
"""
)


@pytest.mark.parametrize(
    ("stop_target", "told"),
    [("main", {"main"}), ("group", {"main", "child"}), ("leaves", {"child"})],
)
def test_the_signal_reaches_those_that_it_is_meant_for(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, stop_target: str, told: set[str]
) -> None:
    """The main process, its group as with Ctrl-C, or the processes without a child."""
    really = process_module.wait_until

    def heard() -> set[str]:
        return set(re.findall(r"(\w+) told", server.log()))

    def wait(done: Callable[[], bool], deadline: float) -> bool:
        """However long they take to hear of it; half a second more for those who should not."""
        until(lambda: done() or heard() >= told)
        return really(done, time.monotonic() + 0.5)

    monkeypatch.setattr(process_module, "wait_until", wait)
    with start(makeshift.recipe(FAMILY, stop_target=stop_target)) as server:
        members = everyone(server)
        assert len(members) == 2
    assert heard() == told
    until(lambda: not proc.alive(members))


def test_stopping_twice_does_no_harm(start: Callable[..., Server]) -> None:
    """Nor does stopping inside the with."""
    with start(makeshift.recipe(makeshift.ORDINARY)) as server:
        server.stop()
        assert not server.running
        server.stop()
    assert server.orderly


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_an_exception_inside_the_with_ends_the_server(
    start: Callable[..., Server], error: type[BaseException]
) -> None:
    """And goes on its way."""
    server = start(makeshift.recipe(makeshift.ORDINARY))
    members = everyone(server)
    with pytest.raises(error), server:
        raise error
    assert not proc.alive(members)
    assert server.orderly


def test_ctrl_c_while_it_is_being_stopped_kills_it_at_once(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is impatient need not wait for it."""

    def interrupted(done: Callable[[], bool], deadline: float) -> bool:
        monkeypatch.setattr(process_module, "wait_until", wait)
        raise KeyboardInterrupt

    wait = process_module.wait_until
    server = start(makeshift.recipe(makeshift.DEAF))
    members = everyone(server)
    monkeypatch.setattr(process_module, "wait_until", interrupted)
    with pytest.raises(KeyboardInterrupt):
        server.stop()
    assert not proc.alive(members)
    assert server.orderly is False


PROGRAM = """
import sys
from pathlib import Path
from tests.servers import makeshift
from tracer.servers import serve
server = serve(
    makeshift.recipe(makeshift.{source}), project=Path(sys.argv[1]), settings="made.settings"
)
print(server.pid, flush=True)
{then}
"""


def program(tmp_path: Path, source: str, then: str) -> subprocess.Popen[str]:
    """A program that starts a server and then does something else."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(source=source, then=then), tmp_path],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_program_that_forgets_its_server_ends_it_all_the_same(tmp_path: Path) -> None:
    """Without a with, at the program's own end."""
    with program(tmp_path, "ORDINARY", "") as running:
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, err) == (0, "")
    assert not proc.family(int(out))


def test_a_forked_child_leaves_its_parents_server_alone(tmp_path: Path) -> None:
    """Though it inherits the exit handler that would end it."""
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
    """The server is in a session of its own, so that the program stops it in its own order."""
    with program(tmp_path, "ORDINARY", "server.get('/')\nwith server: input()") as running:
        assert running.stdout is not None
        pid = int(running.stdout.readline())
        until(lambda: len(proc.family(pid)) == 1)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=PATIENCE)
    assert not proc.family(pid)
