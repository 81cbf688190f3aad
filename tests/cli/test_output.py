"""Documents are written to a stream, or to a file: whole or not at all."""

from __future__ import annotations

import io
import json
import os
import stat
from pathlib import Path

import pytest

from tests.support.command import Run, start
from tracer.cli import output
from tracer.cli.main import main


@pytest.mark.parametrize("form", sorted(output.FORMATS))
def test_a_file_holds_the_same_text_as_the_stream(traces: Path, tmp_path: Path, form: str) -> None:
    """The command prints nothing then."""
    target = tmp_path / "made"
    streamed = Run("show", traces, "--format", form)
    run = Run("show", traces, "--format", form, "--output", target)
    assert (run.status, run.out, run.err) == (0, "", "")
    assert target.read_text("utf-8") == streamed.out
    assert Run("show", traces, "--format", form, "--output", "-").out == streamed.out


def test_perfetto_can_be_of_one_process_and_request(traces: Path) -> None:
    """Every format can."""
    run = Run("show", traces, "--format", "perfetto", "--process", 31, "--request", 3)
    events = json.loads(run.out)["traceEvents"]
    assert {each["pid"] for each in events} == {31}
    assert {e["args"]["number"] for e in events if e.get("cat") == "request" and "number" in
            e["args"]} == {3}  # fmt: skip


def test_a_file_that_was_there_is_replaced_and_keeps_its_permissions(
    traces: Path, tmp_path: Path
) -> None:
    """If it is a link, the file behind it is replaced."""
    target, link = tmp_path / "made", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    assert Run("show", traces, "--format", "json", "--output", link).status == 0
    assert json.loads(target.read_text())["format"] == 1
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link", "made", "traces"]


def test_a_new_file_is_as_readable_as_any(traces: Path, tmp_path: Path) -> None:
    """A temporary file would have mode 600, and nobody else could read the page."""
    (tmp_path / "other").touch()
    assert Run("show", traces, "--format", "json", "--output", tmp_path / "made").status == 0
    assert (tmp_path / "made").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize(
    ("name", "why"), [("nowhere/made", "No such file"), ("traces", "Is a directory")]
)
def test_a_target_that_cannot_be_written_is_one_sentence(
    traces: Path, tmp_path: Path, name: str, why: str
) -> None:
    """It names the file and the reason."""
    run = Run("show", traces, "--format", "json", "--output", tmp_path / name)
    assert (run.status, run.out) == (1, "")
    assert run.err.startswith(f"{tmp_path / name} cannot be written: {why}")
    assert run.err.count("\n") == 1


def test_a_failed_write_leaves_the_old_file(
    traces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No temporary file is left beside it."""
    target = tmp_path / "made"
    target.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    run = Run("show", traces, "--format", "json", "--output", target)
    assert (run.status, run.err) == (1, f"{target} cannot be written: No space left on device.\n")
    assert target.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["made", "traces"]


def test_a_device_is_written_into(traces: Path) -> None:
    """A file cannot replace it."""
    run = Run("show", traces, "--format", "json", "--output", os.devnull)
    assert (run.status, run.err) == (0, "")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_html_on_a_terminal_asks_for_a_file(traces: Path) -> None:
    """Nobody reads HTML there. JSON and Perfetto may be looked at."""
    out, err = Terminal(), io.StringIO()
    assert main(["show", str(traces), "--format", "html"], out, err) == 1
    assert out.getvalue() == ""
    assert err.getvalue() == (
        "The HTML page is for a browser: name a file for it, as in --output page.html.\n"
    )
    assert main(["show", str(traces), "--format", "perfetto"], out, err) == 0


def test_a_stream_gets_utf_8_whatever_its_encoding(traces: Path) -> None:
    """The documents declare UTF-8, or are JSON, which must be UTF-8."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    assert main(["show", str(traces), "--format", "perfetto"], out) == 0
    assert json.loads(raw.getvalue().decode("utf-8"))["traceEvents"]


def test_a_closed_pipe_ends_the_command_without_an_error(traces: Path) -> None:
    """`| head -1` closes its end of the pipe."""
    with start("-m", "tracer", "show", traces, "--format", "perfetto") as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        program.wait(180)
        assert program.stderr.read() == ""
    assert program.returncode == 0
