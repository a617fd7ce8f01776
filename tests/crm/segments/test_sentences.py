"""Rules and reasons in words, in both languages."""

import pytest

from crm import segments
from crm.models import Aspect, Segment
from crm.segments import language, sentences, suggestions
from tests.factories import NOON, make_category, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
GREAT = {
    "all": [
        {"orders": "count", "op": ">=", "value": 3, "days": 90, "category": "phone"},
        {
            "any": [
                {"trait": "plan", "value": "gold"},
                {"not": {"field": "country", "op": "in", "value": ["FR", "ES"]}},
            ]
        },
    ]
}


def test_a_rule_reads_as_a_sentence_in_english_and_chinese():
    make_category()
    assert sentences.say(GREAT, "en") == (
        "Customers with all of this: ordered category “Phone” at least 3 times in the last 90 days; "
        "any of (trait “plan” is “gold”; not (country is one of “FR”, “ES”))."
    )
    assert sentences.say(GREAT, "zh-hans") == (
        "满足以下全部条件的客户：最近 90 天内购买类目“手机”至少 3 次；"
        "满足任一（属性“plan”为 “gold”；并非（国家是 “FR”、“ES” 之一））。"
    )


@pytest.mark.parametrize(
    ("rule", "english"),
    [
        ({"message": "sent", "op": "=", "count": 0, "days": 14}, "never was sent a message in the last 14 days"),
        ({"chat": "messages", "intent": "complaint"}, "wrote in the chat (intent is “complaint”)"),
        ({"orders": "total", "op": ">", "value": 500, "currency": "CNY"}, "spent more than 500 CNY on something"),
        ({"orders": "count", "op": "=", "value": 0, "days": [30, 60]}, "did not order anything between 30 and 60 days ago"),
        ({"event": "crm.page", "last": "days", "op": ">", "value": 7}, "last visited a page more than 7 days ago"),
        ({"event": "x", "sum": "price", "op": "<", "value": 7}, "“x” with less than 7 of price in sum"),
        ({"feedback": "nps", "op": "<=", "value": 6}, "gave feedback (recommendation (NPS)) of at most 6"),
        ({"consent": "email", "granted": False}, "refused something by E-mail"),
        ({"score": "clv", "op": ">=", "value": 100}, "customer lifetime value is at least 100"),
        ({"random": {"percent": 10, "salt": "x"}}, "is in a random 10 % of all (“x”)"),
        ({"field": "is_known", "value": False}, "is an unknown visitor"),
    ],
)  # fmt: skip
def test_each_part_has_its_words(rule, english):
    assert sentences.clause(rule) == english
    chinese = sentences.say(rule, "zh-hans")
    assert "Customers" not in chinese
    assert any("一" <= letter <= "鿿" for letter in chinese)


def test_a_label_is_called_as_its_segment_is():
    rule = {"score": "rfm", "label": "lost"}
    Segment.objects.create(slug="s", name_en="Lost", name_zh="流失", kind="label", rule=rule)
    assert sentences.clause(rule) == "RFM score is “Lost”"
    assert "“流失”" in sentences.say(rule, "zh-hans")


def test_a_reason_names_what_holds_with_its_value():
    ada = make_customer("Ada", country="France")
    make_order(ada, make_product(price=812.5), at=NOON)
    rule = {
        "all": [
            {"orders": "total", "op": ">", "value": 500},
            {"not": {"field": "country", "value": "Spain"}},
            {
                "any": [
                    {"field": "country", "value": "Italy"},
                    {"orders": "count", "op": ">", "value": 0},
                ]
            },
        ]
    }
    segment = Segment.objects.create(slug="s", name_en="S", kind="rule", rule=rule)
    segments.refresh(segment, now=NOON)
    reason = segments.why(ada, segment, now=NOON)
    assert reason["version"] == language.version(rule)
    assert sentences.because(reason, "en") == [
        "spent more than 500 on something (is: 812.5)",
        "not: country is “Spain” (is: France)",
        "ordered something (is: 1)",
    ]
    assert sentences.because_all([reason, {}, reason], "en") == [
        sentences.because(reason, "en"),
        [],
        sentences.because(reason, "en"),
    ]
    assert sentences.because(reason, "zh-hans")[0] == "购买商品花费多于 500（实际：812.5）"


@pytest.mark.parametrize(("slug", "name_en", "name_zh", "rule"), suggestions.SUGGESTIONS)
def test_every_example_can_be_used_and_said(slug, name_en, name_zh, rule):
    assert segments.matching(rule, now=NOON).count() == 0
    assert sentences.say(rule, "en") != sentences.say(rule, "zh-hans")


def test_a_label_is_said_by_its_name_and_once():
    for slug, name in (("champions", "Champions"), ("lost", "Lost")):
        rule = {"score": "rfm", "label": slug}
        Segment.objects.create(slug=f"rfm-{slug}", name_en=name, kind="label", rule=rule)
    item = {"rule": {"score": "rfm", "label": "champions"}, "value": "champions", "holds": True}
    assert sentences.because({"because": [item]}, "en") == ["RFM score is “Champions”"]
    gone = item | {"value": "lost", "holds": False}
    assert sentences.because({"because": [gone]}, "en") == [
        "not: RFM score is “Champions” (is: “Lost”)"
    ]


def test_an_aspect_is_said_by_its_name():
    Aspect.objects.create(slug="smell", name_en="Smell", name_zh="气味", words=["smell"])
    rule = {"opinion": {"aspect": "smell"}, "op": ">=", "count": 1, "days": 7}
    assert "“气味”" in sentences.say(rule, "zh-hans")
