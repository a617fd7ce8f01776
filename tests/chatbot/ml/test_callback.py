"""What somebody who waits for staff says about it."""

import pytest

from chatbot.ml.callback import read


@pytest.mark.parametrize(
    ("text", "contact"),
    [
        ("ada@example.org", "ada@example.org"),
        ("please write to Ada.L+shop@mail.example.co.uk, thanks", "Ada.L+shop@mail.example.co.uk"),
        ("邮箱是ada＠example.org谢谢", "ada@example.org"),
        ("13800138000", "13800138000"),
        ("打给我吧１３８００１３８０００", "13800138000"),
        ("我的电话是 138-0013-8000。", "138-0013-8000"),
        ("+44 20 7946 0958", "+44 20 7946 0958"),
        ("call me on (020) 7946 0958 after six", "(020) 7946 0958"),
        ("手机号010 6512 3456", "010 6512 3456"),
    ],
)
def test_a_way_to_be_reached_is_found_in_whatever_spelling(text, contact):
    wish = read(text)
    assert (wish.kind, wish.contact) == ("contact", contact)


@pytest.mark.parametrize(
    "text",
    [
        "SO20260301",
        "my order is 20260301123",
        "订单号 20260301123 怎么还没到，联系谁？",
        "20260301123",
        "it cost 12 800 on 2026-03-04",
        "#13800138000",
        "a@b",
        "@example.org",
        "hello?",
        "",
        "🙂",
        "<script>alert(1)</script>",
        "9" * 2000,
        "a@" + "a." * 900,
    ],
)
def test_other_words_and_numbers_are_for_the_staff_to_read(text):
    assert read(text).kind == "other"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("用我的邮箱联系我", "mine"),
        ("E-mail me", "mine"),
        ("继续等", "stays"),
        ("I will wait.", "stays"),
        ("回到智能助手", "bot"),
        ("Back to the assistant", "bot"),
        ("机器人", "bot"),
    ],
)
def test_the_offered_replies_are_understood(text, kind):
    assert read(text).kind == kind


def test_a_sentence_that_holds_such_words_is_no_choice():
    assert read("the bot told me it would arrive today").kind == "other"
    assert read("智能助手刚才说今天到").kind == "other"
