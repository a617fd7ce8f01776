"""The chat as customers and staff use it, each in a browser of their own."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.flows.browsing import needs_a_browser, open_chat, say, until

pytestmark = needs_a_browser
PAGE = '<!doctype html><title>A blog</title><script src="{address}/widget.js" data-locale="en"></script>'


def answers(page):
    return page.locator("#rapport-chat .row.bot").count()


def ask(page, text):
    """Say something and wait for the answer to it."""
    page.locator("#rapport-chat .row.bot").first.wait_for()  # the greeting, at least
    before = answers(page)
    say(page, text)
    page.locator("#rapport-chat .row.bot").nth(before).wait_for()
    return page.locator("#rapport-chat .row.bot").nth(before)


def prices(row):
    row.locator(".price").first.wait_for()
    return [float(re.sub(r"[^\d.]", "", text)) for text in row.locator(".price").all_inner_texts()]


def take_over(staff, address, visitor):
    """Staff open the visitor's chat and take it, unless it was given to them already."""
    kept = visitor.evaluate("JSON.parse(localStorage['rapport-chat']).conversation")
    chat = staff.locator("#result_list a").filter(has_text=kept[:8]).first
    until(staff, f"{address}/admin/chatbot/conversation/", chat)
    chat.click()
    staff.get_by_role("button", name="Take over").click()
    visitor.locator(".row.system").first.wait_for()


def test_from_a_question_in_chinese_to_a_person_and_back_to_stars(product, open_page, staff):
    address, _ = product
    visitor = open_page(locale="zh-CN")
    open_chat(visitor, address)
    assert ask(visitor, "我想买一部手机").locator(".card").count() > 1
    within = prices(ask(visitor, "3000以内的"))
    assert max(within) <= 3000
    cheaper = ask(visitor, "有没有更便宜的")
    assert prices(cheaper)[0] <= max(within)
    title = cheaper.locator(".card b").first.inner_text()
    before = answers(visitor)
    cheaper.locator(".card .add").first.click()
    visitor.locator("#rapport-chat .row.bot").nth(before).get_by_text(title).first.wait_for()
    ask(visitor, "转人工")
    take_over(staff, address, visitor)
    staff.locator("#chat-answer textarea").fill("您好，我是客服小林")
    staff.locator("#chat-answer textarea").press("Enter")
    visitor.get_by_text("您好，我是客服小林").wait_for()
    say(visitor, "你好小林")
    staff.get_by_text("你好小林").wait_for()
    staff.get_by_role("button", name="Hand back to the bot").click()
    visitor.get_by_text("智能助手继续为您服务").wait_for()
    assert ask(visitor, "推荐一双跑鞋").locator(".card").count() > 0
    visitor.get_by_role("button", name="评价服务").click()
    visitor.get_by_role("button", name="5 分").click()
    visitor.get_by_text("谢谢您的评价").wait_for()
    visitor.goto(f"{address}/cart/")
    assert title in visitor.locator("main").inner_text()
    rated = staff.locator("#result_list").get_by_text(re.compile("csat", re.I)).first
    until(staff, f"{address}/admin/crm/feedback/?kind__exact=csat", rated)


def test_by_keyboard_alone(product, open_page):
    address, _ = product
    page = open_page()
    page.goto(address)
    page.locator("button.launch").press("Enter")
    focused = "document.querySelector('#rapport-chat').shadowRoot.activeElement"
    assert page.evaluate(f"{focused}.tagName") == "TEXTAREA"
    for _ in range(12):  # round and round, and never out of the chat
        page.keyboard.press("Tab")
        assert page.evaluate(f"!!{focused} && !!{focused}.closest('.panel')")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(f"!!{focused}.closest('.panel')")
    page.keyboard.press("Escape")
    assert page.evaluate(f"{focused}.className") == "launch"
    assert page.locator(".panel").is_hidden()


