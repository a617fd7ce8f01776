"""Every act of the bot has a name for staff, in both languages."""

import pytest
from django.utils import translation

from chatbot import inbox
from chatbot.act_names import NAMES, name_of
from chatbot.phrases import TEXTS
from tests.chatbot.test_figures import make_chat, say


def test_everything_the_bot_has_a_phrase_for_has_a_name():
    assert set(TEXTS) <= set(NAMES)


@pytest.mark.parametrize("act", sorted(NAMES))
def test_it_reads_differently_in_chinese(act):
    with translation.override("en"):
        english = name_of(act)
    with translation.override("zh-hans"):
        assert name_of(act) != english


@pytest.mark.django_db
def test_staff_read_what_the_bot_did_in_words():
    chat = make_chat()
    say(chat, "One moment.", sender="bot", acts=["handoff", "new_act"])
    with translation.override("zh-hans"):
        *_, row = inbox.snapshot(chat)["messages"]
    assert row["acts"] == ["转给人工", "new_act"]
