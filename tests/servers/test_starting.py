"""A server starts on a port that is free, or says in one sentence and its own words why not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.servers import makeshift
from tests.support.waiting import PATIENCE
from tracer.servers import (
    RECIPES,
    Availability,
    NoReply,
    Server,
    ServerFailed,
    ServerMissing,
    proc,
    serve,
    start,
)
from tracer.servers.recipe import Launch, Plan, Program, Recipe, package_check
from tracer.servers.server import ProgramGroup


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., Server]:
    """`serve` for makeshift servers."""
    return partial(
        serve,
        project=makeshift.project(tmp_path),
        settings="made.settings",
        timeout=float(PATIENCE),
    )


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def ports(monkeypatch: pytest.MonkeyPatch, *first: int) -> list[int]:
    """Have these ports found before any free one; returns those that were found."""
    found: list[int] = []
    coming = list(first)
    really = start.free_port

    def free_port() -> int:
        found.append(coming.pop(0) if coming else really())
        return found[-1]

    monkeypatch.setattr(start, "free_port", free_port)
    return found


def test_a_reply_has_status_headers_body_and_time(begin: Callable[..., Server]) -> None:
    """One connection per request; keywords become headers."""
    with begin(makeshift.recipe(makeshift.ORDINARY)) as server:
        reply = server.get("/menu/", accept_language="de")
        assert (reply.status, reply.body, reply.path) == (200, b"/menu/", "/menu/")
        assert reply.headers["Seen-Accept-Language"] == "de"
        assert reply.headers["Seen-Connection"] == "close"
        assert 0 < reply.seconds < PATIENCE
        assert server.address == f"http://127.0.0.1:{server.port}"
        assert 0 < server.boot_seconds < PATIENCE
        assert repr(server) == f"<Server makeshift 1 at {server.address}>"


def test_a_path_in_any_language_is_sent_as_browsers_send_it(begin: Callable[..., Server]) -> None:
    """And what is encoded already is not encoded twice."""
    with begin(makeshift.recipe(makeshift.ORDINARY)) as server:
        reply = server.get("/menü/?q=%C3%BC&n=1")
    assert reply.path == "/menü/?q=%C3%BC&n=1"
    assert reply.body == b"/men%C3%BC/?q=%C3%BC&n=1"


def test_replies_come_in_the_order_of_the_paths(begin: Callable[..., Server]) -> None:
    """However many are asked for at once."""
    paths = [f"/{number}" for number in range(12)]
    with begin(makeshift.recipe(makeshift.ORDINARY)) as server:
        assert [reply.body.decode() for reply in server.load(paths, 4)] == paths
        assert server.load([]) == []


def test_a_server_that_dies_at_once_is_noticed_at_once(begin: Callable[..., Server]) -> None:
    """Its status and its last words are shown."""
    begun = time.monotonic()
    with pytest.raises(ServerFailed) as failed:
        begin(makeshift.recipe(makeshift.DYING))
    assert time.monotonic() - begun < PATIENCE / 2
    assert str(failed.value) == (
        "makeshift ended at its start, with status 3.\nIts log says:\nno paper in the printer"
    )
    assert failed.value.directory is None


def test_a_server_that_opens_no_port_is_given_up(
    begin: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time-out, with what it said."""
    makeshift.given_up(monkeypatch, "opened no port", said="thinking")
    with pytest.raises(ServerFailed, match=r"opened no port in time.\nIts log says:\nthinking"):
        begin(makeshift.recipe(makeshift.SILENT))


