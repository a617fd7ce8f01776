"""What the bot was unsure about, across all chats, and how well it tells intents apart."""

import json

import pytest
from django.urls import reverse

from chatbot import learning
from chatbot.learning import Filters
from chatbot.models import Example, Message
from crm.models import Artifact
from tests.chatbot.conftest import NOW
from tests.chatbot.staff import make_staff
from tests.chatbot.test_figures import make_chat, say

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    client.force_login(make_staff(), backend="django.contrib.auth.backends.ModelBackend")
    return client


def unsure(**given):
    return [message.text for message in learning.unsure(Filters.of(given))[0]]


class TestUnsure:
    @pytest.fixture(autouse=True)
    def _said(self, db):
        chat = make_chat(said="sure")
        say(chat, "engrave it?", sure=0.3, intent="faq")
        say(chat, "an answer", sure=0.1, sender="bot")
        say(make_chat(said="sure"), "刻字吗", sure=0.2, intent="coupon")
        say(chat, "hm", sure=0.9, acts=["fallback_clarify"], intent="faq")
        Message.objects.filter(text="刻字吗").update(language="zh")

    def test_customers_messages_of_all_chats_the_newest_first(self):
        assert unsure() == ["hm", "刻字吗", "engrave it?"]

    def test_what_was_said_to_staff_is_not_the_bots_to_know(self):
        say(make_chat(said="sure"), "call me", sure=0.2, acts=["stay_silent"])
        assert "call me" not in unsure()

    def test_by_language_and_by_what_it_was_taken_for(self):
        assert unsure(language="zh") == ["刻字吗"]
        assert unsure(intent="faq") == ["hm", "engrave it?"]

    def test_what_was_taught_is_gone_unless_asked_for(self, staff):
        message = Message.objects.get(text="engrave it?")
        answer = staff.post(
            reverse("admin:chatbot_do", args=[message.conversation_id]),
            json.dumps({"action": "correct", "message": message.pk, "intent": "product_info"}),
            content_type="application/json",
        )
        assert answer.status_code == 200
        assert Example.objects.get().intent == "product_info"
        assert "engrave it?" not in unsure()
        assert "engrave it?" in unsure(taught="1")

    @pytest.mark.parametrize("page", ["0", "-1", "x", "", "9" * 30, "²", "1.5"])
    def test_a_page_that_makes_no_sense_is_some_page(self, page):
        assert 1 <= Filters.of({"page": page}).page <= learning.DEEPEST

    def test_odd_filters_find_nothing_or_everything_and_break_nothing(self, staff):
        address = reverse("admin:chatbot_learning")
        for given in ({"language": "'; --"}, {"intent": "\x00<b>"}, {"page": "-3", "taught": "?"}):
            assert staff.get(address, given).status_code == 200

    def test_pages_follow_each_other_without_gap_or_repetition(self):
        chat = make_chat()
        for number in range(95):
            say(chat, f"unsure {number}", sure=0.2)
        found, more = [], True
        for page in range(1, 4):
            messages, more = learning.unsure(Filters(page=page))
            found += [message.pk for message in messages]
        assert not more
        assert len(found) == len(set(found)) == 98

    def test_the_page_costs_the_same_for_many(self, staff, django_assert_max_num_queries):
        chat = make_chat()
        for number in range(60):
            say(chat, f"unsure {number}", sure=0.2)
        with django_assert_max_num_queries(8):
            page = staff.get(reverse("admin:chatbot_learning"))
        assert page.content.decode().count('class="learn-row') == 40


ROW = {"precision": 0.9, "recall": 0.9, "f1": 0.9, "count": 40}


class TestTheReport:
    def champion(self, **backtest):
        Artifact.objects.create(
            name="intents", status="champion", sha256="0" * 64, format=1, backtest=backtest,
            as_of=NOW, trained_at=NOW,
        )  # fmt: skip

    def test_the_worst_intent_and_the_most_confused_pair_come_first(self):
        worse = {"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "count": 8}
        self.champion(
            per_intent={"faq": ROW, "coupon": worse},
            confusions=[["why", "faq", 5], ["faq", "coupon", 2]],
        )
        found = learning.report()
        assert [(one.name, one.count) for one in found.intents] == [("coupon", 8), ("faq", 40)]
        assert [(one.wanted, one.heard, one.count) for one in found.confused] == [
            ("why", "faq", 5),
            ("faq", "coupon", 2),
        ]

    def test_what_was_never_named_or_never_wanted_has_no_share(self, staff):
        never = {"precision": None, "recall": None, "f1": 0.0, "count": 0}
        self.champion(per_intent={"gift": never, "faq": ROW}, confusions=[])
        assert [one.name for one in learning.report().intents] == ["faq", "gift"]
        page = staff.get(reverse("admin:chatbot_learning")).content.decode()
        assert page.count('<td class="text-right pl-3">–</td>') == 2

    def test_an_artifact_without_one_says_so(self, staff):
        self.champion()
        assert learning.report().intents == []
        page = staff.get(reverse("admin:chatbot_learning")).content.decode()
        assert "the next training writes it" in page

    def test_nothing_trained_is_a_normal_day(self, staff):
        assert learning.report() is None
        page = staff.get(reverse("admin:chatbot_learning"))
        assert "manage.py train intents" in page.content.decode()

    def test_in_chinese(self, staff):
        self.champion(per_intent={"faq": ROW}, confusions=[["faq", "why", 2]])
        page = staff.get(
            reverse("admin:chatbot_learning"), headers={"accept-language": "zh-hans"}
        ).content.decode()
        assert "各意图的识别情况" in page
        assert "查全率" in page
