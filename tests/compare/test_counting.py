"""Rows and the conclusion are counted from what the processes recorded."""

from __future__ import annotations

import pytest

from tests.compare.made_up import process
from tracer.compare.count import FIELDS, Row, conclusion, count, rebuilt_share, to_document


def test_one_process_builds_everything_once_however_many_requests() -> None:
    row = count("waitress", "3", [process(1, 20)], [0.05, *[0.01] * 19])
    assert (row.processes, row.threads, row.requests_per_process) == (1, 1, 20)
    assert (row.settings_loaded, row.handlers_built, row.middleware_built) == (1, 1, 2)
    assert (row.urlconfs_imported, row.templates_compiled) == (1, 1)
    assert row.connections_opened == 20
    assert row.modules_imported == 702
    assert (row.boot_ms, row.first_ms, row.warm_ms) == (1000, 50, 10)
    assert row.rebuilt_per_request == 0


def test_two_workers_build_everything_twice() -> None:
    row = count("gunicorn", "27", [process(1, 12), process(2, 8)], [0.01] * 20)
    assert (row.processes, row.threads, row.requests_per_process) == (2, 2, 10)
    assert (row.settings_loaded, row.handlers_built, row.middleware_built) == (2, 2, 4)
    assert row.rebuilt_per_request == pytest.approx(1 / 19, abs=1e-4)


def test_a_process_for_each_request_builds_everything_anew() -> None:
    row = count("cgi", None, [process(pid, 1) for pid in range(1, 21)], [1.0] * 20)
    assert (row.processes, row.requests_per_process) == (20, 1)
    assert (row.handlers_built, row.middleware_built) == (20, 40)
    assert row.rebuilt_per_request == 1


def test_objects_inherited_through_a_fork_were_not_built_again() -> None:
    """The parent built the application and served nothing; its two workers inherited it."""
    parent = process(1, 0)
    workers = [process(pid, 10, phase="inherited") for pid in (2, 3)]
    row = count("gunicorn-preload", None, [parent, *workers], [0.01] * 20)
    assert row.processes == 2
    assert (row.settings_loaded, row.handlers_built, row.middleware_built) == (1, 1, 2)
    assert row.urlconfs_imported == 2
    assert row.rebuilt_per_request == 0


def test_several_objects_of_one_name_in_one_process_do_not_count_as_rebuilt() -> None:
    twice = process(1, 5)
    assert rebuilt_share([twice]) == 0


def test_objects_that_no_process_kept_do_not_count_as_rebuilt() -> None:
    assert rebuilt_share([process(pid, 1, used=False) for pid in range(1, 6)]) is None


def test_one_request_alone_gives_no_share() -> None:
    assert rebuilt_share([process(1, 1)]) is None
    row = count("gunicorn", None, [process(1, 1)], [0.02])
    assert row.first_ms == 20
    assert row.warm_ms is None


def test_without_a_recorded_boot_settings_are_counted_as_found_and_modules_are_not_known() -> None:
    row = count("gunicorn", None, [process(1, 3, boot=False)], [0.01] * 3)
    assert row.settings_loaded == 1
    assert row.modules_imported is None
    assert row.boot_ms is None


def test_the_document_has_a_key_for_each_field_in_order() -> None:
    made = to_document(20, [Row("cgi", status="not installed", why="pip install it")])
    assert (made["format"], made["requests"]) == (1, 20)
    (row,) = made["rows"]
    assert tuple(row) == FIELDS
    assert row["server"] == "cgi"
    assert row["processes"] is None


def share(server: str, of: float | None) -> Row:
    return Row(server, rebuilt_per_request=of)


def test_the_conclusion_names_who_builds_anew_and_who_keeps() -> None:
    sentence = conclusion(20, [share("cgi", 1.0), share("gunicorn", 0.05), share("uwsgi", 0.0)])
    assert sentence.startswith("Under cgi each of the 20 requests built everything anew; under")
    assert "under gunicorn and uwsgi what lives for the process was built once" in sentence
    assert "at most 0.05 of it" in sentence
    assert sentence.count(".") == sentence.count("0.05") + 1, "one sentence"


def test_the_conclusion_follows_the_numbers_even_where_they_surprise() -> None:
    sentence = conclusion(20, [share("cgi", 0.0), share("gunicorn", 1.0), share("odd", 0.7)])
    assert sentence.startswith("Under gunicorn each of the 20 requests built everything anew; ")
    assert "; under cgi what lives" in sentence
    assert "nothing was built again" in sentence
    assert sentence.endswith(
        "; under odd (0.70) that share of what lives for the process was built again for each "
        "further request."
    )
    assert conclusion(20, [share("odd", 0.7)]).startswith("Under odd (0.70) that share of what")


def test_without_numbers_nothing_is_concluded() -> None:
    absent = Row("cgi", status="not installed")
    assert conclusion(20, [absent]) == "No server ran, so nothing can be said."
    assert conclusion(1, [share("gunicorn", None)]).startswith("One request alone shows nothing")
