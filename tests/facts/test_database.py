"""The database: connections, transactions, queries, and what of them outlives a request."""

from __future__ import annotations

from typing import Any

import pytest
from cafe.models import Category
from django.db import connections
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLUpdateCompiler

from tests.facts.reading import around, born, every, find, inside, names, on_thread, one, worker
from tests.facts.site import GATE, rang
from tracer import Recording
from tracer.model import stages


def test_a_connection_waits_for_the_first_query(files: Recording) -> None:
    """No connection is opened before the first query, however much middleware there is."""
    files.get("/plain/")
    assert names(files.request(), stages.CONNECTION) == []
    files.get("/ask/brief/")
    request = files.request()
    opened = find(request, stages.CONNECTION)
    assert opened.end <= find(request, stages.QUERY, "SELECT").start
    assert inside(request, opened, find(request, stages.VIEW))


def test_conn_max_age_0_ends_the_connection_with_its_request(files: Recording) -> None:
    """With CONN_MAX_AGE=0 the database connection ends with its request."""
    for _ in range(3):
        files.get("/ask/brief/")
    files.assert_built_per_request("sqlite connection brief")
    files.assert_freed_with_response("sqlite connection brief")


def test_conn_max_age_60_lets_the_next_request_have_the_connection(files: Recording) -> None:
    """With CONN_MAX_AGE=60 the next request on the same thread has the same connection."""
    for _ in range(3):
        files.get("/ask/long/")
    files.assert_built_once("sqlite connection long")
    files.assert_scope("sqlite connection long", "connection")
    assert one(files, "sqlite connection long").requests == 3
    assert [len(every(request, stages.CONNECTION)) for request in files.process.requests] == [
        1, 0, 0,
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_conn_max_age_60_leaves_the_connection_to_the_collector(files: Recording) -> None:
    """With CONN_MAX_AGE=60 the connection waits, after its thread, for the collector."""
    with worker(files) as serve:
        serve("/ask/long/")
        serve("/ask/long/")
        assert one(files, "sqlite connection long").freed is None
    files.settle()
    life = one(files, "sqlite connection long")
    assert (life.freed, life.scope) == ("collector", "connection")


def test_the_wrapper_stays_while_connections_come_and_go(files: Recording) -> None:
    """The DatabaseWrapper of a thread serves all its requests, while connections come and go."""
    for _ in range(3):
        files.get("/ask/brief/")
    files.assert_built_once("DatabaseWrapper brief")
    files.assert_built_per_request("sqlite connection brief")
    assert one(files, "DatabaseWrapper brief").requests == 3


def test_each_thread_has_a_wrapper_of_its_own(files: Recording) -> None:
    """Each thread has a DatabaseWrapper, and so a connection, of its own."""
    files.get("/ask/long/")
    with worker(files) as serve:
        serve("/ask/long/")
        files.get("/ask/long/")
        serve("/ask/long/")
        files.settle()
        mine, other = born(files, "DatabaseWrapper long")
        assert (mine.requests, other.requests) == (2, 2)
        assert (mine.threads, other.threads) == (1, 1)
        assert mine.thread != other.thread
        assert (mine.scope, other.scope) == ("thread", "thread")
        GATE["close"] = connections.close_all
        serve("/step/?close")


def test_each_alias_has_a_wrapper_of_its_own(files: Recording) -> None:
    """Each alias has a DatabaseWrapper and a connection of its own."""
    files.get("/ask/brief/")
    files.get("/ask/long/")
    assert one(files, "DatabaseWrapper brief").id != one(files, "DatabaseWrapper long").id
    first, second = files.process.requests
    assert find(first, stages.CONNECTION).name == "open brief"
    assert find(second, stages.CONNECTION).name == "open long"


def test_a_wrapper_dies_when_the_collector_runs_after_its_thread(files: Recording) -> None:
    """A DatabaseWrapper lives as long as its thread, and dies when the collector runs next."""
    on_thread(lambda: files.get("/ask/brief/"))
    assert one(files, "DatabaseWrapper brief").died_at is None
    files.get("/plain/")
    files.settle()
    life = one(files, "DatabaseWrapper brief")
    assert (life.freed, life.scope) == ("collector", "thread")


def test_atomic_begins_and_commits(files: Recording) -> None:
    """atomic() begins a transaction and commits it; an atomic() within is a savepoint."""
    files.get("/transfer/")
    assert names(files.request(), stages.TRANSACTION) == [
        "BEGIN", "SAVEPOINT", "RELEASE SAVEPOINT", "COMMIT",
    ]  # fmt: skip


def test_an_exception_takes_the_savepoint_back(files: Recording) -> None:
    """An exception that leaves an inner atomic() takes back its savepoint, not the transaction."""
    files.get("/transfer/inner/")
    request = files.request()
    steps = names(request, stages.TRANSACTION)
    assert steps[:3] == ["BEGIN", "SAVEPOINT", "ROLLBACK TO SAVEPOINT"]
    assert steps[-1] == "COMMIT"
    assert request.status == 200


def test_an_exception_takes_the_transaction_back(files: Recording) -> None:
    """An exception that leaves the outermost atomic() rolls the transaction back."""
    files.get("/transfer/outer/")
    steps = names(files.request(), stages.TRANSACTION)
    assert steps[-1] == "ROLLBACK"
    assert "COMMIT" not in steps


def test_on_commit_waits_for_the_commit(files: Recording) -> None:
    """What on_commit was given runs after the COMMIT, and never after a ROLLBACK."""
    rang.connect(_hears)
    files.get("/transfer/")
    request = files.request()
    commit = find(request, stages.TRANSACTION, "COMMIT")
    assert commit.end <= find(request, stages.SIGNAL, "rang").start
    files.get("/transfer/outer/")
    assert names(files.request(), stages.SIGNAL) == []


def test_atomic_requests_wraps_the_view(files: Recording) -> None:
    """ATOMIC_REQUESTS wraps the view in a transaction, and the view alone."""
    connections["brief"].settings_dict["ATOMIC_REQUESTS"] = True
    files.get("/asked-late/")
    request = files.request()
    begin, commit = every(request, stages.TRANSACTION)
    assert (begin.name, commit.name) == ("BEGIN", "COMMIT")
    asked, again = every(request, stages.QUERY, "SELECT")
    assert begin.end <= asked.start < asked.end <= commit.start
    # The template is rendered after the view, and so after the transaction.
    assert commit.end <= again.start
    assert around(request, begin)[-1] == "tests.facts.data_views.asked_late"


def test_atomic_requests_rolls_back_when_the_view_raises(files: Recording) -> None:
    """With ATOMIC_REQUESTS an exception that leaves the view rolls everything back."""
    connections["brief"].settings_dict["ATOMIC_REQUESTS"] = True
    files.get("/fail/500/")
    assert names(files.request(), stages.TRANSACTION) == ["BEGIN", "ROLLBACK"]


def test_a_queryset_asks_once(site: Recording, dishes: None) -> None:
    """A QuerySet asks once and remembers its rows; its clone asks again."""
    site.get("/count-twice/")
    queries = every(site.request(), stages.QUERY, "SELECT cafe_dish")
    assert [query.detail for query in queries] == ["default · 3 rows"] * 2


def test_each_row_asks_for_its_relation(site: Recording, dishes: None) -> None:
    """Following a foreign key asks once for each row."""
    site.get("/related/lazily/")
    asked = names(site.request(), stages.QUERY)
    assert asked == ["SELECT cafe_dish"] + ["SELECT cafe_category"] * 3


def test_select_related_asks_once(site: Recording, dishes: None) -> None:
    """select_related fetches a relation in the same query."""
    site.get("/related/select/")
    assert names(site.request(), stages.QUERY) == ["SELECT cafe_dish"]


def test_prefetch_related_asks_twice(site: Recording, dishes: None) -> None:
    """prefetch_related asks twice, however many rows there are, and for each relation once."""
    site.get("/related/prefetch/")
    dishes_asked, categories_asked = every(site.request(), stages.QUERY)
    assert (dishes_asked.name, categories_asked.name) == (
        "SELECT cafe_dish",
        "SELECT cafe_category",
    )
    assert (dishes_asked.detail, categories_asked.detail) == (
        "default · 3 rows",
        "default · 2 rows",
    )


def statements(recording: Recording) -> list[tuple[str, str]]:
    """Name and detail of each statement of the newest request."""
    return [(span.name, span.detail) for span in every(recording.request(), stages.QUERY)]


def test_an_insert_returns_the_rows_it_made(site: Recording) -> None:
    """An INSERT returns a row for each object, as its key is made by the database."""

    def insert() -> None:
        Category.objects.create(name="Soups", slug="soups")
        Category.objects.bulk_create(
            [Category(name=name, slug=name.lower()) for name in ("Cakes", "Teas")]
        )

    GATE["insert"] = insert
    site.get("/step/?insert")
    assert statements(site) == [
        ("INSERT cafe_category", "default · 1 row"),
        ("INSERT cafe_category", "default · 2 rows"),
    ]


@pytest.mark.parametrize("returning", {False, hasattr(SQLUpdateCompiler, "execute_returning_sql")})
def test_an_update_knows_how_many_rows_it_found(site: Recording, returning: bool) -> None:
    """An UPDATE knows at once how many rows it found, even if it returns them."""
    category = Category.objects.create(name="Soups", slug="soups")
    compiler = Category.objects.filter(pk=category.pk).query.chain(UpdateQuery)
    compiler.add_update_values({"name": "Stews"})

    def update() -> None:
        made = compiler.get_compiler("default")
        if returning:
            made.execute_returning_sql([Category._meta.pk])
        else:
            made.execute_sql("row count")

    GATE["update"] = update
    site.get("/step/?update")
    assert statements(site) == [("UPDATE cafe_category", "default · 1 row")]
    Category.objects.all().delete()
    site.get("/step/?update")
    assert statements(site) == [("UPDATE cafe_category", "default · 0 rows")]


def test_rows_that_are_yet_to_be_fetched_are_not_counted(site: Recording) -> None:
    """SQLite counts what a statement returns only as it is fetched; other statements at once."""

    def ask() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("INSERT INTO cafe_category (name, slug, position) VALUES ('a', 'a', 1)"
                           " RETURNING id")  # fmt: skip
            assert len(cursor.fetchall()) == 1
            cursor.execute("UPDATE cafe_category SET name = 'b' WHERE id = -1")

    GATE["ask"] = ask
    site.get("/step/?ask")
    assert statements(site) == [
        ("INSERT cafe_category", "default"),
        ("UPDATE cafe_category", "default · 0 rows"),
    ]


def test_rows_and_querysets_die_at_once(site: Recording, dishes: None) -> None:
    """QuerySets, cursors and model instances die by reference count, before the response is out."""
    site.get("/count-twice/")
    for kind in ("queryset", "cursor", "row"):
        lives = [life for life in site.process.lifetimes if life.kind == kind and life.built_in]
        assert lives, kind
        assert {(life.scope, life.freed, life.freed_after) for life in lives} == {
            ("request", "response", 0)
        }


def _hears(**kwargs: Any) -> None:
    """A receiver."""
