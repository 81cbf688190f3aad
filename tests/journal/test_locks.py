"""Whether a process is alive, as its lock on its journal shows it."""

from __future__ import annotations

from tests.journal.files import write_file
from tracer.journal.format import HEADER
from tracer.journal.locks import alive


def test_a_file_without_a_lock_belongs_to_a_process_that_is_gone(tmp_path):
    assert alive(write_file(tmp_path / "1-1.jsonl", HEADER)) is False


def test_whose_file_is_missing_is_neither_alive_nor_dead(tmp_path):
    assert alive(tmp_path / "1-1.jsonl") is None
