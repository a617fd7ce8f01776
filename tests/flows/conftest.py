"""The product as people use it: a real browser, PostgreSQL, Redis, web and worker processes."""

import pytest
from django.conf import settings

from tests.flows.browsing import CHROMIUM, QUIET
from tests.servers import running, scratch_database


@pytest.fixture(scope="session")
def product(tmp_path_factory):
    """The product running on servers: its address, and the folder it writes to."""
    folder = tmp_path_factory.mktemp("browser")
    redis = settings.REDIS_URL.rsplit("/", 1)[0]
    with (
        scratch_database("browser") as database,
        running(
            folder,
            DATABASE_URL=database,
            REDIS_URL=f"{redis}/11",
            CELERY_BROKER_URL=f"{redis}/12",
        ) as address,
    ):
        yield address, folder


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """A page of a person of their own; what the browser complains of fails the test."""
    contexts, complaints = [], []

    def open_page(locale="en-GB", width=1280):
        context = browser.new_context(locale=locale, viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("response", lambda r: complaints.append(r.url) if r.status >= 400 else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def staff(open_page, product):
    address, folder = product
    page = open_page()
    page.goto(f"{address}/admin/")
    page.fill("input[name=username]", "staff")
    page.fill("input[name=password]", (folder / "staff-password").read_text())
    page.press("input[name=password]", "Enter")
    page.get_by_text("Customers by segment").wait_for()
    return page
