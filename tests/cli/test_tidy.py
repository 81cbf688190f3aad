"""`python -m tracer tidy`: what old processes wrote goes, what the newest wrote stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import Run
from tests.support.journals import story, write
from tracer.cli import tidy
from tracer.journal import segments


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Five processes, the first with two segments and a flight record."""
    for pid in range(1, 6):
        write(tmp_path, f"{pid}-{pid}", *story(pid, 2))
    write(tmp_path, "1-1.2", *story(1, 2))
    (tmp_path / "1-1.flight").write_bytes(b"")
    return tmp_path


def left(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_the_newest_processes_stay(journal: Path) -> None:
    """Of the others all files go."""
    run = Run("tidy", journal, "--keep", 3)
    assert (run.status, run.err) == (0, "")
    assert run.out == f"{journal}: removed 2 processes, 0.0 MB; 3 processes left.\n"
    assert left(journal) == ["3-3.jsonl", "4-4.jsonl", "5-5.jsonl"]


def test_fifty_stay_where_nobody_says_how_many(journal: Path) -> None:
    run = Run("tidy", journal)
    assert (run.status, run.out) == (0, f"{journal}: 5 processes, nothing to remove.\n")
    assert len(left(journal)) == 7


@pytest.mark.parametrize("state", [True, None])
def test_a_process_that_may_live_stays(
    journal: Path, monkeypatch: pytest.MonkeyPatch, state: bool | None
) -> None:
    """Where no lock shows it, nobody knows."""
    monkeypatch.setattr(segments, "is_alive", lambda first: state if first.stem == "2-2" else False)
    assert Run("tidy", journal, "--keep", 1).status == 0
    assert left(journal) == ["2-2.jsonl", "5-5.jsonl"]


@pytest.mark.parametrize("name", ["notes.txt", "data.jsonl", "3-7.jsonl", "1-1.3.jsonl"])
def test_what_is_no_journal_stays(journal: Path, name: str) -> None:
    """Whatever its name."""
    (journal / name).write_text('{"id": 1}\n', "utf-8")
    run = Run("tidy", journal, "--keep", 1)
    assert left(journal) == sorted(["5-5.jsonl", name])
    assert run.out == f"{journal}: removed 4 processes, 0.0 MB; 1 process left.\n"


def test_a_journal_of_another_format_goes(journal: Path) -> None:
    (journal / "1-1.jsonl").write_text('{"format":1,"journal":"tracer"}\n', "utf-8")
    Run("tidy", journal, "--keep", 1)
    assert left(journal) == ["5-5.jsonl"]


def test_a_directory_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    run = Run("tidy", tmp_path / "nowhere")
    assert (run.status, run.out) == (1, "")
    assert "nowhere does not exist; name the directory" in run.err


@pytest.mark.parametrize("keep", ["0", "-1", "many"])
def test_how_many_stay_is_a_number_from_one_on(
    journal: Path, keep: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Run("tidy", journal, "--keep", keep).status == 2
    assert "is not a whole number, 1 or more" in capsys.readouterr().err
    assert tidy.KEEP == 50
