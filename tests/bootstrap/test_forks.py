"""Boots and forks: each process reports what it did itself, not what its parent did."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bootstrap.projects import plain, run, stages, startproject
from tests.bootstrap.test_stages import MIDDLEWARE, REQUEST
from tracer.bootstrap.environment import environment
from tracer.journal.reader import processes
from tracer.model import Process

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

ASK = REQUEST.replace("from {module} import application\n", "").removesuffix("ask()\nask()\n")
CHILD = """
def child(work):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project, without a line of it edited."""
    return startproject(tmp_path / "project")


def written_processes(project: Path, code: str) -> dict[int, Process]:
    """Runs this code, traced. Returns the processes in its journal, by process id."""
    journal = project / "traces"
    env = environment(plain(), journal=journal, console=False)
    done = run("-c", code, cwd=project, env=env)
    assert done.returncode == 0, done.stderr
    return {process.about.pid: process for process in processes(journal)}


def test_a_preloaded_application_is_the_parents_boot_and_no_childs(project: Path) -> None:
    """As under `--preload`: the parent is in the journal although it serves no request."""
    code = f"""
import os
{CHILD}
{ASK.format()}
from mysite.wsgi import application
def serve():
    ask(), ask()
    from tracer import runtime
    from tracer.runtime import shutdown
    shutdown.close(runtime.running())
assert child(serve) == 0
assert child(serve) == 0
"""
    found = written_processes(project, code)
    assert len(found) == 3
    parent, *children = found.values()
    assert parent.served == 0
    assert ("middleware", MIDDLEWARE[0]) in stages(parent.boot)
    assert {life.phase for life in parent.lifetimes} <= {"before", "boot"}
    assert [life for life in parent.lifetimes if life.kind == "handler"]
    for process in children:
        assert (process.about.inherited, process.about.parent) == (True, parent.about.pid)
        assert process.served == 2
        assert process.boot is None or not stages(process.boot)
        (handler,) = [life for life in process.lifetimes if life.kind == "handler"]
        assert handler.phase == "inherited"
        urlconfs = [span.name for span in process.requests[0].spans if span.stage == "urlconf"]
        assert urlconfs == ["mysite.urls"]


def test_a_worker_that_loads_the_application_itself_boots_from_its_fork_on(project: Path) -> None:
    """As workers do without `--preload`: what their master imported is not part of their boot."""
    code = f"""
import os, wave
{CHILD}
{ASK.format()}
def serve():
    global application
    import colorsys
    from mysite.wsgi import application
    ask()
    from tracer.recorder import boot
    names = [name for name, _, _ in boot.current_boot().log.modules]
    assert "colorsys" in names and "wave" not in names and "django" in names
    from tracer import runtime
    from tracer.runtime import shutdown
    shutdown.close(runtime.running())
assert child(serve) == 0
"""
    (process,) = written_processes(project, code).values()
    assert not process.about.inherited
    assert process.boot is not None
    found_stages = stages(process.boot)
    assert [stage for stage, _ in found_stages[:3]] == ["interpreter", "setup", "settings"]
    assert ("handler", "WSGIHandler") in found_stages
    assert process.served == 1


def test_a_process_that_is_killed_before_it_serves_has_written_its_boot(project: Path) -> None:
    """The boot is written when the apps are ready and when the handler is built."""
    code = "import os, mysite.wsgi; os._exit(0)"
    (process,) = written_processes(project, code).values()
    assert (process.served, process.ended) == (0, False)
    assert stages(process.boot)[-1] == ("middleware", MIDDLEWARE[-1])


def test_no_thread_is_started_before_a_request_comes(project: Path) -> None:
    """The process may still be going to fork."""
    code = "import threading, mysite.wsgi; assert threading.active_count() == 1"
    assert len(written_processes(project, code)) == 1
