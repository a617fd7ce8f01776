"""What the bot understood, marked in the message as it was typed."""

import pytest
from django.utils import translation

from chatbot.admin.marking import marked
from chatbot.models import Turn


def test_what_is_named_is_marked_and_everything_else_is_there():
    html = marked("buy a phone now", [["category", "phone", 6, 11]])
    assert html == "buy a <mark>phone</mark><sub>category: phone</sub> now"


def test_labels_are_in_the_language_of_the_reader():
    with translation.override("zh-hans"):
        assert "品类" in marked("phone", [["category", "phone", 0, 5]])


def test_nothing_that_was_typed_becomes_markup():
    html = marked("<b>x</b> & phone", [["product", "<i>", 11, 16], ["<u>", "v", 0, 3]])
    assert "<b>" not in html
    assert "<i>" not in html
    assert "<u>" not in html


def test_two_things_at_one_place_share_a_mark_and_overlaps_keep_the_first():
    spans = [
        ["price_min", 2, 0, 3],
        ["price_max", 9, 0, 3],
        ["ordinal", 1, 1, 2],
        ["price_any", True, 4, 5],
    ]
    html = marked("2-9 x", spans)
    assert html.count("<mark>") == 2
    assert "price at least: 2, price at most: 9" in html
    assert "any price</sub>" in html


@pytest.mark.parametrize("spans", [[["product", "P", 0, 99]], [["product", "P", 3, 3]], []])
def test_places_that_are_no_longer_there_mark_nothing(spans):
    assert marked("erased", spans) == "erased"


def test_a_turn_keeps_where_things_stood_as_they_were_typed(chat):
    typed = "我想買ＧＩＡＮＴ的腳踏車，bycicle under ３k"
    chat.say(typed)
    spans = Turn.objects.latest("pk").heard["spans"]
    told = {(slot, value): typed[start:end] for slot, value, start, end in spans}
    assert told[("brand", "giant")] == "ＧＩＡＮＴ"
    assert ("category", "bike") in told
    assert told[("price_max", 3000)] == "under ３k"
    assert "bycicle" in [typed[start:end] for *_, start, end in spans]


def test_staff_see_it_on_the_page_of_the_turn(chat, admin_client):
    chat.say("我想買ＧＩＡＮＴ的腳踏車")
    turn = Turn.objects.latest("pk")
    page = admin_client.get(f"/admin/chatbot/turn/{turn.pk}/change/").content.decode()
    assert "<mark>ＧＩＡＮＴ</mark>" in page
