"""The format: every fact is decoded as it was encoded, and nothing else is taken for a fact."""

from __future__ import annotations

import json

import pytest

from tests.support.programs import cost
from tracer.journal.decode import UnknownFact, UnknownFormat, Unreadable, decode, read_header
from tracer.journal.encode import encode
from tracer.journal.format import HEADER
from tracer.model import Barrier, Birth, Built, Deaths, Ended, Held, Span, Walk


@pytest.mark.parametrize("seed", range(40))
def test_every_type_of_fact_is_decoded_as_it_was_encoded(random_facts, seed):
    for fact in random_facts(seed).one_of_each():
        line = encode(fact)
        assert decode(line) == fact
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert line.isascii()


def test_an_empty_batch_is_decoded_as_empty():
    assert decode(encode(Deaths())) == Deaths()
    assert decode(encode(Built(()))) == Built(())


def test_a_path_that_is_not_utf8_is_decoded_as_it_was_encoded(served):
    path = b"/caf\xe9/\xff\xfe".decode("utf-8", "surrogateescape")
    assert decode(encode(served(1, path))).path == path


def test_two_lone_surrogates_that_spell_a_character_are_decoded_as_that_character(served):
    assert decode(encode(served(1, "/\ud83d\ude00"))).path == "/😀"


def test_an_ordinary_request_takes_less_than_four_kilobytes(served):
    assert len(encode(served(1))) < 4_000


def test_an_ordinary_request_is_encoded_in_well_under_a_millisecond():
    """About 40 µs; the bound leaves room for a slow machine."""
    setup = (
        "from tests.journal.conftest import requests\n"
        "from tracer.journal.encode import encode\n"
        "request = requests()(1)"
    )
    assert cost("encode(request)", setup) < 500_000


@pytest.mark.parametrize("seed", range(10))
def test_no_part_of_a_line_is_taken_for_a_fact(random_facts, seed):
    for fact in random_facts(seed).one_of_each():
        line = encode(fact).rstrip(b"\n")
        for length in {0, 1, len(line) // 2, len(line) - 1}:
            with pytest.raises(Unreadable):
                decode(line[:length])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\x00",
        b"[1]",
        b"{}",
        b'{"fact":3}',
        b'{"fact":"ended"}',
        b'{"fact":"ended","at":"soon"}',
        b'{"fact":"deaths","at":0,"ident":0,"deaths":[[1]]}',
        b'{"fact":"deaths","at":0,"ident":0,"deaths":["abc"]}',
        b'{"fact":"deaths","at":0,"ident":0,"deaths":3}',
        b'{"fact":"deaths","at":0,"deaths":[]}',
        b'{"fact":"built","at":0,"thread":0,"births":[[1,null,null,"view",0]]}',
        b'{"fact":"request","number":1}',
        b'{"fact":"walk","begun":1,"ended":2,"found":[]}',
        b'{"fact":"walk","begun":1,"ended":2,"found":[[1]],"lost":[]}',
        b'{"fact":"walk","begun":1,"ended":2,"found":[[1,2,null]],"lost":[]}',
        b'{"fact":"walk","begun":1,"ended":2,"found":[[1,"a.b",null,"thread","x",1]],"lost":[]}',
        b'{"fact":"walk","begun":1,"ended":2,"found":[],"lost":["one"]}',
        b'{"fact":"walk","begun":"now","ended":2,"found":[],"lost":[]}',
        b'{"fact":"replaced","tokens":7}',
        b'{"fact":"replaced","tokens":["7"]}',
        b'{"fact":"ended_with_thread","tokens":[7]}',
        b'{"fact":"ended_with_thread","thread":"T","tokens":[7]}',
        b'{"fact":"barrier","at":1,"by":"tracer","begun":"soon"}',
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_no_whole_fact_is_unreadable(line):
    with pytest.raises(Unreadable):
        decode(line)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("number", "one"),
        ("seen", [1]),
        ("seen", [1, "two"]),
        ("imports", [3]),
        ("by_import", [3]),
        ("by_import", [[]]),
        ("by_import", [[3, 4]]),
        ("by_import", [["cafe.late", "x"]]),
        ("spans", [["view", "Menu", 5, 0, 1]]),
        ("spans", [["view", "Menu", -1, 0, 1]]),
        ("spans", [[1, "Menu", None, 0, 1]]),
        ("births", [{}]),
    ],
)
def test_a_value_of_the_wrong_type_never_reaches_the_model(served, key, value):
    document = json.loads(encode(served(1)))
    document[key] = value
    with pytest.raises(Unreadable):
        decode(json.dumps(document).encode())


