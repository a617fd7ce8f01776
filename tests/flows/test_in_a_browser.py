"""The product as people use it: a real browser, PostgreSQL, Redis, web and worker processes."""

import pytest

from tests.flows.browsing import needs_a_browser, open_chat, say, until

pytestmark = needs_a_browser


def test_staff_work_the_desk_by_keyboard_and_hand_back_what_was_agreed(product, open_page, staff):
    address, _ = product
    visitor = open_page()
    open_chat(visitor, address)
    staff.goto(f"{address}/admin/chatbot/conversation/waiting/")
    staff.get_by_role("heading", name="Nobody is waiting").wait_for()
    say(visitor, "I want to talk to a person")
    staff.locator("#queue-rows a").wait_for()
    staff.wait_for_function("document.title.startsWith('(1)')")
    staff.keyboard.press("n")
    box = staff.locator("#chat-answer textarea")
    box.wait_for()
    staff.keyboard.press("Alt+n")
    box.fill("owes us a call")
    box.press("Enter")
    staff.locator(".chat-line.note").wait_for()
    box.press_sequentially("/hel")
    staff.locator("#chat-canned li").first.wait_for()
    box.press("Enter")
    box.press("Enter")
    visitor.get_by_text("How can I help?").wait_for()
    staff.get_by_role("button", name="Agree and hand back").click()
    staff.locator("#chat-agree input").fill("A new lamp on Friday")
    staff.keyboard.press("Enter")
    visitor.get_by_text("What we agreed: A new lamp on Friday").wait_for()
    assert visitor.get_by_text("owes us a call").count() == 0
    say(visitor, "show me running shoes")
    visitor.locator("#rapport-chat .card").first.wait_for()


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
