"""A journey from nothing to its result: staff build it, a customer starts it in the shop."""

import email
import time
from email import policy

import pytest

from tests.flows.browsing import needs_a_browser, open_chat, say, until

pytestmark = needs_a_browser
READER = "journeys@example.org"


@pytest.fixture
def reader(product, open_page):
    """A visitor who ordered under an address and signed up for offers in the chat."""
    address, _ = product
    page = open_page()
    order(page, address)
    open_chat(page, address)
    say(page, "please subscribe me to your emails")
    page.get_by_role("button", name="Offers", exact=True).click()
    page.get_by_text("you will hear from us about Offers").wait_for()
    return page


def order(page, address):
    page.goto(address)
    page.locator(".row .card a").first.click()
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_label("E-mail").fill(READER)
    page.get_by_role("button", name="Order", exact=True).click()
    page.get_by_text("Thank you for your order").wait_for()


def build(staff, address):
    """By keyboard where it is a form, as staff do it."""
    staff.goto(f"{address}/admin/campaigns/journey/add/")
    staff.locator("[name=name]").fill("Looked at something")
    staff.locator("select[name=topic]").select_option(label="Offers")
    staff.locator("select[name=recipe]").select_option("blank")
    staff.locator("[name=name]").press("Enter")
    staff.locator("[data-picture] svg").wait_for()
    staff.locator("#node-entry summary").press("Enter")
    field(staff, "entry", "event").select_option(label="looked at a product")
    staff.locator(".journey-add select").select_option("message")
    staff.locator(".journey-add button").press("Enter")
    field(staff, "message-2", "name").fill("A word to you")
    field(staff, "message-2", "template").select_option(label="Picked for you")
    field(staff, "message-2", "channel").select_option(label="E-mail")
    field(staff, "message-2", "next").select_option("end")
    staff.locator("#node-entry summary").press("Enter")
    field(staff, "entry", "next").select_option("message-2")
    staff.get_by_text("Saved.", exact=True).wait_for()
    staff.locator("[data-picture] .journey-title").get_by_text("A word to you").wait_for()


def field(page, node, name):
    return page.locator(f"#node-{node} [data-field={name}] .rule-control").first


def set_goal(staff):
    staff.get_by_role("link", name="Settings and steps").click()
    staff.locator("select[name=goal_event]").select_option(label="placed an order")
    staff.locator("[name=name]").press("Enter")
    staff.get_by_role("link", name="Looked at something").first.wait_for()
    staff.get_by_role("link", name="Looked at something").first.click()
    staff.get_by_role("link", name="Launch").first.click()


def mails_to(folder, reader, *, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = [
            email.message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in (folder / "mail").glob("*.eml")
        ]
        if mine := [message for message in found if message["To"] == reader]:
            return mine
        time.sleep(0.5)
    return []


def test_a_journey_from_nothing_to_its_result(product, staff, reader):
    address, folder = product
    build(staff, address)
    set_goal(staff)
    staff.locator("#simulation").wait_for()
    staff.get_by_role("button", name="Yes").click()
    staff.get_by_text("The journey is live.").first.wait_for()
    canvas = staff.url
    reader.goto(address)
    reader.locator(".row .card a").nth(1).click()
    reader.locator("h1").wait_for()
    (message,) = mails_to(folder, READER, seconds=90)
    assert message["Subject"]
    order(reader, address)
    result = canvas.replace("canvas", "result")
    until(staff, result, staff.get_by_text("1 of 1 who came in reached the goal."))
    assert "sent 1 +" in staff.locator("#equation").inner_text()
    staff.get_by_role("link", name="Why?").first.click()
    staff.locator("#trace").get_by_text("looked at a product", exact=False).first.wait_for()