def test_what_a_later_version_adds_is_ignored(served):
    request = served(7)
    document = json.loads(encode(request))
    document["colour"] = "blue"
    full = [*document["spans"][1], None, "", None, ""][:9]
    document["spans"][1] = [*full, "something new"]
    assert decode(json.dumps(document).encode()) == request
    assert decode(b'{"fact":"ended","at":5,"why":"SIGTERM"}') == Ended(5)


def test_a_barrier_of_an_earlier_version_has_no_beginning():
    assert decode(b'{"fact":"barrier","at":5,"by":"collector"}') == Barrier(5, "collector", 0)


def test_a_fact_of_a_later_version_is_not_taken_for_a_damaged_line():
    with pytest.raises(UnknownFact, match="weather"):
        decode(b'{"fact":"weather","sun":true}')


def test_the_header_names_the_format():
    assert json.loads(HEADER) == {"format": 1, "journal": "tracer"}
    read_header(HEADER)


def test_another_version_is_recognised_by_its_header():
    with pytest.raises(UnknownFormat) as caught:
        read_header(b'{"format":2,"journal":"tracer"}')
    assert caught.value.args == (2,)


@pytest.mark.parametrize(
    "line", [b"", b"{}", b'{"format":1}', b"hello", b'{"fact":"ended","at":1}']
)
def test_what_is_no_header_is_unreadable(line):
    with pytest.raises(Unreadable):
        read_header(line)


def test_what_json_cannot_hold_is_a_type_error():
    with pytest.raises(TypeError):
        encode(Ended(object()))  # type: ignore[arg-type]


def test_usual_values_are_left_off(served):
    document = json.loads(encode(served(1)))
    assert document["spans"][0] == ["request", "GET /menu/?page=*", None, 0, 6_000_000]
    assert document["births"][0] == [1_000, "django.template.context.Context", None, "context", 0]
    assert document["seen"][:4] == [1_000, 1, 1_001, 1]
    assert "imports" not in document


def test_what_a_global_holds_says_no_more_than_its_path():
    held = (Held(7, "shop.ALL[0]", "shop.ALL[*]"), Held(8, "shop.ONE", "shop.ONE"))
    rows = json.loads(encode(Walk(1, 2, held)))["found"]
    assert rows == [[7, "shop.ALL[0]", "shop.ALL[*]"], [8, "shop.ONE", None]]


def test_what_a_key_leads_to_is_read_back_as_it_was():
    held = (Held(7, "shop.MEMO['…']", "shop.MEMO[*]", keyed=True),)
    assert decode(encode(Walk(1, 2, held))) == Walk(1, 2, held)


def test_a_birth_on_another_thread_keeps_its_thread():
    births = (
        Birth(1, "view", "a.B", "B", 5, 1, "boot"),
        Birth(2, "view", "a.B", "B", 6, 2, "boot"),
    )
    assert decode(encode(Built(births))) == Built(births)


def test_a_span_on_another_thread_keeps_its_thread(served):
    request = served(1)
    spans = (request.spans[0], Span("query", "SELECT", 0, 1, 2, None, 9))
    object.__setattr__(request, "spans", spans)
    assert decode(encode(request)).spans == spans
