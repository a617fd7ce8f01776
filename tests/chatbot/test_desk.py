"""The staff's pages: who waits, the inbox beside it, and what customers never see."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from chatbot import cards, desk, presence, staffing, suggestions
from chatbot.consumers import _messages
from chatbot.models import CannedAnswer, Conversation, Message, Note, Presence
from tests.chatbot.conftest import NOW, Chat
from tests.chatbot.staff import make_staff
from tests.factories import make_customer

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def lin(client):
    staff = make_staff("lin", at=None)
    client.force_login(staff, backend=BACKEND)
    return staff


def post(client, name, body="{}", args=None):
    return client.post(
        reverse(f"admin:{name}", args=args),
        body if isinstance(body, str) else json.dumps(body),
        content_type="application/json",
    )


def do(client, chat, **wanted):
    return post(client, "chatbot_do", wanted, [chat.row.pk])


def queue(customer, *, minutes, language="en", said="hello?"):
    at = timezone.now() - timedelta(minutes=minutes)
    chat = Conversation.objects.create(
        customer=customer, state="queued", queued_at=at, created_at=at, updated_at=at,
        language=language, last_seq=1,
    )  # fmt: skip
    chat.messages.create(seq=1, sender="customer", text=said, created_at=at)
    chat.handoffs.create(reason="asked", requested_at=at)
    return chat


class TestWhoWaits:
    def test_who_waits_longest_stands_first_with_all_that_helps_to_choose(self, client, lin, ada):
        queue(make_customer("Bo"), minutes=3)
        queue(ada, minutes=9, language="zh", said="灯坏了")
        ada.scores.create(name="rfm", value=5, label="champions", version="x", at=NOW)
        first, second = client.get(reverse("admin:chatbot_waiting_rows")).json()["rows"]
        assert (first["customer"], second["customer"]) == ("Ada", "Bo")
        assert first["last"] == "灯坏了"
        assert (first["language"], first["reason"]) == ("Chinese", "asked for a person")
        assert first["label"] == "Champions"
        assert first["spent"].endswith("CNY")
        assert second["spent"] == second["label"] == ""

    def test_in_chinese(self, client, lin, ada):
        queue(ada, minutes=9)
        rows = reverse("admin:chatbot_waiting_rows")
        row = client.get(rows, headers={"accept-language": "zh-hans"}).json()["rows"][0]
        assert (row["language"], row["reason"]) == ("英文", "要求人工")
        page = client.get(reverse("admin:chatbot_waiting"), headers={"accept-language": "zh-hans"})
        assert "没有人在等候" in page.content.decode()

    def test_many_cost_as_many_queries_as_few(self, lin, ada, django_assert_num_queries):
        for count in (1, 20):
            for _ in range(count):
                queue(make_customer(), minutes=count)
            with django_assert_num_queries(4):
                desk.waiting(lin, now=NOW)

    def test_what_customers_wrote_comes_as_data_not_as_markup(self, client, lin, ada):
        queue(ada, minutes=1, said="<script>alert(1)</script>")
        answer = client.get(reverse("admin:chatbot_waiting_rows"))
        assert answer["Content-Type"] == "application/json"
        assert answer.json()["rows"][0]["last"] == "<script>alert(1)</script>"

    def test_the_oldest_is_taken_first_and_an_empty_list_is_no_error(self, client, lin, ada):
        old = queue(ada, minutes=9)
        queue(make_customer(), minutes=3)
        answer = post(client, "chatbot_next")
        assert answer.url == reverse("admin:chatbot_conversation_change", args=[old.pk])
        old.refresh_from_db()
        assert (old.state, old.assigned_to) == ("agent", lin)
        post(client, "chatbot_next")
        assert post(client, "chatbot_next").url == reverse("admin:chatbot_waiting")

    def test_what_is_meant_for_others_comes_last(self, lin, ada):
        theirs = queue(ada, minutes=9)
        Conversation.objects.filter(pk=theirs.pk).update(assigned_to=make_staff("bo"))
        mine = queue(make_customer(), minutes=1)
        assert staffing.take_next(lin, now=NOW) == mine
        assert staffing.take_next(lin, now=NOW) == theirs


class TestPresence:
    def test_the_open_page_says_that_its_reader_is_there(self, client, lin, ada):
        chat = queue(ada, minutes=1)
        heard = post(client, "chatbot_beat").json()
        assert (heard["waiting"], heard["mine"], heard["is_away"]) == (1, 1, False)
        assert presence.is_attended(timezone.now())
        chat.refresh_from_db()
        assert chat.assigned_to == lin

    def test_away_and_back(self, client, lin, ada):
        queue(ada, minutes=1)
        assert post(client, "chatbot_beat", {"is_away": True}).json()["is_away"]
        heard = post(client, "chatbot_beat").json()
        assert (heard["is_away"], heard["mine"]) == (True, 0)
        assert post(client, "chatbot_beat", {"is_away": False}).json()["mine"] == 1

    @pytest.mark.parametrize("body", ["{", "[]", '"x"', '{"is_away": "yes"}', '{"is_away": 7}'])
    def test_what_cannot_be_read_is_refused(self, client, lin, body):
        assert post(client, "chatbot_beat", body).status_code == 400
        assert not Presence.objects.exists()


class TestWhoMayDoWhat:
    PAGES = ("chatbot_waiting", "chatbot_waiting_rows")
    DEEDS = ("chatbot_beat", "chatbot_next")

    def test_strangers_are_sent_to_sign_in(self, client, db):
        for name in self.PAGES:
            assert client.get(reverse(f"admin:{name}")).status_code == 302
        for name in self.DEEDS:
            assert "/login/" in post(client, name).url
        assert not Presence.objects.exists()

    def test_staff_without_rights_see_and_do_nothing(self, client, chat):
        client.force_login(User.objects.create_user("bo", is_staff=True), backend=BACKEND)
        for name in self.PAGES:
            assert client.get(reverse(f"admin:{name}")).status_code == 403
        for name in self.DEEDS:
            assert post(client, name).status_code == 403
        address = reverse("admin:chatbot_suggestions", args=[chat.row.pk])
        assert client.get(address).status_code == 403

    def test_who_may_only_look_is_shown_no_buttons_and_is_not_at_the_desk(self, client, chat):
        bo = User.objects.create_user("bo", is_staff=True)
        bo.user_permissions.add(Permission.objects.get(codename="view_conversation"))
        client.force_login(bo, backend=BACKEND)
        page = client.get(reverse("admin:chatbot_conversation_change", args=[chat.row.pk]))
        assert 'data-action="take_over"' not in page.content.decode()
        assert client.get(reverse("admin:chatbot_waiting")).status_code == 200
        assert post(client, "chatbot_beat").status_code == 403
        assert do(client, chat, action="note", text="x").status_code == 403

    def test_deeds_are_never_done_by_a_link(self, client, lin):
        for name in self.DEEDS:
            assert client.get(reverse(f"admin:{name}")).status_code == 405


class TestNotes:
    def test_colleagues_read_them_and_nobody_else(self, client, lin, chat):
        chat.say("hello")
        assert do(client, chat, action="note", text="owes us money").status_code == 200
        address = reverse("admin:chatbot_messages", args=[chat.row.pk])
        note = client.get(address).json()["notes"][0]
        assert (note["text"], note["author"]) == ("owes us money", "lin")
        assert client.get(address, {"notes": note["id"]}).json()["notes"] == []

    def test_no_frame_of_the_socket_holds_one(self, client, lin, chat):
        chat.say("hello")
        do(client, chat, action="note", text="owes us money")
        do(client, chat, action="answer", text="Hi!")
        frames, _ = _messages(chat.row.pk, 0)
        assert "owes us money" not in json.dumps(frames)
        assert [f["seq"] for f in frames] == list(range(1, len(frames) + 1))
        assert "owes" not in "".join(json.dumps(cards.frame(m)) for m in Message.objects.all())

    def test_a_note_neither_takes_the_chat_nor_wakes_the_customer(self, client, lin, chat):
        chat.say("hello")
        before = chat.row.last_seq
        do(client, chat, action="note", text="x")
        chat.row.refresh_from_db()
        assert (chat.row.state, chat.row.last_seq) == ("bot", before)

    @pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
    def test_empty_and_endless_ones_are_refused(self, client, lin, chat, text):
        assert do(client, chat, action="note", text=text).status_code == 409
        assert not Note.objects.exists()


class TestCannedAnswers:
    @pytest.fixture(autouse=True)
    def _ready(self, db):
        CannedAnswer.objects.create(
            shortcut="hello",
            text_en="Hello {name}, this is {agent}. Is it about {order}? {0.__class__} {x}",
            text_zh="{name}您好，我是{agent}。",
        )
        CannedAnswer.objects.create(shortcut="old", text_en="never", is_active=False)
        CannedAnswer.objects.create(shortcut="spare", text_en="A spare part costs nothing.")

    def ready(self, chat, staff):
        chat.row.refresh_from_db()
        return {
            row["shortcut"]: row["text"]
            for row in suggestions.of(chat.row, staff, now=NOW)["canned"]
        }

    def test_placeholders_are_filled_and_nothing_else_is_run(self, chat, lin):
        found = self.ready(chat, lin)
        text = "Hello Ada, this is Lin. Is it about AB1000002? {0.__class__} {x}"
        assert found == {"hello": text, "spare": "A spare part costs nothing."}

    def test_they_come_in_the_customers_language_and_in_the_other_where_there_is_none(
        self, chat, lin
    ):
        chat.say("你好")
        found = self.ready(chat, lin)
        assert found["hello"] == "Ada您好，我是Lin。"
        assert found["spare"] == "A spare part costs nothing."

    def test_a_name_made_of_placeholders_is_only_a_name(self, chat, lin, ada):
        ada.name = "{agent}<b>"
        ada.save()
        chat.row.refresh_from_db()
        assert self.ready(Chat(ada, verified=True), lin)["hello"].startswith("Hello agent<b>,")

    def test_an_unproven_visitors_orders_are_not_named(self, visitor, lin):
        assert "Is it about …?" in self.ready(visitor, lin)["hello"]
        assert "Hello there," in self.ready(visitor, lin)["hello"]

    def test_staff_make_them_in_the_admin(self, client, lin):
        add = reverse("admin:chatbot_cannedanswer_add")
        fields = {"shortcut": "再见", "text_en": "Bye", "text_zh": "再见", "is_active": "on"}
        client.post(add, fields)
        assert CannedAnswer.objects.filter(shortcut="再见").exists()
        client.post(add, {**fields, "shortcut": "two words"})
        assert CannedAnswer.objects.count() == 4


class TestSuggestions:
    def test_the_question_book_answers_what_was_asked_last(self, client, lin, chat):
        chat.say("hello")
        chat.say("how much is shipping?")
        address = reverse("admin:chatbot_suggestions", args=[chat.row.pk])
        first = client.get(address).json()["suggestions"][0]
        assert first["text"] == "Free from 99."
        assert first["source"] == "How much is shipping?"

    def test_they_are_only_ever_chosen(self, client, lin, chat):
        chat.say("how much is shipping?")
        before = Message.objects.count()
        client.get(reverse("admin:chatbot_suggestions", args=[chat.row.pk]))
        assert Message.objects.count() == before

    def test_a_canned_answer_that_fits_is_among_them(self, lin, chat):
        CannedAnswer.objects.create(shortcut="warranty", text_en="The warranty is two years.")
        CannedAnswer.objects.create(shortcut="bye", text_en="Goodbye and see you soon")
        chat.say("is the warranty two years?")
        sources = [row["source"] for row in suggestions.of(chat.row, lin, now=NOW)["suggestions"]]
        assert "/warranty" in sources
        assert "/bye" not in sources

    def test_nothing_said_nothing_suggested(self, lin, chat):
        assert suggestions.of(chat.row, lin, now=NOW)["suggestions"] == []


class TestDeeds:
    def test_a_chat_is_put_aside_and_handed_back_with_what_was_agreed(self, client, lin, chat):
        chat.say("转人工")
        assert do(client, chat, action="take_over").status_code == 200
        assert do(client, chat, action="snooze", minutes=30).json()["state"] == "snoozed"
        answer = do(client, chat, action="release", agreed="周五寄出新灯")
        assert answer.json()["state"] == "bot"
        assert Message.objects.filter(text="约定如下：周五寄出新灯").exists()

    @pytest.mark.parametrize(
        "wanted",
        [
            {"action": "snooze"},
            {"action": "snooze", "minutes": "soon"},
            {"action": "snooze", "minutes": None},
            {"action": "snooze", "until": "tomorrow"},
            {"action": "snooze", "until": "2026-99-99T10:00"},
            {"action": ["take_over"]},
            {"action": None},
            {"action": "correct", "message": "x", "intent": "faq"},
            {"action": "correct", "message": 1, "intent": "no name; drop table"},
        ],
    )
    def test_what_cannot_be_read_is_refused(self, client, lin, chat, wanted):
        chat.say("转人工")
        assert do(client, chat, **wanted).status_code == 400 or wanted["action"] == "correct"

    @pytest.mark.parametrize("body", ["{", "[]", "7", '"x"', "\xff"])
    def test_bodies_that_are_no_object_are_refused(self, client, lin, chat, body):
        assert post(client, "chatbot_do", body, [chat.row.pk]).status_code == 400

    @pytest.mark.parametrize("minutes", [-5, 0, 1e12])
    def test_impossible_times_are_refused_in_words(self, client, lin, chat, minutes):
        do(client, chat, action="take_over")
        answer = do(client, chat, action="snooze", minutes=minutes)
        assert (answer.status_code, answer.json()["error"]) == (
            409,
            "Choose a time to come, within a month.",
        )

    def test_the_page_shows_what_may_come_next(self, client, lin, chat):
        staffing.take_over(chat.row.pk, lin, now=NOW)
        staffing.release(chat.row.pk, agreed="A new lamp on Friday", now=NOW)
        chat.say("转人工")
        chat.say("ada@example.org")
        page = client.get(reverse("admin:chatbot_conversation_change", args=[chat.row.pk]))
        text = page.content.decode()
        for part in ("AB1000001", "A new lamp on Friday", "ada@example.org", "May like next"):
            assert part in text
        assert "<script>" not in text.split('id="chat-inbox"')[1]
