"""What the serving account may read, according to permissions."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracer.servers.apache import accounts
from tracer.servers.apache.accounts import Account

STRANGER = Account("stranger", 54321, 54321, frozenset({54321}), Path("/"))
"""An account that owns nothing here and is in no group of it."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="account-") as name:
        path = Path(name).resolve()
        path.chmod(0o755)
        yield path


def test_files_for_everybody_are_readable(place: Path) -> None:
    """This goes for a directory and for a file in it."""
    (place / "file").write_text("")
    (place / "file").chmod(0o644)
    assert STRANGER.blocked_at(place) is None
    assert STRANGER.blocked_at(place / "file") is None
    assert STRANGER.blocked_at(place / "file", os.X_OK) == place / "file"
    assert STRANGER.blocked_at(place, os.W_OK) == place


def test_the_first_directory_that_keeps_it_out_is_named(place: Path) -> None:
    """The file and the directories below it are not."""
    inner = place / "home" / "project"
    inner.mkdir(parents=True)
    (place / "home").chmod(0o700)
    inner.chmod(0o755)
    assert STRANGER.blocked_at(inner / "manage.py") == place / "home"
    (place / "home").chmod(0o711)
    assert STRANGER.blocked_at(inner) is None
    assert STRANGER.blocked_at(place / "home") == place / "home"


def test_a_missing_file_cannot_be_read(place: Path) -> None:
    """The file itself is named."""
    assert STRANGER.blocked_at(place / "nothing") == place / "nothing"


def test_a_link_does_not_bypass_permissions(place: Path) -> None:
    """The link may lie in a private directory, or lead into one."""
    (place / "private").mkdir(0o700)
    (place / "private" / "file").write_text("")
    (place / "public").write_text("")
    (place / "public").chmod(0o644)
    (place / "into").symlink_to(place / "private" / "file")
    (place / "private" / "out").symlink_to(place / "public")
    assert STRANGER.blocked_at(place / "into") == place / "private"
    assert STRANGER.blocked_at(place / "private" / "out") == place / "private"


def test_owner_and_group_have_rights_of_their_own(place: Path) -> None:
    """The owner has the owner's rights only, even if others have more."""
    path = place / "file"
    path.write_text("")
    found = path.stat()
    owner = Account("owner", found.st_uid or 54321, 0, frozenset(), Path("/"))
    member = Account("member", 54321, 0, frozenset({found.st_gid}), Path("/"))
    path.chmod(0o040)
    assert member.has_rights(path, os.R_OK)
    assert not STRANGER.has_rights(path, os.R_OK)
    path.chmod(0o004)
    assert not member.has_rights(path, os.R_OK)
    assert STRANGER.has_rights(path, os.R_OK)
    if found.st_uid:
        assert not owner.has_rights(path, os.R_OK)


def test_root_may_read_everything_and_run_what_anybody_may_run(place: Path) -> None:
    """The kernel has the same rule."""
    root = Account("root", 0, 0, frozenset({0}), Path("/root"))
    path = place / "file"
    path.write_text("")
    path.chmod(0)
    assert root.has_rights(path, os.R_OK | os.W_OK)
    assert not root.has_rights(path, os.X_OK)
    path.chmod(0o010)
    assert root.has_rights(path, os.X_OK)


def test_the_serving_account_exists_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the first of the usual names that exists."""
    monkeypatch.setattr(accounts, "NAMES", ("no-such-user", "root"))
    found = accounts.serving_account()
    assert found is not None
    assert (found.name, found.uid) == ("root", 0)
    assert 0 in found.groups
    monkeypatch.setattr(accounts, "NAMES", ("no-such-user",))
    assert accounts.serving_account() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_directory_can_be_given_to_the_account(place: Path) -> None:
    """The account can write to it then."""
    assert STRANGER.blocked_at(place, os.W_OK) == place
    STRANGER.take_ownership([place])
    assert STRANGER.blocked_at(place, os.W_OK) is None
