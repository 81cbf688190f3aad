"""The lines of requests: those that are alike share one, and each name is written once."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.journal.files import decoded
from tests.support.programs import cost
from tracer.journal import encode as encoding
from tracer.journal.decode import Decoder, Unreadable, outline
from tracer.journal.encode import Encoder, encode
from tracer.model import Ended


def joined(one, two, **others):
    """Returns two requests that are alike as one fact; `others` replace columns."""
    columns = {
        name: getattr(one, name) + getattr(two, name)
        for name in type(one).__slots__
        if isinstance(getattr(one, name), list)
    }
    return replace(one, **columns | others)


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
