"""HTML of a message: links sent by way of us, words as plain text."""

import time
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import markup
from campaigns.markup import rewrite_addresses, rewrite_links, to_text


def test_words_of_blocks_come_on_lines_of_their_own():
    assert to_text("<h1>One</h1><p>Two <b>three</b></p><ul><li>four</li></ul>") == (
        "One\n\nTwo three\n\nfour"
    )


def test_a_link_is_followed_by_its_address_unless_it_is_a_picture():
    assert to_text('<a href="https://a.example">Look</a>') == "Look https://a.example"
    assert to_text('<a href="https://a.example"><img src="x"></a>Tea') == "Tea"
    assert to_text('<a href="mailto:a@example.org">Write</a>') == "Write"


def test_styles_scripts_and_entities_are_not_words():
    assert to_text("<style>a{}</style><script>b()</script>Tea &amp; cake") == "Tea & cake"


def test_only_links_are_rewritten():
    source = '<img src="https://a.example/x.png"><a title="t" href="https://a.example/?a=1&amp;b=2">x</a>'
    seen = []
    out = rewrite_links(source, lambda url: seen.append(url) or "https://t.example/?c&d")
    assert seen == ["https://a.example/?a=1&b=2"]
    assert 'src="https://a.example/x.png"' in out
    assert 'href="https://t.example/?c&amp;d"' in out


def test_the_full_stop_after_an_address_stays_outside():
    out = rewrite_addresses(
        "See https://a.example/x. 或者 https://b.example/y。", lambda u: f"<{u}>"
    )
    assert out == "See <https://a.example/x>. 或者 <https://b.example/y>。"


@pytest.mark.parametrize(
    "part",
    [
        "<a ",
        "<",
        "<!",
        "<!--",
        "</",
        "<a x='",
        '<a href="',
        "<script>",
        "<![CDATA[",
        "<p>",
        "&",
        "-->",
    ],
)
def test_hostile_markup_takes_no_time(part):
    source = part * (150_000 // len(part))
    began = time.process_time()
    rewrite_links(source, str)
    rewrite_addresses(source, str)
    to_text(source)
    assert time.process_time() - began < 30


def test_comments_are_not_words():
    assert to_text("<!--[if mso]><table><tr><td><![endif]-->Tea<!-- <p>x</p> -->") == "Tea"


HTML = st.lists(
    st.sampled_from(
        [
            "<p>",
            "</p>",
            "<br/>",
            '<a href="https://x.example/?a=1&amp;b=2">',
            "</a>",
            "<h1>",
            "</h1>",
        ]
        + [
            '<a href="mailto:x@y.example">',
            "<style>",
            "</style>",
            "<!-- ",
            " -->",
            "<",
            ">",
            "&lt;",
        ]
        + [
            "<script>",
            "</script>",
            "<td class='x'>",
            '<img alt="a>b">',
            "&amp",
            "a  b",
            "\n",
            "你好",
        ]
        + [
            "<title>",
            "</title>",
            "<a href=https://x.example>",
            '<p "<">',
            "<A HREF='https://b.ex'>",
        ]
    ),
    max_size=12,
).map("".join)


@given(HTML)
def test_the_quick_way_through_simple_html_says_what_the_reader_says(source):
    quick = markup.to_text(source)
    with mock.patch.object(markup, "_simple", return_value=None):
        assert quick == markup.to_text(source)
