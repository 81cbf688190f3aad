"""Opens HTML pages in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tracer.model import Process
from tracer.render.page.html import html_page

try:
    from playwright.sync_api import Browser, Page, sync_playwright
except ImportError:  # its extra is not installed: `opened` says so, or fails where it must not
    sync_playwright = None

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE = 90_000
"""Milliseconds after which a page that does not do what it should has failed."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Yields a browser for a module's tests. Without one they are skipped; in CI they fail."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None or sync_playwright is None:
        missing = "chromium" if program is None else "playwright"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing} is missing; .ci/run installs it")
        pytest.skip(f"{missing} is not installed: apt install chromium, pip install playwright")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


Open = Callable[..., "Page"]


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """`opened(processes, "#requests")` is their page, or a file's; options are a context's.

    When the test is over, no page may have complained, asked anything of a network, opened a
    dialog or moved what was there already.
    """
    complaints: list[str] = []
    contexts = []

    def open_(what: list[Process] | Path, where: str = "", **options: Any) -> Page:
        path = what if isinstance(what, Path) else tmp_path / f"page-{len(contexts)}.html"
        if not isinstance(what, Path):
            path.write_text(html_page(what), "utf-8")
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.add_init_script(SHIFTS)
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (complaints.append("dialog"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                complaints.append(f"request: {request.url}")
                if not request.url.startswith((path.as_uri(), "data:,"))
                else None
            ),
        )
        page.goto(path.as_uri() + where)
        page.wait_for_selector("#view > *")
        return page

    yield open_
    for context in contexts:
        for page in context.pages:
            complaints += page.evaluate("window.shifts ?? []")
        context.close()
    assert complaints == []


SHIFTS = """
window.shifts = [];
const asked = [];
for (const kind of ["keydown", "pointerdown", "pointerup", "click", "input", "change"]) {
  addEventListener(kind, () => {
    const answer = { from: performance.now(), to: Infinity };
    asked.push(answer);
    // The frame after the next one begins when the answer has been drawn, however late that is.
    requestAnimationFrame(() => requestAnimationFrame((now) => { answer.to = now; }));
  }, { capture: true });
}
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const moved = entry.sources.map(({ node }) => node?.className ?? node?.parentNode?.className);
    const at = entry.startTime;
    const answers = entry.hadRecentInput || asked.some(({ from, to }) => from <= at && at < to);
    if (!answers) window.shifts.push(`moved by ${entry.value}: ${moved}`);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
"""Counts what moved without having been asked to."""
