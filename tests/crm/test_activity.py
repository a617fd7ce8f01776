"""The timeline in words, a page at a time."""

from datetime import timedelta

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from crm import activity
from crm.models import Event, Segment
from tests.factories import NOON, make_customer, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return make_customer()


def happened(customer, kind="crm.product_viewed", *, at=NOON, name="", **data):
    number = Event.objects.count()
    return Event.objects.create(
        customer=customer,
        kind=kind,
        name=name,
        source="test",
        message_id=f"m{number}",
        data=data,
        happened_at=at,
        received_at=at,
    )


def shown(customer, **question):
    return [item["event"] for item in activity.page(customer, **question)["events"]]


def test_the_newest_comes_first(ada):
    old, new = happened(ada), happened(ada, at=NOON + timedelta(hours=1))
    assert shown(ada) == [new, old]


def test_others_are_not_shown(ada):
    happened(make_customer("Bob"))
    assert shown(ada) == []


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("orders", "crm.order_placed"),
        ("orders", "crm.order_refunded"),
        ("browsing", "crm.product_viewed"),
        ("browsing", "crm.page"),
        ("chat", "chatbot.message_received"),
        ("messages", "campaigns.message_sent"),
        ("shown", "recommendations.products_shown"),
        ("opinions", "crm.feedback_given"),
        ("standing", "crm.consent_changed"),
        ("standing", "crm.segment_entered"),
    ],
)
def test_a_group_shows_its_kinds_and_no_others(ada, group, kind):
    mine = happened(ada, kind)
    happened(ada, "crm.something_else")
    assert shown(ada, group=group) == [mine]


def test_an_unknown_group_is_an_error(ada):
    with pytest.raises(activity.UnknownGroup):
        activity.page(ada, group="secrets")


def test_older_pages_follow_without_gap_or_repeat_though_moments_are_shared(ada):
    events = [happened(ada, at=NOON + timedelta(minutes=n // 7)) for n in range(75)]
    seen, before = [], None
    while True:
        page = activity.page(ada, before=before)
        seen += [item["event"].pk for item in page["events"]]
        before = page["older"]
        if before is None:
            break
    assert sorted(seen, reverse=True) == [event.pk for event in reversed(events)]
    assert len(seen) == len(set(seen))


@settings(max_examples=20, deadline=None)
@given(minutes=st.lists(st.integers(0, 3), max_size=9), size=st.integers(1, 4))
def test_pages_together_are_the_whole(minutes, size):
    ada = make_customer()
    for minute in minutes:
        happened(ada, at=NOON + timedelta(minutes=minute))
    seen, before = [], None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(activity, "PAGE", size)
        while True:
            page = activity.page(ada, before=before)
            seen += [item["event"].pk for item in page["events"]]
            before = page["older"]
            if before is None:
                break
    assert seen == list(
        Event.objects.filter(customer=ada)
        .order_by("-happened_at", "-pk")
        .values_list("pk", flat=True)
    )


def test_a_mark_of_another_customer_is_not_followed(ada):
    foreign = happened(make_customer("Bob"), at=NOON - timedelta(days=1))
    mine = happened(ada)
    assert shown(ada, before=foreign.pk) == [mine]


def test_a_product_is_named_in_the_language_of_the_reader(ada):
    make_product("P1", title_en="Kettle", title_zh="水壶")
    happened(ada, sku="P1")
    with translation.override("en"):
        assert activity.page(ada)["events"][0]["detail"] == "Kettle"
    with translation.override("zh-hans"):
        assert activity.page(ada)["events"][0]["detail"] == "水壶"


def test_what_has_no_words_of_ours_keeps_its_own_name(ada):
    happened(ada, "crm.tracked", name="Video Watched")
    assert activity.page(ada)["events"][0]["title"] == "Video Watched"


def test_an_order_is_told_by_its_number(ada):
    happened(ada, "crm.order_placed", number="SO7", total="12")
    assert activity.page(ada)["events"][0]["detail"] == "SO7"


@pytest.mark.parametrize(("language", "said"), [("en", "The loyal"), ("zh-hans", "忠诚的")])
def test_a_segment_is_called_by_its_name_and_one_that_is_gone_by_its_slug(ada, language, said):
    Segment.objects.create(slug="loyal", name_en="The loyal", name_zh="忠诚的", kind="static")
    happened(ada, "crm.segment_entered", segment="loyal", at=NOON)
    happened(ada, "crm.segment_entered", segment="gone", at=NOON - timedelta(days=1))
    with translation.override(language):
        details = [item["detail"] for item in activity.page(ada)["events"]]
    assert details == [said, "gone"]


@pytest.mark.parametrize(
    ("intent", "said"),
    [("complaint", "Help after the sale"), ("thanks", "Praise"), ("goodbye", ""), ("x", "")],
)
def test_a_message_is_told_by_what_it_needed(ada, intent, said):
    happened(ada, "chatbot.message_received", intent=intent, conversation="c0ffee")
    assert activity.page(ada)["events"][0]["detail"] == said


def test_data_that_is_no_text_is_not_shown(ada):
    happened(ada, "crm.tracked", reason={"deep": ["<b>"]})
    assert activity.page(ada)["events"][0]["detail"] == ""


def test_it_costs_two_queries_however_long(ada, django_assert_max_num_queries):
    last = [happened(ada) for _ in range(40)][-1]
    with django_assert_max_num_queries(2):
        activity.page(ada, before=last.pk)
