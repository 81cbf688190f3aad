"""Findings that a team knows of: `--lifecycle-baseline` and `TRACER["KNOWN"]`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pytest_plugin.running import FILES, Ran, project, run

ACCEPTED = "shop.views.RECENT[*]  # bounded in production\n"
pytestmark = pytest.mark.slow


def lacking(tmp_path: Path, entries: str, *arguments: str) -> Ran:
    """Runs the leaking tests against a baseline of these entries; what is kept fails the run."""
    directory = project(tmp_path)
    (directory / "known.txt").write_text(entries)
    return run(
        directory,
        "--lifecycle-baseline", "known.txt", "--lifecycle-fail-on", "kept", "test_leak.py",
        *arguments,
    )  # fmt: skip


@pytest.mark.parametrize("spread", [(), ("-n", "2", "--dist", "loadfile")], ids=["one", "workers"])
def test_an_accepted_finding_fails_no_run(tmp_path: Path, spread: tuple[str, ...]) -> None:
    """Neither in one process nor in the workers of pytest-xdist; the report counts it."""
    ran = lacking(tmp_path, f"# Known.\n\n{ACCEPTED}", *spread)
    assert (ran.status, ran.left) == (0, {})
    assert "No test left anything of its requests behind." in ran.report
    assert "Accepted by the baseline: " in ran.report
    assert "not met" not in ran.report


def test_any_item_may_be_named(tmp_path: Path) -> None:
    """A path may be copied from the report, which names the item or leaves it open."""
    ran = lacking(tmp_path, "shop.views.RECENT[0]  # copied\n")
    assert (ran.status, ran.left) == (0, {})


@pytest.mark.parametrize("spread", [(), ("-n", "2", "--dist", "loadfile")], ids=["one", "workers"])
def test_an_entry_that_no_longer_occurs_is_said(tmp_path: Path, spread: tuple[str, ...]) -> None:
    """Once, however many processes ran the tests; what it does not cover is found as ever."""
    ran = lacking(tmp_path, "shop.views.RECENTLY[*]  # gone with shop 4.2\n", *spread)
    assert ran.status == 1
    assert len(ran.left) == 3
    said = " ".join(ran.report.split())
    assert said.count("In the baseline, and not met in this run: shop.views.RECENTLY[*]") == 1


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ("# Known.\nshop.views.RECENT[*]\n", 'line 2: "shop.views.RECENT[*]" has no reason.'),
        (None, "No such file or directory"),
    ],
    ids=["no reason", "no file"],
)
def test_a_baseline_that_cannot_be_read_is_a_usage_error(
    tmp_path: Path, entries: str | None, said: str
) -> None:
    """Before any test runs, also without `--lifecycle`: a mistake there must not pass unseen."""
    directory = project(tmp_path)
    if entries is not None:
        (directory / "known.txt").write_text(entries)
    ran = run(directory, "--lifecycle-baseline", "known.txt")
    assert ran.status == pytest.ExitCode.USAGE_ERROR
    assert ran.outcomes == {}
    assert "--lifecycle-baseline known.txt: " in ran.err
    assert said in ran.err


def test_what_the_settings_accept_is_accepted_here_too(tmp_path: Path) -> None:
    """`TRACER["KNOWN"]`, also where the settings do not switch the tracer on."""
    settings = (
        FILES["shop_settings.py"]
        + """
        TRACER = {"KNOWN": {"shop.views.RECENT[*]": "bounded in production"}}
    """
    )
    directory = project(tmp_path, shop_settings=settings)
    ran = run(directory, "--lifecycle-fail-on", "kept", "test_leak.py")
    assert (ran.status, ran.left) == (0, {})
    assert "Accepted by the baseline: " in ran.report


def test_the_fixture_knows_what_the_settings_accept(tmp_path: Path) -> None:
    """`assert_nothing_kept` passes; without the entry it does not."""
    suite = """
        import pytest

        def ask(lifecycle):
            with lifecycle.record() as recording:
                for _ in range(3):
                    recording.get("/leak/")
            recording.assert_nothing_kept()


        def test_accepted(lifecycle, settings):
            settings.TRACER = {"KNOWN": {"shop.views.RECENT[*]": "bounded in production"}}
            ask(lifecycle)


        def test_not_accepted(lifecycle):
            with pytest.raises(AssertionError, match="shop.views.RECENT"):
                ask(lifecycle)
    """
    ran = run(project(tmp_path, test_accepting=suite), "test_accepting.py")
    assert set(ran.outcomes.values()) == {"passed"}, ran.out
