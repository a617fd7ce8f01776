"""The widget's file, and what it asks before it opens a line."""

import gzip
import re

import pytest

from chatbot import visits
from chatbot.channel import ChatChannel
from chatbot.models import Conversation
from chatbot.views import STATIC
from chatbot.visits import Claim
from crm import customers
from tests import factories
from tests.chatbot.conftest import NOW
from tests.chatbot.test_visits import SECRET, signed

pytestmark = pytest.mark.django_db


def script(client):
    return client.get("/widget.js")


def speak(customer, message_id="m1"):
    ChatChannel().deliver(
        to=str(customer.public_id),
        subject="New lamps",
        text="Have a look.",
        html="",
        headers={},
        message_id=message_id,
    )


def waits(client, body):
    answer = client.post("/widget/waiting/", body, content_type="text/plain")
    assert answer["Access-Control-Allow-Origin"] == "*"
    return answer.json()["waiting"]


def test_the_whole_widget_is_one_small_file(client):
    body = script(client).content
    assert len(gzip.compress(body)) <= 50_000
    assert b".launch {" in body  # its style is inside
    assert b"{{ style }}" not in body


def test_it_may_be_carried_by_any_page_and_is_asked_for_again_only_when_it_changed(client):
    answer = script(client)
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "max-age=3600" in answer["Cache-Control"]
    again = client.get("/widget.js", headers={"if-none-match": answer["ETag"]})
    assert again.status_code == 304


def test_text_is_never_set_as_markup_and_nothing_is_inline():
    source = (STATIC / "widget.js").read_text()
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert not re.search(forbidden, source)
    assert not re.search(r"setAttribute\(\"(style|on\w+)\"", source)


def test_both_languages_say_the_same_things():
    source = re.sub(r'"[^"]*"', '""', (STATIC / "widget.js").read_text())
    chinese, english = source[source.index("const T =") : source.index("};")].split("} : {")
    keys = [set(re.findall(r"(\w+): [\"\[(]", part)) for part in (chinese, english)]
    assert keys[0] == keys[1] >= {"title", "cart", "offline", "rate", "cartSay", "first"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(theme):
    style = (STATIC / "widget.css").read_text()
    light, dark = re.findall(r"--ink: .*", style)[:2]
    colors = dict(re.findall(r"--([\w-]+): (#\w+)", light))
    if theme == "dark":
        colors |= dict(re.findall(r"--([\w-]+): (#\w+)", dark))
    written = [("ink", "paper"), ("ink", "soft"), ("ink", "bubble"), ("muted", "paper")]
    written += [("brand-ink", "brand"), ("brand", "paper"), ("brand", "bubble"), ("gold", "paper")]
    for text, behind in written:
        assert contrast(colors[text], colors[behind]) >= 4.5, (text, behind)


def contrast(one, other):
    """The ratio of WCAG 2: 4.5 is enough for small text."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def luminance(color):
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_what_a_campaign_said_waits_for_its_visitor(client):
    customer = customers.resolve({"anonymous_id": "v" * 20}, source="shop", at=NOW)
    token = '{"visitor": "%s"}' % ("v" * 20)
    assert not waits(client, token)
    speak(customer)
    assert waits(client, token)
    visit = visits.enter(Claim(visitor="v" * 20), secret=SECRET, now=NOW)
    assert visit.conversation.messages.get().text == "New lamps\nHave a look."
    assert visit.conversation.visitor == "v" * 20


def test_it_is_one_message_however_often_it_is_delivered():
    customer = factories.make_customer("Ada", at=NOW)
    speak(customer)
    speak(customer)
    assert Conversation.objects.get().last_seq == 1


def test_what_was_said_to_a_known_customer_is_shown_to_nobody_without_proof(client):
    customer = customers.resolve(
        {"anonymous_id": "v" * 20, "user_id": "ada"}, source="shop", at=NOW
    )
    speak(customer)
    assert not waits(client, '{"visitor": "%s"}' % ("v" * 20))
    stranger = visits.enter(Claim(visitor="v" * 20), secret=SECRET, now=NOW)
    assert stranger.conversation.last_seq == 0
    proven = Claim(visitor="v" * 20, user_id="ada", proof=signed("ada"))
    assert visits.enter(proven, secret=SECRET, now=NOW).conversation.last_seq == 1


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '{"visitor": 7}', '{"visitor": "\\u0000"}']
)
def test_nonsense_waits_for_nothing(client, body):
    assert not waits(client, body)


def test_the_source_of_an_answer_goes_along(visitor):
    visitor.say("how much is shipping?")
    assert visitor.answer.payload["source"] == "How much is shipping?"
    visitor.say("hello")
    assert "source" not in visitor.answer.payload
