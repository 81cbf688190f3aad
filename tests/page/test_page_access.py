"""Whether everybody can read, reach and use all of the page, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.page.samples import each_view, workers
from tests.render.sample_cafe import cafe
from tracer.render.page import html


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_system_in_light_and_dark_and_a_button_changes_it(
    opened: Any, scheme: str
) -> None:
    """The button says what it does."""
    page = opened([cafe()], "#requests", color_scheme=scheme)
    other = "dark" if scheme == "light" else "light"
    assert (brightness(page) > 128) == (scheme == "light")
    page.get_by_role("button", name=f"Use {other} colours").click()
    assert (brightness(page) > 128) == (other == "light")
    page.get_by_role("button", name=f"Use {scheme} colours").click()
    assert (brightness(page) > 128) == (scheme == "light")


def brightness(page: Any) -> float:
    """Returns the brightness of the page's ground, from 0 to 255."""
    text = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", text)[:3])) / 3


TEXTS = """
() => {
  const numbers = (text) => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(srgb") ? found.map((v, i) => (i < 3 ? v * 255 : v)) : found;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest("script, :disabled, .faint, option")) continue;
    const colour = numbers(getComputedStyle(element).color).slice(0, 3);
    texts.push([walker.currentNode.data.trim(), colour, ground(element)]);
  }
  return texts;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(opened: Any, scheme: str) -> None:
    """Its contrast to its ground is at least 4.5."""
    page = opened(workers(), color_scheme=scheme)
    for view in each_view(page):
        texts = page.evaluate(TEXTS)
        assert len(texts) > 20
        low = {
            (view, text, round(html.contrast(tuple(colour), tuple(ground)), 2))
            for text, colour, ground in texts
            if html.contrast(tuple(colour), tuple(ground)) < 4.5
        }
        assert low == set()


ODD_CELLS = """
() => [...document.querySelectorAll("[role=row] > *")].map((cell) => cell.getAttribute("role"))
  .filter((role) => !/^(gridcell|cell|columnheader|rowheader)$/.test(role))
"""


FOCUS = """
() => {
  const at = document.activeElement;
  return [at.className || at.id || at.tagName, getComputedStyle(at).outlineStyle];
}
"""


UNNAMED = """
() => [...document.querySelectorAll(
    "button, select, input, [tabindex], [role=treegrid], [role=table]")]
  .filter((element) => element.checkVisibility() && element.id !== "view")
  .filter((element) => !(element.getAttribute("aria-label") || element.innerText
    || element.labels?.length))
  .map((element) => element.outerHTML.slice(0, 120))
"""


def test_every_control_has_a_name_and_a_role(opened: Any) -> None:
    """Screen readers need them; and no id is used twice."""
    page = opened(workers())
    for view in each_view(page):
        assert page.evaluate(UNNAMED) == []
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map((each) => each.id)")
        assert len(ids) == len(set(ids))
        assert page.locator("[role=tab][aria-selected=true]").inner_text().lower() == view
        assert page.locator("h1").count() == page.locator("main").count() == 1
        assert page.evaluate(ODD_CELLS) == []
    assert page.evaluate("document.documentElement.lang") == "en"


PICTURE = {"processes": "line-row", "requests": "row", "lifelines": "line-row", "ledger": "scrolls",
           "boot": "row"}  # fmt: skip
"""View to what can be walked through in it."""


def test_tab_reaches_everything_and_the_focus_is_visible(opened: Any) -> None:
    """It reaches the tabs, the filters and every picture."""
    page = opened(workers())
    for view in each_view(page):
        page.evaluate("document.activeElement.blur()")
        reached = []
        for _ in range(40):
            page.keyboard.press("Tab")
            where, outline = page.evaluate(FOCUS)
            if where == "BODY":
                break
            assert outline != "none", (view, where)
            reached.append(where.split()[0])
        assert {PICTURE[view], "toggle"} <= set(reached)


def test_arrows_move_from_tab_to_tab(opened: Any) -> None:
    """After the last comes the first."""
    page = opened(workers())
    page.get_by_role("tab", name="Processes").focus()
    for name in ("Requests", "Lifelines", "Ledger", "Boot", "Processes"):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.innerText") == name
        assert page.locator("[aria-selected=true][role=tab]").inner_text() == name


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(opened: Any, width: int) -> None:
    """On a desktop and on a telephone."""
    page = opened(workers(), viewport={"width": width, "height": 844})
    over = {
        view: page.evaluate("document.documentElement.scrollWidth - innerWidth")
        for view in each_view(page)
    }
    assert max(over.values()) <= 0, over
