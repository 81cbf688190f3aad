"""Starting a server: on a free port, or with one sentence and the end of its log."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import fake_servers
from tests.support.waiting import PATIENCE
from tracer.servers import (
    Availability,
    NoReply,
    Server,
    ServerFailed,
    proc,
    serve,
    start,
)
from tracer.servers.recipe import Launch, Plan, Program, Recipe
from tracer.servers.server import ProgramGroup


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def offer_ports(monkeypatch: pytest.MonkeyPatch, *first: int) -> list[int]:
    """Makes `free_port` return these ports first; returns a list of all that it has returned."""
    found: list[int] = []
    coming = list(first)
    really = start.free_port

    def free_port() -> int:
        found.append(coming.pop(0) if coming else really())
        return found[-1]

    monkeypatch.setattr(start, "free_port", free_port)
    return found


def test_a_reply_has_status_headers_body_and_time(serve_fake: Callable[..., Server]) -> None:
    """Each request has its own connection; keywords become headers."""
    with serve_fake(fake_servers.recipe(fake_servers.ORDINARY)) as server:
        reply = server.get("/menu/", accept_language="de")
        assert (reply.status, reply.body, reply.path) == (200, b"/menu/", "/menu/")
        assert reply.headers["Seen-Accept-Language"] == "de"
        assert reply.headers["Seen-Connection"] == "close"
        assert 0 < reply.seconds < PATIENCE
        assert server.address == f"http://127.0.0.1:{server.port}"
        assert 0 < server.boot_seconds < PATIENCE
        assert repr(server) == f"<Server fake 1 at {server.address}>"


def test_a_path_in_any_language_is_sent_as_browsers_send_it(
    serve_fake: Callable[..., Server],
) -> None:
    """Characters that are encoded already are not encoded twice."""
    with serve_fake(fake_servers.recipe(fake_servers.ORDINARY)) as server:
        reply = server.get("/menü/?q=%C3%BC&n=1")
    assert reply.path == "/menü/?q=%C3%BC&n=1"
    assert reply.body == b"/men%C3%BC/?q=%C3%BC&n=1"


def test_replies_come_in_the_order_of_the_paths(serve_fake: Callable[..., Server]) -> None:
    """Several requests are under way at a time."""
    paths = [f"/{number}" for number in range(12)]
    with serve_fake(fake_servers.recipe(fake_servers.ORDINARY)) as server:
        assert [reply.body.decode() for reply in server.load(paths, 4)] == paths
        assert server.load([]) == []


def test_a_server_that_dies_at_its_start_is_reported_at_once(
    serve_fake: Callable[..., Server],
) -> None:
    """The error has its exit status and the end of its log."""
    begun = time.monotonic()
    with pytest.raises(ServerFailed) as failed:
        serve_fake(fake_servers.recipe(fake_servers.DIES_AT_START))
    assert time.monotonic() - begun < PATIENCE / 2
    assert str(failed.value) == (
        "fake ended at its start, with status 3.\nIts log says:\nno paper in the printer"
    )
    assert failed.value.directory is None


def test_a_server_that_opens_no_port_is_given_up(
    serve_fake: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error comes after the time-out, with the log."""
    fake_servers.time_out_after(monkeypatch, "opened no port", said="thinking")
    with pytest.raises(ServerFailed, match=r"opened no port in time.\nIts log says:\nthinking"):
        serve_fake(fake_servers.recipe(fake_servers.NEVER_LISTENS))