def test_a_server_that_loads_no_application_is_given_up(
    begin: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open port alone is not enough where processes are to load it before."""
    makeshift.given_up(monkeypatch, "did not load the application")
    with pytest.raises(ServerFailed, match="did not load the application in time"):
        begin(makeshift.recipe(makeshift.ORDINARY, loads=1))


def test_the_time_out_is_in_seconds_from_the_start(begin: Callable[..., Server]) -> None:
    """Of the real clock; whatever the server has said by then."""
    begun = time.monotonic()
    with pytest.raises(ServerFailed, match="opened no port in time"):
        begin(makeshift.recipe(makeshift.SILENT), timeout=0.5)
    assert time.monotonic() - begun >= 0.5


def test_it_waits_until_every_worker_has_loaded_the_application(
    begin: Callable[..., Server],
) -> None:
    """Each says so in a directory that its environment names."""
    source = makeshift.SERVING + (
        "def load():\n"
        "    while not os.path.exists(os.environ['TRACER_READY'] + '/2'):\n"
        "        open(os.environ['TRACER_READY'] + '/1', 'w').close()\n"
        "        time.sleep(0.2)\n"
        "        open(os.environ['TRACER_READY'] + '/2', 'w').close()\n"
        "import threading\n"
        "threading.Thread(target=load).start()\n"
        "serve()"
    )
    with begin(makeshift.recipe(source, loads=2)) as server:
        assert server.boot_seconds >= 0.2


def test_ctrl_c_while_it_starts_leaves_no_process_behind(
    begin: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the server would have taken."""
    there: list[proc.LivingProcess] = []

    def interrupted(name: str, programs: ProgramGroup, *_: object) -> None:
        there.extend(proc.family(programs.children[0].pid))
        raise KeyboardInterrupt

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(start, "_check_start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        begin(makeshift.recipe(makeshift.SILENT))
    assert there
    assert not proc.alive(there)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_the_work_directory_of_a_failed_start_can_be_kept(
    begin: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For whoever wants to look; otherwise it goes."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ServerFailed) as failed:
        begin(makeshift.recipe(makeshift.DYING), keep_failed=True)
    kept = failed.value.directory
    assert kept is not None
    assert (kept / "makeshift-1.log").read_text() == "no paper in the printer\n"
    with pytest.raises(ServerFailed):
        begin(makeshift.recipe(makeshift.DYING))
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [kept]


def test_a_command_that_does_not_exist_is_named(begin: Callable[..., Server]) -> None:
    """With the system's reason."""

    def plan(launch: Launch) -> Plan:
        return Plan((Program(("/no/such/server",), launch.port),))

    missing = Recipe("odd", "", "", lambda: Availability(True), plan)
    with pytest.raises(ServerFailed, match=r"odd: /no/such/server cannot be run \(No such file"):
        begin(missing)


def test_a_port_that_somebody_else_took_is_no_failure(
    begin: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    """The server says that the address is in use, and gets another."""
    found = ports(monkeypatch, taken)
    with begin(makeshift.recipe(makeshift.ORDINARY)) as server:
        assert server.get("/here").body == b"/here"
    assert found == [taken, server.port]


def test_gunicorn_gets_another_port_too(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    """Though it would try the same one for five seconds."""
    found = ports(monkeypatch, taken)
    with serve("gunicorn", workers=1) as server:
        assert server.get("/hello/").status == 200
    assert found == [taken, server.port]


def test_nobody_elses_server_is_taken_for_ours(
    begin: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    """A port that answers is not enough: a process of ours must listen on it."""
    ports(monkeypatch, taken)
    with pytest.raises(ServerFailed, match="opened no port"):
        begin(makeshift.recipe(makeshift.SILENT), timeout=0.5)


def test_five_ports_in_use_are_enough(
    begin: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    """Then something else must be wrong."""
    found = ports(monkeypatch, *[taken] * 9)
    with pytest.raises(ServerFailed, match="makeshift found 5 ports in use"):
        begin(makeshift.recipe(makeshift.ORDINARY))
    assert found == [taken] * 5


def test_several_servers_run_at_once_from_any_thread(begin: Callable[..., Server]) -> None:
    """Each on its own port, in its own directory."""
    servers: list[Server] = []
    threads = [
        threading.Thread(target=lambda: servers.append(begin(makeshift.recipe(makeshift.ORDINARY))))
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


def test_a_request_that_gets_no_answer_is_told_with_the_log(begin: Callable[..., Server]) -> None:
    """The server may have died of it."""
    with (
        begin(makeshift.recipe(makeshift.DROPPING)) as server,
        pytest.raises(NoReply, match="gave no answer to /boom") as failed,
    ):
        server.load(["/boom", "/boom"], 1)
    assert "serving on" in failed.value.log


def test_what_is_not_installed_is_said_with_the_mend(begin: Callable[..., Server]) -> None:
    """Before anything is started."""
    found = Availability(False, "get it from the shop")
    with pytest.raises(ServerMissing, match="makeshift cannot be started: get it from the shop"):
        begin(makeshift.recipe(makeshift.ORDINARY, found=found))


def test_a_distribution_is_here_missing_or_too_old() -> None:
    """As the interpreter's own environment has it."""
    assert package_check("django")().ok
    assert package_check("django", "no-such-thing")() == Availability(
        False,
        "no-such-thing is not installed: pip install no-such-thing",
    )
    old = package_check("django", least=(99, 1))()
    assert not old.ok
    assert "is older than 99.1" in old.why


def test_names_and_numbers_that_make_no_sense_are_refused() -> None:
    """With what would make sense."""
    with pytest.raises(ValueError, match=r"no server 'gunicorm'; there is runserver, "):
        serve("gunicorm")
    with pytest.raises(ValueError, match="runserver has no number of workers to choose"):
        serve("runserver", workers=2)
    with pytest.raises(ValueError, match="needs at least one of its workers, not 0"):
        serve("gunicorn", workers=0)


def test_without_a_journal_there_are_no_processes_to_read(
    begin: Callable[..., Server], tmp_path: Path
) -> None:
    """With one to which nobody wrote there are none."""
    with (
        begin(makeshift.recipe(makeshift.ORDINARY)) as server,
        pytest.raises(ValueError, match="makeshift keeps no journal"),
    ):
        server.processes()
    with begin(makeshift.recipe(makeshift.ORDINARY), journal=tmp_path / "new") as server:
        assert server.processes() == []
        assert (tmp_path / "new").is_dir()


def test_every_recipe_says_what_it_is_and_what_it_needs() -> None:
    """One line each, under its own name."""
    for name, recipe in RECIPES.items():
        assert recipe.name == name
        assert recipe.title
        assert "\n" not in recipe.title
        assert recipe.needs
        found = recipe.available()
        assert found.version if found.ok else found.why
