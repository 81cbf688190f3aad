"""`python -m tracer run -- COMMAND`: the command replaces the tracer's process."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.bootstrap.projects import PATIENCE, ROOT, plain, stages, startproject
from tracer.cli import run
from tracer.cli.main import main
from tracer.journal.reader import processes

SHELL = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell and its signals")
pytestmark = SHELL


def command(*words: str | Path, options: Sequence[str | Path] = ()) -> list[str]:
    """Returns the words of a traced command."""
    return [sys.executable, "-m", "tracer", "run", *map(str, options), "--", *map(str, words)]


def environ(**extra: str) -> dict[str, str]:
    """Returns a shell's environment in which Python finds the tracer as if it were installed."""
    return plain(PYTHONPATH=str(ROOT), **extra)


def ran(
    *words: str | Path, options: Sequence[str | Path] = (), cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Runs a traced command to its end."""
    return subprocess.run(
        command(*words, options=options),
        cwd=cwd,
        env=environ(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("status", [0, 1, 3, 200])
def test_the_commands_exit_status_is_passed_on(status: int) -> None:
    """The tracer prints nothing of its own."""
    done = ran("sh", "-c", f"echo out; echo err >&2; exit {status}")
    assert (done.returncode, done.stdout, done.stderr) == (status, "out\n", "err\n")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGHUP", "SIGABRT"])
def test_a_command_killed_by_a_signal_is_reported_as_killed(name: str) -> None:
    """The parent sees the signal itself, not a status such as 143."""
    done = ran("sh", "-c", f"kill -{name[3:]} $$")
    assert done.returncode == -getattr(signal, name)


def test_the_command_takes_this_processs_place() -> None:
    """It has the same pid."""
    with subprocess.Popen(
        command(sys.executable, "-c", "import os; print(os.getpid(), flush=True); input()"),
        cwd=ROOT,
        env=environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert int(child.stdout.readline()) == child.pid
        child.communicate("\n", timeout=PATIENCE)
    assert child.returncode == 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGWINCH"])
def test_signals_reach_the_command(name: str) -> None:
    """Its own handlers run."""
    code = (
        "import signal, sys, time\n"
        f"signal.signal(signal.{name}, lambda *_: (print('heard'), sys.exit(5)))\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(1)\n"  # `pause` would miss one that comes just before it
    )
    with subprocess.Popen(
        command(sys.executable, "-c", code),
        cwd=ROOT,
        env=environ(),
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(getattr(signal, name))
        assert child.communicate(timeout=PATIENCE)[0] == "heard\n"
    assert child.returncode == 5


def test_the_command_ignores_no_signal_that_it_would_not_ignore_alone() -> None:
    """Python ignores SIGPIPE; the command must not inherit that, or `| head` would not end it."""
    traced = ran("grep", "SigIgn", "/proc/self/status") if Path("/proc").exists() else None
    if traced is None:
        pytest.skip("needs /proc")
    direct = subprocess.run(
        ["grep", "SigIgn", "/proc/self/status"], capture_output=True, text=True, timeout=PATIENCE
    )
    assert traced.stdout == direct.stdout


def test_the_terminal_is_the_commands() -> None:
    """It sees the foreground group, the size, and that it is a terminal."""
    code = (
        "import os; print(os.isatty(0), os.isatty(1), os.isatty(2),"
        " os.tcgetpgrp(0) == os.getpgrp(), tuple(os.get_terminal_size()))"
    )
    # Another Python makes the terminal: this one may have threads and must not fork.
    spawn = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    done = subprocess.run(
        [sys.executable, "-c", spawn, *command(sys.executable, "-c", code)],
        cwd=ROOT,
        env=environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("True True True True (")


def test_a_missing_command_has_status_127() -> None:
    """Shells use this status. The message says what to do."""
    done = ran("no-such-command-anywhere")
    assert done.returncode == 127
    assert done.stderr == (
        "tracer: there is no command 'no-such-command-anywhere'. Name it by its path, or activate "
        "the environment that it is installed in.\n"
    )


def test_a_command_that_cannot_be_executed_has_status_126(tmp_path: Path) -> None:
    """A file without the permission, a directory, and a script without its interpreter."""
    plain_file = tmp_path / "words.txt"
    plain_file.write_text("words\n")
    for path in (plain_file, tmp_path):
        done = ran(path)
        assert done.returncode == 126
        assert done.stderr == f"tracer: {path} cannot be executed: Permission denied.\n"
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    done = ran(script)
    assert done.returncode == 126
    assert done.stderr == f"tracer: {script} cannot be executed: its interpreter is missing.\n"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["run", "--", "python", "x"], ["python", "x"]),
        (["run", "python", "-m", "x"], ["python", "-m", "x"]),
        (["run", "--no-console", "--", "a", "--", "b"], ["a", "--", "b"]),
        (["run", "a", "-c", "d", "--", "b"], ["a", "-c", "d", "--", "b"]),
        (["run", "--", "--journal"], ["--journal"]),
        (["run", "--journal", "j", "a", "--journal", "k"], ["a", "--journal", "k"]),
    ],
)
def test_options_after_the_command_belong_to_it(
    given: list[str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first "--" is the tracer's, and only if no word of the command precedes it."""
    found: list[list[str]] = []

    def become(words: Sequence[str], env: object) -> None:
        found.append(list(words))
        raise PermissionError(13, "Not here")

    monkeypatch.setattr(run, "replace", become)
    err = io.StringIO()
    assert main(given, io.StringIO(), err) == 126
    assert found == [words]


def test_the_options_become_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console is on unless switched off; the journal's path is absolute."""
    found: list[dict[str, str]] = []

    def become(words: object, env: dict[str, str]) -> None:
        found.append(env)
        raise PermissionError(13, "Not here")

    monkeypatch.setattr(run, "replace", become)
    monkeypatch.delenv("TRACER_CONSOLE", raising=False)
    monkeypatch.delenv("TRACER_JOURNAL", raising=False)
    for words in (["run", "x"], ["run", "--no-console", "--journal", "j", "--", "x"]):
        main(words, io.StringIO(), io.StringIO())
    monkeypatch.setenv("TRACER_CONSOLE", "0")
    main(["run", "x"], io.StringIO(), io.StringIO())
    seen = [(env["TRACER_CONSOLE"], env.get("TRACER_JOURNAL")) for env in found]
    assert seen == [("1", None), ("0", os.path.abspath("j")), ("0", None)]


def test_where_no_process_can_be_replaced_a_child_runs_and_its_status_is_passed_on(
    tmp_path: Path,
) -> None:
    """Windows cannot."""
    env = {**environ(), "WORD": "passed"}
    code = "import os, sys; sys.exit(9 if os.environ['WORD'] == 'passed' else 1)"
    assert run.supervise([sys.executable, "-c", code], env) == 9


def test_a_plain_project_is_traced_by_the_command_alone(tmp_path: Path) -> None:
    """`run -- python manage.py …` works on a project from `startproject`, without DEBUG."""
    project = startproject(tmp_path / "project")
    settings = project / "mysite" / "settings.py"
    settings.write_text(settings.read_text().replace("DEBUG = True", "DEBUG = False"))
    journal = tmp_path / "traces"
    options = ["--no-console", "--journal", journal]
    words = (sys.executable, "manage.py", "test")
    done = subprocess.run(
        command(*words, options=options),
        cwd=project,
        env=environ(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert "OK" in done.stderr or "NO TESTS RAN" in done.stderr
    (process,) = processes(journal)
    assert ("setup", "django.setup") in stages(process.boot)
    assert process.about.server == "test client"
