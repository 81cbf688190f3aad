"""The settings: what may be asked for, and that nothing wrong in them can break a start."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tracer.conf import KEYS, LIMIT, QUIET, Config, load


def settings(debug: object = False, **given: object) -> SimpleNamespace:
    """Return settings with `TRACER = given`."""
    return SimpleNamespace(DEBUG=debug, TRACER=given)


def one_problem(given: object, environ: dict[str, str] | None = None):
    """Load settings in which one thing is wrong; return the config and the problem."""
    asked = SimpleNamespace(DEBUG=True, TRACER=given)
    config, problems = load(asked, environ or {})
    assert len(problems) == 1, problems
    return config, problems[0]


def test_without_the_setting_it_runs_if_debug_is_on():
    assert load(SimpleNamespace(DEBUG=True), {}) == (Config(enabled=True, walk=QUIET), ())
    assert load(SimpleNamespace(DEBUG=False), {}) == (Config(enabled=False), ())
    assert load(SimpleNamespace(), {}) == (Config(enabled=False), ())


def test_without_a_wish_it_draws_keeps_no_journal_and_masks_everything():
    assert Config() == Config(
        enabled=False,
        console=True,
        journal=None,
        watch=(),
        cache_keys=False,
        query_values=False,
    )


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("enabled", [True, False])
def test_enabled_decides_whatever_debug_says(debug, enabled):
    config, problems = load(settings(debug, ENABLED=enabled), {})
    assert config.enabled is enabled
    assert problems == ()


def test_every_key_is_read():
    config, problems = load(
        settings(
            ENABLED=True,
            CONSOLE=False,
            JOURNAL="/var/tmp/traces",
            WATCH=["shop.models.Basket", "shop.Cart", "shop.models.Basket"],
            CACHE_KEYS=True,
            QUERY_VALUES=True,
            WALK=1.5,
            KNOWN={"lib.SEEN[*]": "bounded"},
        ),
        {},
    )
    assert problems == ()
    assert config == Config(
        enabled=True,
        console=False,
        journal=Path("/var/tmp/traces"),
        watch=("shop.models.Basket", "shop.Cart"),
        cache_keys=True,
        query_values=True,
        walk=1.5,
        known={"lib.SEEN[*]": "bounded"},
    )


def test_every_key_has_its_field():
    assert {key.lower() for key in KEYS} == set(Config.__slots__)


# -- the environment ------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["1", "true", "yes", "on", "TRUE", " Yes "])
def test_the_environment_can_switch_on(word):
    environ = {"TRACER_ENABLED": word, "TRACER_CONSOLE": word}
    config, problems = load(settings(ENABLED=False, CONSOLE=False), environ)
    assert (config.enabled, config.console, problems) == (True, True, ())


@pytest.mark.parametrize("word", ["0", "false", "no", "off", "Off"])
def test_the_environment_can_switch_off(word):
    environ = {"TRACER_ENABLED": word, "TRACER_CONSOLE": word}
    config, problems = load(settings(True, ENABLED=True, CONSOLE=True), environ)
    assert (config.enabled, config.console, problems) == (False, False, ())


def test_an_empty_variable_is_as_good_as_none():
    config, problems = load(settings(ENABLED=True), {"TRACER_ENABLED": "", "TRACER_CONSOLE": " "})
    assert (config.enabled, config.console, problems) == (True, True, ())


def test_an_unreadable_variable_is_told_and_ignored():
    config, problem = one_problem({"ENABLED": False}, {"TRACER_ENABLED": "perhaps"})
    assert config.enabled is False
    assert problem.id == "tracer.W004"
    assert "TRACER_ENABLED" in problem.message
    assert "perhaps" not in problem.message


def test_the_environment_names_the_journal_and_empty_means_none(tmp_path):
    asked = settings(JOURNAL=tmp_path / "here")
    assert load(asked, {})[0].journal == tmp_path / "here"
    assert load(asked, {"TRACER_JOURNAL": str(tmp_path)})[0].journal == tmp_path
    assert load(asked, {"TRACER_JOURNAL": ""})[0].journal is None


def test_what_shows_secrets_cannot_be_switched_on_from_the_environment():
    config, _ = load(settings(), {"TRACER_CACHE_KEYS": "1", "TRACER_QUERY_VALUES": "1"})
    assert (config.cache_keys, config.query_values) == (False, False)


# -- the journal's directory ----------------------------------------------------------------------


def test_a_relative_journal_is_fixed_at_the_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(settings(JOURNAL="traces"), {})[0].journal == tmp_path / "traces"


def test_a_home_is_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert load(settings(JOURNAL="~/traces"), {})[0].journal == Path("/home/ada/traces")


@pytest.mark.parametrize("value", [None, ""])
def test_none_and_nothing_keep_no_journal(value):
    assert load(settings(JOURNAL=value), {}) == (Config(), ())


class Refuses:
    """A path that cannot be had."""

    def __fspath__(self) -> str:
        raise RuntimeError("no")


class Bytes:
    """A path in bytes."""

    def __fspath__(self) -> bytes:
        return b"/tmp/traces"


@pytest.mark.parametrize("value", [3, True, b"/tmp", ["/tmp"], "a\0b", Refuses(), Bytes()])
def test_a_journal_that_is_no_path_is_told_and_not_kept(value):
    config, problem = one_problem({"JOURNAL": value})
    assert config == Config(enabled=True, walk=QUIET)
    assert problem.id == "tracer.W005"
    assert "BASE_DIR" in problem.hint


def test_a_working_directory_that_is_gone_is_told(monkeypatch):
    def gone() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "getcwd", gone)
    config, problem = one_problem({"JOURNAL": "traces"})
    assert config.journal is None
    assert "FileNotFoundError" in problem.message


# -- everything that may be wrong -----------------------------------------------------------------


@pytest.mark.parametrize("value", [True, "ENABLED", ["ENABLED"], 3])
def test_a_setting_that_is_no_dict_is_told_and_ignored(value):
    config, problem = one_problem(value)
    assert config == Config(enabled=True, walk=QUIET)
    assert problem.id == "tracer.W001"
    assert type(value).__name__ in problem.message


def test_a_setting_of_none_is_as_good_as_none():
    assert load(SimpleNamespace(DEBUG=True, TRACER=None), {}) == (
        Config(enabled=True, walk=QUIET),
        (),
    )


@pytest.mark.parametrize(
    ("key", "meant"),
    [("JURNAL", "JOURNAL"), ("journal", "JOURNAL"), ("Enable", "ENABLED"), ("WATCHED", "WATCH")],
)
def test_a_misspelt_key_is_told_with_the_right_one(key, meant):
    config, problem = one_problem({key: True})
    assert config == Config(enabled=True, walk=QUIET)
    assert problem.id == "tracer.W002"
    assert key in problem.message
    assert problem.hint == f"Did you mean '{meant}'?"


@pytest.mark.parametrize("key", ["XYZZY", 3])
def test_a_key_like_no_other_is_told_with_all_that_there_are(key):
    _, problem = one_problem({key: True})
    assert problem.id == "tracer.W002"
    assert all(known in problem.hint for known in KEYS)


@pytest.mark.parametrize("key", ["ENABLED", "CONSOLE", "CACHE_KEYS", "QUERY_VALUES"])
@pytest.mark.parametrize("value", ["yes", 1, None, []])
def test_a_flag_that_is_neither_true_nor_false_is_logged_and_the_default_used(key, value):
    config, problem = one_problem({key: value})
    assert config == Config(enabled=True, walk=QUIET)
    assert problem.id == "tracer.W003"
    assert key in problem.message


@pytest.mark.parametrize("value", ["shop.models.Basket", {"shop.models.Basket"}, 3, None])
def test_classes_to_watch_that_are_no_list_are_told_and_none_is_watched(value):
    config, problem = one_problem({"WATCH": value})
    assert config.watch == ()
    assert problem.id == "tracer.W006"


@pytest.mark.parametrize("entry", [3, "", "Basket", "shop.", ".Basket", "a.b c", "a.b-c", int])
def test_an_entry_that_is_no_dotted_path_is_logged_and_the_others_are_watched(entry):
    config, problem = one_problem({"WATCH": ["shop.A", entry, "shop.B"]})
    assert config.watch == ("shop.A", "shop.B")
    assert problem.id == "tracer.W007"
    assert "[1]" in problem.message


@pytest.mark.parametrize("debug", [True, False])
def test_it_walks_if_debug_is_on_or_it_is_told_to(debug):
    assert load(settings(debug), {})[0].walk == (QUIET if debug else None)
    assert load(settings(debug, WALK=True), {})[0].walk == QUIET
    assert load(settings(debug, WALK=False), {})[0].walk is None


@pytest.mark.parametrize("value", [0.25, 1, 86_399, "1.5"])
def test_it_walks_after_as_many_quiet_seconds_as_are_given(value):
    assert load(settings(WALK=value), {}) == (Config(walk=float(value)), ())


@pytest.mark.parametrize(
    ("word", "walk"), [("on", QUIET), ("TRUE", QUIET), ("off", None), ("0", None), (" 0.5 ", 0.5)]
)
def test_the_environment_wins_over_the_setting_of_the_walk(word, walk):
    assert load(settings(WALK=9.0), {"TRACER_WALK": word}) == (Config(walk=walk), ())
    assert load(settings(WALK=9.0), {"TRACER_WALK": ""}) == (Config(walk=9.0), ())


@pytest.mark.parametrize(
    "value", [0, 0.0, -1, 86_400, float("nan"), float("inf"), "soon", "", None, [], 2j, object()]
)
def test_a_walk_that_is_neither_a_flag_nor_seconds_is_told_and_the_default_used(value):
    config, problem = one_problem({"WALK": value})
    assert config.walk == QUIET
    assert (problem.id, "WALK" in problem.message) == ("tracer.W014", True)
    config, problems = load(settings(debug=False, WALK=value), {})
    assert (config.walk, len(problems)) == (None, 1)


@pytest.mark.parametrize("word", ["soon", "-1", "nan", "1e9"])
def test_a_variable_that_is_no_walk_is_told_by_its_name(word):
    config, problem = one_problem({}, {"TRACER_WALK": word})
    assert config.walk == QUIET
    assert (problem.id, "TRACER_WALK" in problem.message) == ("tracer.W014", True)
    assert word not in problem.message


@pytest.mark.parametrize(("value", "size"), [(1, 1 << 20), (2.5, 5 << 19), (4096, 1 << 32)])
def test_a_journal_takes_as_many_megabytes_as_are_given(value, size):
    assert load(settings(JOURNAL_LIMIT=value), {}) == (Config(journal_limit=size), ())
    assert load(settings(), {})[0].journal_limit == LIMIT << 20
    assert load(settings(JOURNAL_LIMIT=None), {})[0].journal_limit is None


@pytest.mark.parametrize(
    "value", [0, 0.5, -1, float("nan"), float("inf"), True, False, "256", [], object()]
)
def test_a_limit_that_is_no_number_of_megabytes_is_told_and_the_default_used(value):
    config, problem = one_problem({"JOURNAL_LIMIT": value})
    assert config.journal_limit == LIMIT << 20
    assert (problem.id, "JOURNAL_LIMIT" in problem.message) == ("tracer.W016", True)


def test_problems_never_show_a_value():
    secret = "correct-horse"
    asked = settings(ENABLED=secret, CONSOLE=secret, WATCH=[secret], WALK=secret)
    _, problems = load(asked, {"TRACER_ENABLED": secret})
    assert len(problems) == 5
    assert secret not in repr(problems)


def test_settings_that_cannot_be_read_switch_it_off():
    class Broken:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError("settings are not configured")

    assert load(Broken(), {}) == (Config(), ())
