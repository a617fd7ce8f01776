"""The page of what customers say: news found, noise left alone, quotes escaped, segments made."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from crm import opinions
from crm.models import Interest, Membership, Opinion, Score, Segment
from crm.opinions import Said, weekly
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept():
    cache.clear()


def say(texts, *, now, days):
    """Each text by a customer of their own, so many days ago."""
    start = Opinion.objects.count()
    people = [make_customer(f"C{start + n}", email="") for n in range(len(texts))]
    opinions.note(
        Said(
            customer_id=person.pk, source="chat", key=str(start + n), text=text,
            at=now - timedelta(days=days), language="en",
        )
        for n, (person, text) in enumerate(zip(people, texts, strict=True))
    )  # fmt: skip


def fill(now):
    """A quiet past, and a week in which parcels are late."""
    for week in range(8):
        quiet = ["great quality", "the price is fine", "quick delivery", "nice colour"] * 3
        say(quiet, now=now, days=8 + 7 * week)
    say(["great quality"] * 3 + ["delivery late, warehouse backlog"] * 9, now=now, days=2)
    opinions.catch_up(now=now)


class TestFigures:
    @pytest.fixture
    def shop(self):
        fill(NOON)

    def test_a_planted_rise_is_found_with_its_blame(self, shop):
        first, *rest = weekly.aspects(NOON)
        assert first.key == "delivery"
        assert first.is_rising
        assert first.is_blamed_more
        assert not any(trend.news for trend in rest)
        assert first.quotes[0].text == "delivery late, warehouse backlog"

    def test_topics_come_from_the_texts_themselves(self, shop):
        news = [topic for topic in weekly.told_topics(NOON) if topic.news]
        assert any("backlog" in topic.name for topic in news)

    def test_weeks_are_counted_by_feeling(self, shop):
        weeks = weekly.by_week(NOON)
        assert len(weeks) == weekly.WEEKS
        assert sum(weeks[-1][1].values()) == 12
        assert weeks[-1][1]["neg"] == 9

    def test_few_texts_are_never_a_trend(self):
        say(["fine"] * 50, now=NOON, days=10)
        say(["late delivery"] * 4, now=NOON, days=1)
        opinions.catch_up(now=NOON)
        assert not any(trend.news for trend in weekly.aspects(NOON))

    def test_it_costs_a_fixed_number_of_queries(self, shop, django_assert_max_num_queries):
        with django_assert_max_num_queries(8):
            weekly.by_week(NOON)
            weekly.aspects(NOON)
            weekly.told_topics(NOON)


class TestPage:
    def page(self, client, language="en"):
        client.cookies["django_language"] = language
        return client.get(reverse("admin:crm_opinions"))

    def test_an_empty_shop_is_told_what_to_expect(self, admin_client):
        assert "Nobody has said anything" in self.page(admin_client).content.decode()

    def test_what_rises_is_marked_in_both_languages(self, admin_client):
        fill(timezone.now())
        assert "blamed more" in self.page(admin_client).content.decode()
        text = self.page(admin_client, "zh-hans").content.decode()
        assert "物流" in text
        assert "上升" in text

    def test_what_customers_wrote_is_escaped(self, admin_client):
        say(["<script>alert(1)</script> terrible delivery"] * 6, now=timezone.now(), days=1)
        opinions.catch_up(now=timezone.now())
        text = self.page(admin_client).content.decode()
        assert "<script>alert(1)" not in text
        assert "&lt;script&gt;alert(1)" in text

    def test_staff_without_the_permission_see_nothing(self, client):
        client.force_login(User.objects.create_user("eve", is_staff=True))
        assert self.page(client).status_code == 403
        assert client.post(reverse("admin:crm_opinions_segment")).status_code == 403

    def test_who_said_it_becomes_a_segment_once(self, admin_client):
        fill(timezone.now())
        said = {"aspect": "delivery", "sentiment": "negative"}
        for _ in range(2):
            answer = admin_client.post(reverse("admin:crm_opinions_segment"), said)
        segment = Segment.objects.get(slug="said-delivery-negative")
        assert answer.url == reverse("admin:crm_segment_change", args=[segment.pk])
        assert Membership.objects.filter(segment=segment).count() == 9
        assert (segment.name_en, segment.name_zh) == (
            "Said this week: Delivery (negative)",
            "本周提到：物流（负面）",
        )

    def test_a_made_up_wish_is_refused_in_words(self, admin_client):
        answer = admin_client.post(
            reverse("admin:crm_opinions_segment"),
            {"aspect": "x", "sentiment": "furious"},
            follow=True,
        )
        assert "furious" in answer.content.decode()
        assert not Segment.objects.exists()

    def test_a_segment_is_not_made_by_following_a_link(self, admin_client):
        assert admin_client.get(reverse("admin:crm_opinions_segment")).status_code == 405


class TestPanel:
    def panel(self, client, customer, language="en"):
        client.cookies["django_language"] = language
        return client.get(reverse("admin:crm_customer_panel", args=[customer.pk, "voice"]))

    def test_it_is_honest_about_who_said_nothing(self, admin_client):
        text = self.panel(admin_client, make_customer()).content.decode()
        assert "No review and no message yet." in text
        assert text.count("too little known") == 2

    def test_it_shows_words_interests_and_habits(self, admin_client, django_assert_max_num_queries):
        ada = make_customer()
        opinions.note(
            [Said(customer_id=ada.pk, source="chat", key="1", text="slow delivery", at=NOON)]
        )
        opinions.catch_up(now=NOON)
        Interest.objects.create(
            customer=ada, kind="feature", value="5g", weight=7, evidence={"viewed": 6, "bought": 1},
            last_at=NOON, at=NOON,
        )  # fmt: skip
        for name, label, detail in (
            ("need", "delivery", {"texts": 1, "shares": {"delivery": 1.0}, "quotes": ["slow"]}),
            ("channel", "email", {"deeds": {"email": 9, "chat": 1, "web": 0}}),
            ("hour", "20", {"deeds": 10, "shares": [0.0] * 20 + [1.0] + [0.0] * 3}),
        ):
            Score.objects.create(
                customer=ada, name=name, value=1, label=label, detail=detail, version="x", at=NOON
            )
        with django_assert_max_num_queries(14):
            text = self.panel(admin_client, ada).content.decode()
        for shown in (
            "slow delivery",
            "Delivery −",
            "looked at 6 ×, bought 1 ×",
            "E-mail",
            "20:00",
        ):
            assert shown in text

    def test_it_speaks_chinese(self, admin_client):
        assert "首选渠道" in self.panel(admin_client, make_customer(), "zh-hans").content.decode()


def test_a_correction_is_kept_for_the_next_training_and_nothing_else_changes(admin_client):
    ada = make_customer()
    opinions.note([Said(customer_id=ada.pk, source="chat", key="1", text="slow delivery", at=NOON)])
    opinions.catch_up(now=NOON)
    opinion = Opinion.objects.get()
    admin_client.post(
        reverse("admin:crm_opinion_change", args=[opinion.pk]),
        {"corrected": "neu", "need_corrected": "account", "text": "forged"},
    )
    opinion.refresh_from_db()
    assert (opinion.corrected, opinion.need_corrected, opinion.text) == (
        "neu",
        "account",
        "slow delivery",
    )


@pytest.mark.parametrize("name", ["opinion", "aspect", "interest"])
def test_lists_cost_the_same_however_long(admin_client, name, django_assert_max_num_queries):
    fill(NOON)
    with django_assert_max_num_queries(9):
        assert admin_client.get(reverse(f"admin:crm_{name}_changelist")).status_code == 200
