"""The pages of the site, each with its view; and in which order they are asked for."""

from __future__ import annotations

import random
from typing import Final

PAGES: Final = {
    "/plain/": "django_pages.plain",
    "/singleton/": "lasting.singleton",
    "/shared/one/": "lasting.shared_singleton",
    "/shared/two/": "lasting.shared_singleton",
    "/rare/": "lasting.rare_singleton",
    "/pool/": "lasting.pool",
    "/functools/": "lasting.functools_caches",
    "/memo/class/": "lasting.class_memo",
    "/memo/page/one/": "lasting.page_memo",
    "/memo/page/two/": "lasting.page_memo",
    "/memo/closure/": "lasting.closure_memo",
    "/memo/default/": "lasting.default_memo",
    "/weak/value/": "lasting.weak_value",
    "/imports/": "lasting.imports",
    "/configuration/": "lasting.configuration",
    "/atexit/": "lasting.at_exit",
    "/thread/once/": "lasting.thread_once",
    "/context/once/": "lasting.context_once",
    "/variable/": "lasting.in_variable",
    "/brief/view/": "passing.in_view",
    "/brief/cycle/": "passing.in_cycle",
    "/brief/weak/": "passing.only_weak",
    "/brief/streaming/": "passing.streaming",
    "/brief/generator/": "passing.dropped_generator",
    "/brief/error/": "passing.caught_error",
    "/late/next/": "passing.let_go_by_next",
    "/late/two/": "passing.held_for_two",
    "/late/thread/": "passing.in_thread",
    "/kept/list/": "left_behind.piled",
    "/kept/often/": "left_behind.piled_often",
    "/kept/dict/": "left_behind.counted",
    "/kept/class/": "left_behind.on_class",
    "/kept/closure/": "left_behind.closure_pile",
    "/kept/default/": "left_behind.default_pile",
    "/kept/lru/": "left_behind.lru_by_request",
    "/kept/log/": "left_behind.logged",
    "/kept/task/": "left_behind.of_task",
    "/kept/finalize/": "left_behind.to_finalize",
    "/kept/error/": "left_behind.of_error",
    "/kept/generator/": "left_behind.of_generator",
    "/kept/receiver/": "left_behind.receiver",
    "/kept/ring/": "left_behind.in_ring",
    "/kept/global/": "left_behind.last_in_global",
    "/kept/middleware/": "left_behind.of_middleware",
    "/kept/request/": "left_behind.kept_request",
    "/kept/context/": "left_behind.left_in_context",
    "/kept/thread/": "left_behind.left_in_thread",
    "/form/": "django_pages.form",
    "/list/": "django_pages.GroupList",
    "/who/": "django_pages.who",
    "/text/": "django_pages.from_text",
    "/cache/": "django_pages.cached",
    "/type/": "django_pages.content_type",
    "/database/long/": "django_pages.database",
    "/database/endless/": "django_pages.database",
    "/database/brief/": "django_pages.database",
}
"""Path to view, below `tests.fates.site`."""
VISITORS: Final = 3
PARTS: Final = (1, 2, 3)
"""The requests come in three parts, with a walk after each. What a request replaces and the
collector frees leaves no trace but in walks, and fewer than three show no rule."""
TIMES: Final = 3
"""How often each page is asked for in each part."""
AFTERWARDS: Final = 4
"""Plain requests after each part, one after the other: they let go what was lent until then."""


def requests_of(part: int) -> list[tuple[str, int]]:
    """Returns (path, visitor) of each request of a part, in an order that is always the same."""
    chance = random.Random(part)
    asked = [path for path in PAGES for _ in range(TIMES)]
    chance.shuffle(asked)
    return [(path, chance.randrange(VISITORS)) for path in asked]
