"""The format: every fact is decoded as it was encoded, and nothing else is taken for a fact."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.support.programs import cost
from tracer.journal import encode as encoding
from tracer.journal.decode import (
    Decoder,
    UnknownFact,
    UnknownFormat,
    Unreadable,
    outline,
    read_header,
)
from tracer.journal.encode import Encoder, encode
from tracer.journal.format import HEADER
from tracer.model import Barrier, Built, Deaths, Ended, Held, Walk


def joined(one, two, **others):
    """Returns two requests that are alike as one fact; `others` replace columns."""
    columns = {
        name: getattr(one, name) + getattr(two, name)
        for name in type(one).__slots__
        if isinstance(getattr(one, name), list)
    }
    return replace(one, **columns | others)


def decoded(*lines):
    """Returns the facts on these lines of one file."""
    decoder = Decoder()
    facts = [decoder.decode(line) for line in b"".join(lines).splitlines()]
    return [fact for fact in facts if fact is not None]


@pytest.mark.parametrize("seed", range(40))
def test_every_type_of_fact_is_decoded_as_it_was_encoded(random_facts, seed):
    facts = random_facts(seed).one_of_each()
    lines = encode(*facts)
    assert lines.isascii()
    assert lines.endswith(b"\n")
    assert decoded(lines) == list(facts)


def test_an_empty_batch_is_decoded_as_empty():
    assert decoded(encode(Deaths(), Built(()))) == [Deaths(), Built(())]


def test_a_path_that_is_not_utf8_is_decoded_as_it_was_encoded(served):
    path = b"/caf\xe9/\xff\xfe".decode("utf-8", "surrogateescape")
    assert decoded(encode(served(1, path)))[0].path == path


def test_two_lone_surrogates_that_spell_a_character_are_decoded_as_that_character(served):
    assert decoded(encode(served(1, "/\ud83d\ude00")))[0].path == "/😀"


def test_a_name_is_written_once_in_a_file(served):
    encoder = Encoder()
    first, second, third = (encoder.encode(served(number)) for number in (1, 2, 3))
    assert first.count(b"\n") == 2
    assert first.startswith(b'["names",0,')
    assert second.count(b"\n") == third.count(b"\n") == 1
    assert len(second) < 1_000 < len(first)
    numbers = [fact.numbers for fact in decoded(first, second, third)]
    assert numbers == [[1], [2], [3]]


def test_names_are_written_anew_when_there_are_too_many(served, monkeypatch):
    """The writer forgets them, so that it needs no more memory; later numbers are new ones."""
    monkeypatch.setattr(encoding, "MOST", 40)
    encoder = Encoder()
    made = [served(number, f"/{number}/") for number in range(60)]
    lines = [encoder.encode(each) for each in made]
    assert len(encoder._numbers) <= 80
    assert decoded(*lines) == made


def test_a_request_whose_names_are_lost_is_damaged_and_others_are_not(served):
    encoder = Encoder()
    first, second = encoder.encode(served(1, "/a/")), encoder.encode(served(2, "/b/"))
    (*_, names), decoder = first.splitlines(), Decoder()
    del names
    with pytest.raises(Unreadable, match="not a whole requests"):
        decoder.decode(first.splitlines()[1])
    assert decoder.decode(encode(Ended(1))) == Ended(1)
    for line in second.splitlines()[:-1]:
        with pytest.raises(Unreadable):
            decoder.decode(line)


def test_the_outline_of_a_request_is_all_that_it_says_before_its_stages(served):
    request = replace(served(7, '/a,[b]],"c"/'), status=404, sizes=[None])
    names, line = encode(request).splitlines()
    found = outline(line)
    for name in ("numbers", "path", "status", "begun", "closed", "sizes", "thread", "watching"):
        assert getattr(found, name) == getattr(request, name)
    assert (found.whats, found.tokens) == ((), [])
    assert outline(names) is None
    with pytest.raises(Unreadable):
        outline(line[:30])


def test_an_outline_tells_how_a_request_ended(served):
    request = replace(served(7), ending="never closed")
    found = outline(encode(request).splitlines()[-1])
    assert found.ending == "never closed"


def test_an_ordinary_request_takes_less_than_a_kilobyte(served):
    encoder = Encoder()
    encoder.encode(served(1))
    assert len(encoder.encode(served(2))) < 1_000


def test_an_ordinary_request_is_encoded_in_well_under_a_millisecond():
    """About 20 µs; the bound leaves room for a slow machine."""
    setup = (
        "from tests.journal.conftest import requests\n"
        "from tracer.journal.encode import Encoder\n"
        "encoder, request = Encoder(), requests()(1)"
    )
    assert cost("encoder.encode(request)", setup) < 300_000


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


def test_requests_that_are_alike_share_a_line(served):
    """Their columns stand one behind the other, each time from its own request's begin."""
    one, two = served(1), served(2)
    both = joined(one, two)
    lines = encode(both).splitlines()
    assert len(lines) == 2
    assert decoded(*[line + b"\n" for line in lines]) == [both]
    assert [each.alone() for each in both] == [one, two]
    assert outline(lines[1]).numbers == [1, 2]


def test_of_objects_built_in_a_row_the_first_is_written(served):
    """Only where each request built all of its objects in a row."""
    one, two = served(1), served(2)
    size = len(one.kinds)
    assert size > 1
    rows = [*range(100, 100 + size), *range(500, 500 + size)]
    for tokens, written in ((rows, [100, 500]), (rows[::-1], rows[::-1])):
        both = joined(one, two, tokens=tokens)
        lines = encode(both).splitlines()
        assert json.loads(lines[1])[9] == written
        assert decoded(*[line + b"\n" for line in lines]) == [both]


def test_more_is_said_of_one_request_only(served):
    _, line = encode(replace(served(1), ending="never closed")).splitlines()
    row = json.loads(line)
    row[1][5:] = [[1, 2], [3, 4], [5, 6], [7, 8]]
    with pytest.raises(Unreadable, match="several requests"):
        outline(json.dumps(row, separators=(",", ":")).encode())


def test_a_stage_may_name_only_what_its_request_built(served):
    """By its place: -1 is the first."""
    request = replace(served(1), whats=(("view", -15, "a", "b", ""),) * 30)
    assert decoded(encode(request)) == [request]
    with pytest.raises(Unreadable, match="did not build"):
        decoded(encode(replace(request, whats=(("view", -16, "a", "b", ""),) * 30)))


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


def test_a_request_that_json_cannot_hold_costs_no_other_its_line(served):
    """Also where the names are what cannot be written."""
    encoder = Encoder()
    good = served(1)
    bad = replace(
        good, whats=tuple((stage, token, object(), *rest) for stage, token, _, *rest in good.whats)
    )
    with pytest.raises(TypeError):
        encoder.encode(bad)
    assert decoded(encoder.encode(good)) == [good]


def test_what_json_cannot_hold_is_a_type_error():
    with pytest.raises(TypeError):
        encode(Ended(object()))  # type: ignore[arg-type]
