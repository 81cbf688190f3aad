"""The rules, replayed over facts that were recorded once.

`python -m tests.fates --record tests/model/recorded_fates` records them anew.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fates import frozen
from tests.fates.serving import WAYS, Way
from tests.fates.test_fates import assert_right
from tests.fates.verdicts import verdicts

HERE = Path(__file__).with_name("recorded_fates")


@pytest.mark.parametrize("way", [way for way in WAYS if not way.server], ids=lambda way: way.name)
def test_no_verdict_on_the_recorded_facts_is_wrong(way: Way) -> None:
    """What is expected comes from how the objects were made."""
    processes = frozen.replay(HERE / f"{way.name}{frozen.SUFFIX}")
    for moment, process in zip(("quiet", "ended"), processes, strict=True):
        assert_right(way, moment, list(verdicts([process], way.traits)))


def test_the_rules_need_no_django() -> None:
    """Neither do the expectations."""
    modules = "sys, tests.fates.frozen, tests.fates.verdicts"
    code = f"import {modules}; assert 'django' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, cwd=HERE.parents[2])


def test_the_recorded_facts_are_small() -> None:
    """They are part of every checkout."""
    assert sum(path.stat().st_size for path in HERE.iterdir()) < 300_000