def test_a_server_that_loads_no_application_is_given_up(
    serve_fake: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open port is not enough if processes should load the application before they serve."""
    fake_servers.time_out_after(monkeypatch, "did not load the application")
    with pytest.raises(ServerFailed, match="did not load the application in time"):
        serve_fake(fake_servers.recipe(fake_servers.ORDINARY, loads=1))


def test_the_time_out_is_in_seconds_from_the_start(serve_fake: Callable[..., Server]) -> None:
    """Of the real clock; whatever the server has said by then."""
    begun = time.monotonic()
    with pytest.raises(ServerFailed, match="opened no port in time"):
        serve_fake(fake_servers.recipe(fake_servers.NEVER_LISTENS), timeout=0.5)
    assert time.monotonic() - begun >= 0.5


def test_it_waits_until_every_worker_has_loaded_the_application(
    serve_fake: Callable[..., Server],
) -> None:
    """Each says so in a directory that its environment names."""
    source = fake_servers.PRELUDE + (
        "def load():\n"
        "    while not os.path.exists(os.environ['TRACER_READY'] + '/2'):\n"
        "        open(os.environ['TRACER_READY'] + '/1', 'w').close()\n"
        "        time.sleep(0.2)\n"
        "        open(os.environ['TRACER_READY'] + '/2', 'w').close()\n"
        "import threading\n"
        "threading.Thread(target=load).start()\n"
        "serve()"
    )
    with serve_fake(fake_servers.recipe(source, loads=2)) as server:
        assert server.boot_seconds >= 0.2


def test_ctrl_c_while_it_starts_leaves_no_process_behind(
    serve_fake: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work directory goes too."""
    there: list[proc.LivingProcess] = []

    def interrupted(name: str, programs: ProgramGroup, *_: object) -> None:
        there.extend(proc.family(programs.children[0].pid))
        raise KeyboardInterrupt

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(start, "_check_start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        serve_fake(fake_servers.recipe(fake_servers.NEVER_LISTENS))
    assert there
    assert not proc.alive(there)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_the_work_directory_of_a_failed_start_can_be_kept(
    serve_fake: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it is removed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ServerFailed) as failed:
        serve_fake(fake_servers.recipe(fake_servers.DIES_AT_START), keep_failed=True)
    kept = failed.value.directory
    assert kept is not None
    assert (kept / "fake-1.log").read_text() == "no paper in the printer\n"
    with pytest.raises(ServerFailed):
        serve_fake(fake_servers.recipe(fake_servers.DIES_AT_START))
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [kept]


def test_a_command_that_does_not_exist_is_named(serve_fake: Callable[..., Server]) -> None:
    """The error gives the system's reason."""

    def plan(launch: Launch) -> Plan:
        return Plan((Program(("/no/such/server",), launch.port),))

    missing = Recipe("odd", "", "", lambda: Availability(True), plan)
    with pytest.raises(ServerFailed, match=r"odd: /no/such/server cannot be run \(No such file"):
        serve_fake(missing)


def test_a_port_that_another_program_took_is_replaced(
    serve_fake: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    """The server's log says that the address is in use, and it is started with another port."""
    found = offer_ports(monkeypatch, taken)
    with serve_fake(fake_servers.recipe(fake_servers.ORDINARY)) as server:
        assert server.get("/here").body == b"/here"
    assert found == [taken, server.port]


def test_gunicorn_gets_another_port_too(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    """By itself gunicorn would retry the same port for five seconds."""
    found = offer_ports(monkeypatch, taken)
    with serve("gunicorn", workers=1) as server:
        assert server.get("/hello/").status == 200
    assert found == [taken, server.port]


def test_another_program_on_the_port_does_not_count_as_the_server(
    serve_fake: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    """A port that answers is not enough: one of the server's processes must listen on it."""
    offer_ports(monkeypatch, taken)
    with pytest.raises(ServerFailed, match="opened no port"):
        serve_fake(fake_servers.recipe(fake_servers.NEVER_LISTENS), timeout=0.5)


def test_five_ports_in_use_are_an_error(
    serve_fake: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    """The cause must be another one then."""
    found = offer_ports(monkeypatch, *[taken] * 9)
    with pytest.raises(ServerFailed, match="fake found 5 ports in use"):
        serve_fake(fake_servers.recipe(fake_servers.ORDINARY))
    assert found == [taken] * 5


def test_several_servers_run_at_once_from_any_thread(serve_fake: Callable[..., Server]) -> None:
    """Each has its own port and its own directory."""
    servers: list[Server] = []
    threads = [
        threading.Thread(
            target=lambda: servers.append(serve_fake(fake_servers.recipe(fake_servers.ORDINARY)))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    try:
        assert len({server.port for server in servers}) == 3
        assert len({server.work for server in servers}) == 3
        assert all(server.get("/").status == 200 for server in servers)
    finally:
        for server in servers:
            server.stop()


def test_a_request_without_an_answer_is_an_error_with_the_log(
    serve_fake: Callable[..., Server],
) -> None:
    """The server may have died at it."""
    with (
        serve_fake(fake_servers.recipe(fake_servers.DIES_AT_REQUEST)) as server,
        pytest.raises(NoReply, match="gave no answer to /boom") as failed,
    ):
        server.load(["/boom", "/boom"], 1)
    assert "serving on" in failed.value.log
