"""The format: every fact is decoded as it was encoded, and nothing else is taken for a fact."""

from __future__ import annotations

import json

import pytest

from tests.journal.files import decoded
from tracer.journal.decode import (
    Decoder,
    UnknownFact,
    UnknownFormat,
    Unreadable,
    read_header,
)
from tracer.journal.encode import encode
from tracer.journal.format import HEADER
from tracer.model import Barrier, Built, Deaths, Ended, Held, Walk


@pytest.mark.parametrize("seed", range(40))
def test_every_type_of_fact_is_decoded_as_it_was_encoded(random_facts, seed):
    facts = random_facts(seed).one_of_each()
    lines = encode(*facts)
    assert lines.isascii()
    assert lines.endswith(b"\n")
    assert decoded(lines) == list(facts)


def test_an_empty_batch_is_decoded_as_empty():
    assert decoded(encode(Deaths(), Built(()))) == [Deaths(), Built(())]


@pytest.mark.parametrize("seed", range(10))
def test_no_part_of_a_line_is_taken_for_a_fact(random_facts, seed):
    for line in encode(*random_facts(seed).one_of_each()).splitlines():
        for length in {0, 1, len(line) // 2, len(line) - 1}:
            with pytest.raises(Unreadable):
                Decoder().decode(line[:length])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\x00",
        b"{}",
        b"[]",
        b"[1]",
        b"[null]",
        b'["ended"]',
        b'["ended","soon"]',
        b'["deaths",[[1]]]',
        b'["deaths",["abc"]]',
        b'["deaths",3]',
        b'["deaths",[1,2,[3]]]',
        b'["deaths",[1,"collector",3]]',
        b'["deaths",[1,"collector",["3"]]]',
        b'["built",[[1,"view",null,"B",0,1]]]',
        b'["requests",1]',
        b'["requests",["GET","/",200,1,0,[1],[1],[1]],0,1,[],[null],[null],[],[],[],[]]',
        b'["walk","now",2]',
        b'["walk",1,2,[[1]],[]]',
        b'["walk",1,2,[[1,2]],[]]',
        b'["walk",1,2,[[1,"a.b","a.b","thread","x",1]],[]]',
        b'["walk",1,2,[],["one"]]',
        b'["boot",0,[["app","cafe",1,0,1]]]',
        b'["boot",0,[["app","cafe",-1,0,1]]]',
        b'["replaced",7]',
        b'["replaced",["7"]]',
        b'["ended_with_thread","T",[7]]',
        b'["barrier",1,"tracer","soon"]',
        b'["names"]',
        b'["names","first"]',
        b'["names",0,"view"]',
        b'["names",0,["view"]]',
        b'["names",0,[7,8]]',
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_no_whole_fact_is_unreadable(line):
    with pytest.raises(Unreadable):
        Decoder().decode(line)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((1, 0), 3),
        ((1, 1), None),
        ((1, 2), "200"),
        ((1, 3), "main"),
        ((1, 4), None),
        ((1, 5), 7),
        ((1, 5), []),
        ((1, 5), ["one"]),
        ((1, 6), [1.5]),
        ((1, 7), [None]),
        ((1, 7), [1, 2]),
        ((1, 8), ["many"]),
        ((2,), 99),
        ((2,), [1]),
        ((3,), [1]),
        ((4,), [1, "two"]),
        ((5,), ["view"]),
        ((5,), []),
        ((6,), 7),
        ((7,), 1),
        ((7,), [1]),
        ((8,), ["two"]),
        ((9,), [1, 2]),
        ((10,), [None] * 15),
        ((11,), {"ending": 3}),
        ((11,), {"uncounted": "x"}),
        ((11,), {"threads": ["x"]}),
        ((11,), {"imports": [3]}),
        ((11,), {"by_import": [3]}),
        ((11,), {"by_import": [[]]}),
        ((11,), {"by_import": [[3, [4]]]}),
        ((11,), {"by_import": [["cafe.late", ["x"]]]}),
        ((11,), [1]),
    ],
)
def test_a_value_of_the_wrong_type_never_reaches_the_model(served, place, value):
    names, line = encode(served(1)).splitlines()
    row = json.loads(line)
    *outer, last = place
    inner = row
    for each in outer:
        inner = inner[each]
    inner[last : last + 1] = [value]
    decoder = Decoder()
    decoder.decode(names)
    with pytest.raises(Unreadable):
        decoder.decode(json.dumps(row).encode())


def test_what_a_later_version_adds_is_ignored(served):
    request = served(7)
    names, line = encode(request).splitlines()
    row = [*json.loads(line), {"colour": "blue"}, "something new"]
    assert decoded(names + b"\n", json.dumps(row).encode()) == [request]
    assert decoded(b'["ended",5,"SIGTERM"]') == [Ended(5)]


def test_usual_values_may_be_left_off():
    assert decoded(b'["barrier",5,"collector"]') == [Barrier(5, "collector", 0)]
    assert decoded(b'["walk",1,2]') == [Walk(1, 2)]
    assert decoded(b'["walk",1,2,[[7,"shop.ALL[0]"]]]') == [Walk(1, 2, (Held(7, "shop.ALL[0]"),))]


def test_a_fact_of_a_later_version_is_not_taken_for_a_damaged_line():
    with pytest.raises(UnknownFact, match="weather"):
        Decoder().decode(b'["weather",true]')


def test_the_header_names_the_format():
    assert json.loads(HEADER) == {"format": 2, "journal": "tracer"}
    read_header(HEADER)


def test_another_version_is_recognised_by_its_header():
    with pytest.raises(UnknownFormat) as caught:
        read_header(b'{"format":1,"journal":"tracer"}')
    assert caught.value.args == (1,)


@pytest.mark.parametrize("line", [b"", b"{}", b'{"format":2}', b"hello", b'["ended",1]'])
def test_what_is_no_header_is_unreadable(line):
    with pytest.raises(Unreadable):
        read_header(line)


def test_what_json_cannot_hold_is_a_type_error():
    with pytest.raises(TypeError):
        encode(Ended(object()))  # type: ignore[arg-type]
