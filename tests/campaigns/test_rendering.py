"""Template + customer -> message, in their language, with links that lead through us."""

import re

import pytest

from campaigns import rendering
from campaigns.models import Coupon, Delivery, LinkTarget, Template
from tests.campaigns.world import make_campaign, make_members, make_template, start
from tests.factories import NOON, make_customer, make_product

pytestmark = pytest.mark.django_db


def delivered(template, **customer):
    campaign = make_campaign(labels=("A",), template=template, holdout_share=0)
    make_members(campaign, 1, **customer)
    start(campaign)
    delivery = Delivery.objects.select_related("customer", "variant__template").get()
    renderer = rendering.Renderer(campaign)
    renderer.prepare([delivery], now=NOON)
    return renderer.render(delivery)


def shown(template=None, customer=None, **fields):
    template = template or make_template(**fields)
    return rendering.preview(template, customer or make_customer("Ada Lovelace"), now=NOON)


def test_the_message_speaks_the_language_of_the_customer():
    template = make_template()
    assert shown(template).subject == "Hello Ada"
    chinese = shown(template, make_customer("王小明", language="zh-hans"))
    assert chinese.subject == "王小明，你好"
    assert 'lang="zh-hans"' in chinese.html


def test_a_missing_language_falls_back_to_the_other():
    only_chinese = make_template(subject_en="", body_en="")
    assert "你好" in shown(only_chinese).subject
    only_english = make_template(subject_zh="", body_zh="")
    message = shown(only_english, make_customer("王", language="zh-hans"))
    assert message.subject == "Hello 王"


def test_a_name_is_text_and_never_markup():
    message = shown(customer=make_customer("<script>alert(1)</script>", email="x@example.org"))
    assert "<script>" not in message.html
    assert "&lt;script&gt;" in message.html


def test_a_name_is_data_and_never_a_template():
    message = shown(customer=make_customer("{{ shop.name }}{% if %}", email="x@example.org"))
    assert "{{ shop.name }}" in message.html


def test_a_subject_is_one_line():
    message = shown(subject_en="Hi\r\nBcc: all@example.org {{ customer.name }}")
    assert message.subject == "Hi Bcc: all@example.org Ada Lovelace"


def test_without_a_text_part_the_words_of_the_html_are_used():
    message = shown(body_en="<style>p{}</style><p>One &amp; two</p><p>Three<br>four</p>")
    assert message.text.startswith("One & two")
    assert "Three\nfour" in message.text
    assert "p{}" not in message.text


def test_an_own_text_part_is_preferred():
    assert shown(text_en="Plain {{ customer.name }}").text.startswith("Plain Ada Lovelace")


def test_the_text_part_is_not_escaped():
    assert (
        "Ben & Jerry"
        in shown(
            text_en="{{ customer.name }}",
            customer=make_customer("Ben & Jerry", email="b@example.org"),
        ).text
    )


def test_links_lead_through_us_and_are_kept_once():
    template = make_template(
        body_en='<a href="https://a.example/?x=1&amp;y=2">a</a><a class="b" href=\'https://b.example\'>b</a>'
        '<a href="https://a.example/?x=1&amp;y=2">again</a><a href="mailto:x@example.org">m</a>'
    )
    message = delivered(template)
    assert "https://a.example" not in message.html
    assert "mailto:x@example.org" in message.html
    assert set(LinkTarget.objects.values_list("url", flat=True)) == {
        "https://a.example/?x=1&y=2",
        "https://b.example",
    }
    assert len(re.findall(r"/t/c/", message.html)) == 4  # and the one that nobody sees


def test_the_way_to_say_no_is_never_tracked():
    template = make_template(body_en='<p><a href="{{ unsubscribe_url }}">no more</a></p>')
    message = delivered(template)
    assert not LinkTarget.objects.exists()
    assert message.html.count("/u/") == 2
    assert "/u/" in message.text


def test_a_preview_tracks_nothing_and_writes_nothing(django_assert_num_queries):
    template, customer = make_template(), make_customer()
    with django_assert_num_queries(0):
        message = shown(template, customer)
    assert "/t/c/" not in message.html
    assert "/t/o/" not in message.html


def test_recommendations_come_with_title_price_address_and_reason():
    make_product("TEA-1", title_en="Green tea", title_zh="绿茶", price=1234)
    body = "{% for p in recommendations %}{{ p.title }}|{{ p.price }}|{{ p.currency }}|{{ p.url }}|{{ p.reason }}{% endfor %}"
    message = shown(body_en=body, body_zh=body)
    assert "Green tea|1,234.00|CNY|" in message.html
    assert "TEA-1" in message.html
    assert message.missing == ()


def test_their_own_coupon_comes_before_everybodys():
    ada = make_customer("Ada")
    day = NOON.date()
    Coupon.objects.create(code="ALL", text_en="10 %", text_zh="九折", valid_to=day)
    assert "ALL" in shown(customer=ada, body_en="{{ coupon.code }}").html
    Coupon.objects.create(code="OWN", customer=ada, text_en="", text_zh="", valid_to=day)
    assert "OWN" in shown(customer=ada, body_en="{{ coupon.code }}").html
    assert "ALL" in shown(customer=make_customer("Eve"), body_en="{{ coupon.code }}").html


def test_missing_values_are_named_and_defaults_fill_them():
    message = shown(body_en="{{ customer.traits.shoe }} {{ coupon.code }} {{ nobody.home }}")
    assert message.missing == ("coupon", "customer.traits.shoe", "nobody")
    filled = shown(
        customer=make_customer("", email="x@example.org"),
        subject_en="{{ customer.first_name | default: 'friend' }}",
        body_en="<p>hello</p>",
    )
    assert (filled.subject, filled.missing) == ("friend", ())


@pytest.mark.parametrize(
    ("field", "source", "line"),
    [
        ("body_en", "fine\n{% endif %}", 2),
        ("subject_en", "{{ customer. }}", 1),
        ("text_en", "a\nb\n{% nonsense %}", 3),
        ("body_zh", "{% include 'secret' %}", 1),
        ("subject_zh", "a\n{{ customer.name", 2),
        ("body_en", "a\n\n{{ customer.name {{ shop.name }}", 3),
    ],
)
def test_what_does_not_parse_names_template_field_and_line(field, source, line):
    template = make_template("Spring", **{field: source})
    with pytest.raises(rendering.BrokenTemplate) as caught:
        rendering.check(template)
    assert (caught.value.field_name, caught.value.line) == (field, line)
    assert str(caught.value).startswith(f"Template “Spring”, {field}, line {line}: ")


@pytest.mark.parametrize("source", ["{{ 'a' | safe }}", "a\n{{ customer.name | shout }}"])
def test_an_unknown_filter_names_template_field_and_line(source):
    with pytest.raises(rendering.BrokenTemplate, match="body_en, line"):
        shown(body_en=source)


def test_every_broken_field_is_told_at_once():
    template = make_template(subject_en="{{", body_zh="{% if %}")
    assert set(rendering.errors(template)) == {"subject_en", "body_zh"}


def test_a_template_without_a_body_or_subject_is_refused():
    template = Template(name="Empty")
    assert set(rendering.errors(template)) == {"subject_en", "body_en"}


def test_first_names():
    assert rendering.first_name("Ada Lovelace") == "Ada"
    assert rendering.first_name("王小明") == "王小明"
    assert rendering.first_name("  ") == ""
