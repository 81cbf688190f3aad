"""`compare_servers`: the comparison as a function, for notebooks, shells and tests."""

from __future__ import annotations

import pytest

from tracer import servers
from tracer.compare import compare_servers
from tracer.compare.count import NOT_INSTALLED, OK


def test_it_returns_a_row_for_each_server_in_the_order_asked_for() -> None:
    compared = compare_servers("gunicorn", "cgi", "gunicorn", requests=3, concurrency=1)
    assert [row.server for row in compared.rows] == ["gunicorn", "cgi"]
    assert [row.status for row in compared.rows] == [OK, OK], [row.why for row in compared.rows]
    assert compared.row("cgi").processes == compared.row("cgi").handlers_built == 3
    assert compared.row("gunicorn").handlers_built == 2


def test_the_comparison_draws_itself_wherever_it_is_shown(monkeypatch) -> None:
    absent = servers.Availability(False, "it grows on no tree")
    monkeypatch.setattr(type(servers.RECIPES["gunicorn"]), "available", lambda self: absent)
    compared = compare_servers("gunicorn")
    assert compared.row("gunicorn").status == NOT_INSTALLED
    assert "it grows on no tree" in str(compared)
    shown = compared._repr_mimebundle_()
    assert shown["text/plain"] == str(compared)
    assert "<svg" in shown["text/html"]


def test_a_missing_row_is_an_error_that_names_the_rows_there_are(monkeypatch) -> None:
    absent = servers.Availability(False, "")
    monkeypatch.setattr(type(servers.RECIPES["gunicorn"]), "available", lambda self: absent)
    with pytest.raises(KeyError, match="there is gunicorn"):
        compare_servers("gunicorn").row("cgi")


@pytest.mark.parametrize(
    ("names", "asked", "said"),
    [
        (("gunicorn", "gunicon"), {}, "did you mean gunicorn"),
        (("marble",), {}, "there is .*gunicorn"),
        (("gunicorn",), {"requests": 0}, "requests must be 1 or more"),
        (("gunicorn",), {"concurrency": 0}, "concurrency must be 1 or more"),
        (("gunicorn",), {"path": "menu/"}, "path must begin with /"),
        (("gunicorn",), {"project": "/nowhere"}, "/nowhere is not a directory"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_starts(names, asked, said) -> None:
    with pytest.raises(ValueError, match=said):
        compare_servers(*names, **asked)
