"""Segments by hand, and how fresh any segment is."""

from datetime import timedelta

import pytest

from campaigns import lifecycle
from crm import segments
from crm.models import Membership, Segment, Touch
from crm.segments import byhand, freshness, touches
from tests.campaigns.world import make_campaign
from tests.factories import NOON, agree, make_customer

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def static():
    return Segment.objects.create(slug="friends", name_en="Friends", kind="static")


def test_customers_are_found_by_whatever_staff_have_of_them():
    ada, bob = make_customer("Ada", email="ada@example.org"), make_customer("Bob")
    found = byhand.find([" ADA@example.org ", str(bob.public_id), "nobody", "", "ada@example.org"])
    assert (found.ids, found.unknown) == ((ada.pk, bob.pk), ("nobody",))


def test_members_by_hand_come_and_go_once_and_children_hear_of_it(static):
    ada = make_customer("Ada")
    child = Segment.objects.create(slug="c", name_en="C", kind="rule", rule={"segment": "friends"})
    segments.refresh(child, now=NOON)
    assert byhand.add(static, [ada.pk], by="eve", now=NOON) == 1
    assert byhand.add(static, [ada.pk], by="eve", now=NOON) == 0
    assert Membership.objects.get().reason["because"] == [{"added_by": "eve"}]
    segments.drain_all(now=NOON)
    assert list(segments.members_of(child)) == [ada]
    assert byhand.remove(static, [ada.pk], now=LATER) == 1
    segments.drain_all(now=LATER)
    assert not Membership.objects.exists()
    static.refresh_from_db()
    assert static.size == 0


def test_what_a_rule_decides_is_not_changed_by_hand():
    ruled = Segment.objects.create(slug="r", name_en="R", kind="rule", rule={"consent": "email"})
    with pytest.raises(byhand.NotByHand):
        byhand.add(ruled, [1], by="eve", now=NOON)


class TestFreshness:
    @pytest.fixture
    def french(self):
        rule = {"field": "country", "value": "France"}
        segment = Segment.objects.create(slug="french", name_en="French", kind="rule", rule=rule)
        segments.refresh(segment, now=NOON)
        return segment

    def test_a_rule_segment_is_fresh_until_something_waits(self, french):
        ada = make_customer("Ada")
        assert freshness.of(french, now=NOON).is_fresh
        touches.touch([ada.pk], "field:country")
        assert "waiting" in freshness.of(french, now=NOON).why
        segments.drain_all(now=NOON)
        assert freshness.of(french, now=NOON).is_fresh

    def test_or_the_clock_stops_or_the_rule_changes_or_cannot_be_used(self, french):
        assert "worker" in freshness.of(french, now=LATER).why
        french.rule = {"field": "country", "value": "Spain"}
        assert "rule was changed" in freshness.of(french, now=NOON).why
        french.problem = "rule: broken"
        assert freshness.of(french, now=NOON).why == "rule: broken"

    def test_a_child_is_as_old_as_its_parents(self, french):
        child = Segment.objects.create(
            slug="c", name_en="C", kind="rule", rule={"segment": "french"}
        )
        segments.refresh(child, now=NOON)
        touches.touch([1], "field:country")
        assert not freshness.of(child, now=NOON).is_fresh

    def test_scores_last_a_week(self):
        segment = Segment.objects.create(slug="l", name_en="L", kind="label", refreshed_at=NOON)
        assert freshness.of(segment, now=NOON + timedelta(days=7)).is_fresh
        assert "9 days" in freshness.of(segment, now=NOON + timedelta(days=9)).why

    def test_a_list_of_any_length_takes_two_queries(self, french, django_assert_num_queries):
        rows = [*Segment.objects.all()] * 30
        with django_assert_num_queries(2):
            freshness.of_all(rows, now=NOON)


class TestCampaigns:
    def test_a_rule_segment_is_brought_up_to_date_before_it_is_frozen(self):
        rule = {"field": "country", "value": "France"}
        segment = Segment.objects.create(slug="french", name_en="French", kind="rule", rule=rule)
        ada = make_customer("Ada", country="France")
        agree(ada)
        assert lifecycle.start(make_campaign(segment=segment), now=NOON)
        assert list(segments.members_of(segment)) == [ada]
        assert not Touch.objects.exists()

    def test_old_scores_are_not_written_to_unless_staff_say_so(self):
        segment = Segment.objects.create(slug="l", name_en="L", kind="label", refreshed_at=NOON)
        Membership.objects.create(segment=segment, customer=make_customer("Ada"), entered_at=NOON)
        campaign = make_campaign(segment=segment)
        late = NOON + timedelta(days=30)
        with pytest.raises(segments.Stale, match="last scored 30 days ago"):
            lifecycle.start(campaign, now=late)
        campaign.refresh_from_db()
        assert campaign.status == "draft"
        assert lifecycle.start(campaign, now=late, stale_is_fine=True)
