"""The bytes of a mail say what EmailMessage would say, and nobody breaks out of a header."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import mime
from tests.factories import NOON

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
PARTS = {
    "sender": "Rapport Shop <shop@example.com>",
    "to": "ada@example.org",
    "subject": "Hello",
    "text": "Dear Ada",
    "html": "<p>Dear Ada</p>",
    "headers": {"List-Unsubscribe": "<https://shop.example/u/1~abc>"},
    "message_id": "<abc@shop.example>",
    "at": NOON,
}


def composed(**parts):
    return mime.compose(**(PARTS | parts))


def read(data):
    return message_from_bytes(data, policy=policy.default)


def bodies(message):
    return [part.get_content() for part in message.iter_parts()]


def lines(words):
    return words.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def by_the_library(subject, text, html):
    """The same mail by EmailMessage, through its bytes and back."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"], message["Subject"] = PARTS["sender"], PARTS["to"], subject
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return read(message.as_bytes())


@pytest.mark.parametrize(
    ("subject", "text", "html"),
    [
        ("Hello", "Dear Ada\n\nLook here", "<p>Dear Ada</p>\n" * 40),
        (
            "春季优惠：手机八折，先到先得，数量有限，欢迎选购。" * 4,
            "亲爱的王小明\n你好",
            "<p>你好</p>" * 300,
        ),
        ("Prix d'été = moitié", "é" * 200, "<a href='https://x.example/?a=1&amp;b=2'>été</a>"),
        ("=?utf-8?b?aGk=?= is no code", ".\n..\nFrom me\n.", "<p>.</p>\n.\n"),
        ("Long " * 60, "x" * 5000, "=20" * 100),
        ("🎉 " * 30, "tab\tand space \nend", "<b>🎉</b>"),
    ],
)
def test_it_reads_like_the_mail_of_the_library(subject, text, html):
    ours, theirs = (
        read(composed(subject=subject, text=text, html=html)),
        by_the_library(subject, text, html),
    )
    assert ours["Subject"].strip() == subject.strip()  # the library reads "=?…?=" as a code
    assert [lines(b) for b in bodies(ours)] == [lines(b) for b in bodies(theirs)]
    assert (ours["From"], ours["To"]) == (theirs["From"], theirs["To"])
    assert ours.get_content_type() == theirs.get_content_type()
    assert [p.get_content_type() for p in ours.iter_parts()] == ["text/plain", "text/html"]


@given(text=WORDS, html=WORDS.map("<p>{}".format))
def test_whatever_is_written_arrives_and_no_line_is_long_or_foreign(text, html):
    data = composed(text=text, html=html)
    assert data.isascii()
    assert all(len(line) <= 78 for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")
    message = read(data)
    assert not message.defects
    assert [lines(body) for body in bodies(message)] == [lines(text), lines(html)]


@given(WORDS)
def test_a_subject_never_leaves_its_header(subject):
    message = read(composed(subject=subject, headers={}))
    assert set(message.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert bodies(message) == ["Dear Ada", "<p>Dear Ada</p>"]


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["C", "Z"]), max_size=200))
def test_a_subject_says_what_was_written(subject):
    assert read(composed(subject=subject))["Subject"] == subject


@pytest.mark.parametrize("bad", ["a\r\nBcc: eve@example.org", "a\nb", "a\rb", "名", "x" * 1200])
def test_a_header_with_a_line_break_is_refused(bad):
    with pytest.raises(mime.NotSendable, match="X-Note"):
        composed(headers={"X-Note": bad})


@pytest.mark.parametrize(
    "bad",
    ["", "ada", "ada@x.org\r\nBcc: eve@x.org", "a@b@c d", "<ada@x.org> BODY=8BITMIME", "a b@x.org"],
)
def test_what_is_no_address_is_refused(bad):
    with pytest.raises(mime.NotSendable, match="not an address"):
        mime.address(bad)


def test_a_foreign_domain_becomes_punycode():
    assert mime.address("ada@例子.example") == "ada@xn--fsqu00a.example"


def test_without_html_the_mail_is_plain():
    message = read(composed(html=""))
    assert (message.get_content_type(), message.get_content()) == ("text/plain", "Dear Ada\r\n")


@given(st.text("a.\r\n", max_size=50))
def test_no_line_of_a_mail_ends_it_early(words):
    data = mime.stuffed(words.encode())
    assert b"\r\n.\r\n" not in b"\r\n" + data
    assert (b"\r\n" + data).replace(b"\r\n..", b"\r\n.")[2:] == words.encode()
