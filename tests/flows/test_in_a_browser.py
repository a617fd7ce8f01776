"""The product as people use it: a real browser, PostgreSQL, Redis, web and worker processes."""

import re
import shutil
from pathlib import Path

import pytest
from django.conf import settings

from tests.servers import running, scratch_database

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
REDIS = "redis://127.0.0.1:6379"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium"),
    pytest.mark.skipif(
        "postgres" not in settings.DATABASE_URL, reason="DATABASE_URL is not PostgreSQL"
    ),
    pytest.mark.skipif(not settings.REDIS_URL, reason="REDIS_URL is not set"),
]


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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


def test_a_visitor_is_served_in_chinese_and_handed_to_a_person(product, open_page, staff):
    address, _ = product
    visitor = open_page(locale="zh-CN")
    open_chat(visitor, address)
    say(visitor, "我想买一部手机")
    visitor.locator("#rapport-chat .card").first.wait_for()
    say(visitor, "转人工")
    chat = staff.locator("#result_list a").filter(has_text=re.compile("Chat|会话")).first
    until(staff, f"{address}/admin/chatbot/conversation/?state__exact=queued", chat)
    chat.click()
    staff.get_by_role("button", name="Take over").click()
    staff.locator("#chat-answer textarea").fill("您好，我是客服小林")
    staff.locator("#chat-answer button").click()
    visitor.get_by_text("您好，我是客服小林").wait_for()
    say(visitor, "你好小林")
    staff.get_by_text("你好小林").wait_for()
    staff.get_by_role("button", name="Hand back to the bot").click()
    say(visitor, "推荐一双跑鞋")
    visitor.locator("#rapport-chat .card").nth(3).wait_for()


def test_what_was_said_is_there_after_a_reload(product, open_page):
    address, _ = product
    visitor = open_page()
    open_chat(visitor, address)
    say(visitor, "I need a phone under 3000")
    visitor.locator("#rapport-chat .card").first.wait_for()
    visitor.reload()
    visitor.locator("button.launch").click()
    visitor.get_by_text("I need a phone under 3000").wait_for()
    assert visitor.get_by_text("I need a phone under 3000").count() == 1


def test_a_purchase_is_gone_from_the_next_page(product, open_page):
    address, _ = product
    page = open_page()
    page.goto(address)
    page.locator(".row .card a").first.click()
    title = page.locator("h1").inner_text()
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_label("E-mail").fill("browser@example.org")
    page.get_by_role("button", name="Order", exact=True).click()
    page.get_by_text("Thank you for your order").wait_for()
    page.goto(address)
    assert title not in page.locator(".row").first.locator("h3").all_inner_texts()


def test_not_for_me_works_by_keyboard_and_can_be_undone(product, open_page):
    address, _ = product
    page = open_page()
    page.goto(address)
    titles = page.locator(".row").first.locator("h3")
    title = titles.first.inner_text()
    page.get_by_role("button", name=f"Not for me: {title}", exact=True).press("Enter")
    page.get_by_text(f"{title} will not be recommended to you again.").wait_for()
    assert title not in titles.all_inner_texts()
    page.get_by_role("button", name="Undo").press("Enter")
    page.locator(".hidden-line").wait_for(state="detached")
    assert title in titles.all_inner_texts()


def test_staff_start_a_campaign_and_mail_goes_out(product, staff):
    address, folder = product
    staff.goto(f"{address}/admin/campaigns/campaign/")
    staff.get_by_role("link", name="We miss you").click()
    staff.get_by_role("link", name="Start").first.click()
    staff.get_by_role("button", name="Yes").click()
    row = staff.locator("#result_list tr").filter(has_text="We miss you")
    until(
        staff,
        f"{address}/admin/campaigns/campaign/",
        row.get_by_text("finished", exact=False).first,
    )
    assert list((folder / "mail").glob("*.eml"))
    staff.get_by_role("link", name="We miss you").click()
    staff.get_by_role("link", name="Result").first.click()
    staff.get_by_text("Where every message is").wait_for()


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_shop_never_scrolls_sideways(product, open_page, locale, width):
    address, _ = product
    page = open_page(locale=locale, width=width)
    page.goto(address)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width


def test_staff_pages_speak_chinese(product, open_page):
    address, folder = product
    page = open_page(locale="zh-CN")
    page.goto(f"{address}/admin/")
    page.fill("input[name=username]", "staff")
    page.fill("input[name=password]", (folder / "staff-password").read_text())
    page.press("input[name=password]", "Enter")
    page.get_by_text("转化率").wait_for()
    for path, word in (("crm/customer", "客户"), ("campaigns/campaign", "营销活动")):
        page.goto(f"{address}/admin/{path}/")
        assert word in page.content()
