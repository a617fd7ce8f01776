"""Every intent that the dialogue knows has a name for staff, in both languages."""

import pytest
from django.utils import translation

from chatbot.admin import TEACHABLE
from chatbot.intent_names import NAMES, name_of


def test_every_intent_that_can_be_taught_has_a_name():
    assert set(TEACHABLE) <= set(NAMES)


@pytest.mark.parametrize("intent", sorted(NAMES))
def test_it_reads_differently_in_chinese(intent):
    with translation.override("en"):
        english = name_of(intent)
    with translation.override("zh-hans"):
        assert name_of(intent) != english


def test_what_staff_added_is_called_as_they_called_it():
    assert name_of("gift_wrapping") == "gift_wrapping"
    assert name_of("") == ""
