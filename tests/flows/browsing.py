"""What a person does in a browser, in words of the tests."""

import shutil
from pathlib import Path

import pytest
from django.conf import settings

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
needs_a_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium"),
    pytest.mark.skipif(
        "postgres" not in settings.DATABASE_URL, reason="DATABASE_URL is not PostgreSQL"
    ),
    pytest.mark.skipif(not settings.REDIS_URL, reason="REDIS_URL is not set"),
]


def open_chat(page, address):
    page.goto(address)
    page.locator("button.launch").click()
    page.locator("textarea").wait_for()


def say(page, text):
    box = page.locator("textarea")
    box.fill(text)
    box.press("Enter")


def until(page, url, locator, *, seconds=120):
    """Look at a page again and again until something is on it."""
    for _ in range(seconds * 2):
        page.goto(url)
        if locator.count():
            return
        page.wait_for_timeout(500)
    pytest.fail(f"never on {url}: {page.inner_text('body')[:1000]}")