@pytest.mark.parametrize("width", [390, 320])
def test_on_a_phone_the_chat_is_the_whole_page(product, open_page, width):
    address, _ = product
    page = open_page(width=width)
    open_chat(page, address)
    ask(page, "I need a phone under 3000").locator(".card").first.wait_for()
    box = page.locator(".panel").bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, width, 900)
    assert page.locator(".panel").get_attribute("aria-modal") == "true"
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_is_written_while_the_line_is_down_is_sent_once_it_is_back(product, open_page):
    address, _ = product
    page, lines, is_up = open_page(), [], [True]

    def line(wire):
        lines.append(wire)
        if is_up[0]:
            wire.connect_to_server()
        else:
            wire.close(code=1013)

    page.route_web_socket(re.compile("/ws/chat/"), line)
    open_chat(page, address)
    ask(page, "hello")
    is_up[0] = False
    lines[-1].close(code=1013)
    page.get_by_text("Connection lost").wait_for()
    say(page, "how much is shipping?")
    page.get_by_text("Sending…").wait_for()
    page.reload()
    is_up[0] = True
    page.locator("button.launch").click()
    page.locator("#rapport-chat .row.bot").nth(1).wait_for()
    assert page.get_by_text("how much is shipping?", exact=True).count() == 1
    assert page.get_by_text("Sending…").count() == 0


def test_a_thumb_and_why(product, open_page, staff):
    address, _ = product
    page = open_page()
    open_chat(page, address)
    answer = ask(page, "how much is shipping?")
    answer.get_by_role("button", name="Not helpful").click()
    answer.get_by_placeholder("What was wrong?").fill("which country?")
    answer.get_by_role("button", name="Submit").click()
    answer.get_by_text("Thank you for the feedback!").wait_for()
    assert answer.get_by_role("button", name="Not helpful").get_attribute("aria-pressed") == "true"


def test_a_page_of_another_origin_with_a_strict_policy_may_carry_it(product, open_page):
    address, _ = product
    policy = (
        f"default-src 'none'; script-src {address}; img-src {address}; "
        f"connect-src {address} {address.replace('http', 'ws')}"
    )

    class Blog(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Security-Policy", policy)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.format(address=address).encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Blog) as blog:
        threading.Thread(target=blog.serve_forever, daemon=True).start()
        page = open_page()
        open_chat(page, f"http://127.0.0.1:{blog.server_port}/")
        ask(page, "I need a phone under 3000").locator(".card").first.wait_for()
        assert page.locator("button.launch").bounding_box()["width"] == 60  # its style is there
        blog.shutdown()


def test_unread_messages_are_counted_until_they_are_read_and_not_on_the_next_page(
    product, open_page, staff
):
    address, _ = product
    page = open_page()
    open_chat(page, address)
    ask(page, "talk to a person please")
    take_over(staff, address, page)
    page.locator(".panel .close").click()
    staff.locator("#chat-answer textarea").fill("Are you there?")
    staff.locator("#chat-answer textarea").press("Enter")
    page.locator(".badge").get_by_text("1").wait_for()
    page.reload()
    page.locator(".badge").get_by_text("1").wait_for()
    page.locator("button.launch").click()
    page.get_by_text("Are you there?").wait_for()
    page.reload()
    page.locator("button.launch").wait_for()
    page.wait_for_function(
        "document.querySelector('#rapport-chat').shadowRoot.querySelectorAll('.row').length > 2"
    )
    assert page.locator(".badge").is_hidden()


def test_each_side_sees_the_other_type_and_read(product, open_page, staff):
    address, _ = product
    visitor = open_page()
    open_chat(visitor, address)
    ask(visitor, "hello")
    take_over(staff, address, visitor)
    visitor.get_by_text("You are talking to our staff").wait_for()
    staff.locator("#chat-answer textarea").press_sequentially("One", delay=30)
    visitor.get_by_text("Staff is typing").wait_for()
    staff.locator("#tab-note").click()
    staff.locator("#chat-answer textarea").press_sequentially(" moment", delay=30)
    visitor.get_by_text("Staff is typing").wait_for(state="detached")  # a note is nobody's business
    staff.locator("#tab-answer").click()
    staff.locator("#chat-answer textarea").press("Enter")
    visitor.get_by_text("One moment").wait_for()
    staff.locator(".chat-mark", has_text="Read").wait_for()
    visitor.locator("textarea").press_sequentially("thanks", delay=30)
    staff.get_by_text("The customer is typing…").wait_for()
    visitor.locator("textarea").press("Enter")
    staff.locator(".chat-line.customer", has_text="thanks").wait_for()
    visitor.locator(".row.customer .mark", has_text="Read").wait_for()
    visitor.reload()
    visitor.locator("button.launch").click()
    visitor.locator(".row.customer .mark", has_text="Read").wait_for()
