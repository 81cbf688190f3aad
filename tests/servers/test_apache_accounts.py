"""What the account that serves may read, told from permissions alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracer.servers.apache import accounts
from tracer.servers.apache.accounts import Account

SOMEBODY = Account("somebody", 54321, 54321, frozenset({54321}), Path("/"))
"""Neither the owner of anything here, nor in its group."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="account-") as name:
        path = Path(name).resolve()
        path.chmod(0o755)
        yield path


def test_what_everybody_may_read_is_readable(place: Path) -> None:
    """A directory, and a file in it."""
    (place / "file").write_text("")
    (place / "file").chmod(0o644)
    assert SOMEBODY.blocked_at(place) is None
    assert SOMEBODY.blocked_at(place / "file") is None
    assert SOMEBODY.blocked_at(place / "file", os.X_OK) == place / "file"
    assert SOMEBODY.blocked_at(place, os.W_OK) == place


def test_the_first_directory_that_keeps_it_out_is_named(place: Path) -> None:
    """Not the file, not the directory below."""
    inner = place / "home" / "project"
    inner.mkdir(parents=True)
    (place / "home").chmod(0o700)
    inner.chmod(0o755)
    assert SOMEBODY.blocked_at(inner / "manage.py") == place / "home"
    (place / "home").chmod(0o711)
    assert SOMEBODY.blocked_at(inner) is None
    assert SOMEBODY.blocked_at(place / "home") == place / "home"


def test_what_is_not_there_cannot_be_read(place: Path) -> None:
    """It is named itself."""
    assert SOMEBODY.blocked_at(place / "nothing") == place / "nothing"


def test_a_link_is_no_way_round(place: Path) -> None:
    """Neither one that lies in a private place, nor one that leads into it."""
    (place / "private").mkdir(0o700)
    (place / "private" / "file").write_text("")
    (place / "public").write_text("")
    (place / "public").chmod(0o644)
    (place / "into").symlink_to(place / "private" / "file")
    (place / "private" / "out").symlink_to(place / "public")
    assert SOMEBODY.blocked_at(place / "into") == place / "private"
    assert SOMEBODY.blocked_at(place / "private" / "out") == place / "private"


def test_owner_and_group_have_rights_of_their_own(place: Path) -> None:
    """The owner's count for the owner alone, even where others have more."""
    path = place / "file"
    path.write_text("")
    found = path.stat()
    owner = Account("owner", found.st_uid or 54321, 0, frozenset(), Path("/"))
    member = Account("member", 54321, 0, frozenset({found.st_gid}), Path("/"))
    path.chmod(0o040)
    assert member.has_rights(path, os.R_OK)
    assert not SOMEBODY.has_rights(path, os.R_OK)
    path.chmod(0o004)
    assert not member.has_rights(path, os.R_OK)
    assert SOMEBODY.has_rights(path, os.R_OK)
    if found.st_uid:
        assert not owner.has_rights(path, os.R_OK)


def test_root_may_read_everything_and_run_what_anybody_may(place: Path) -> None:
    """As the system has it."""
    root = Account("root", 0, 0, frozenset({0}), Path("/root"))
    path = place / "file"
    path.write_text("")
    path.chmod(0)
    assert root.has_rights(path, os.R_OK | os.W_OK)
    assert not root.has_rights(path, os.X_OK)
    path.chmod(0o010)
    assert root.has_rights(path, os.X_OK)


def test_the_account_for_serving_is_one_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of the usual names that is there."""
    monkeypatch.setattr(accounts, "NAMES", ("no-such-user", "root"))
    found = accounts.serving_account()
    assert found is not None
    assert (found.name, found.uid) == ("root", 0)
    assert 0 in found.groups
    monkeypatch.setattr(accounts, "NAMES", ("no-such-user",))
    assert accounts.serving_account() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give things away")
def test_what_was_made_for_an_account_can_be_given_to_it(place: Path) -> None:
    """And it can write there then."""
    assert SOMEBODY.blocked_at(place, os.W_OK) == place
    SOMEBODY.take_ownership([place])
    assert SOMEBODY.blocked_at(place, os.W_OK) is None
