"""The global control group: drawn without a list, written to by nobody, compared with the rest."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from campaigns import controls
from campaigns.models import ControlGroup, Delivery
from crm.models import Customer
from tests.campaigns.world import make_campaign, make_members, send_all, start
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=30)


def begin(share="0.2", at=NOON):
    return controls.start(ControlGroup(share=Decimal(share)), now=at)


class TestWhoIsInIt:
    def test_about_the_share_and_always_the_same(self):
        group = begin()
        held = [controls.holds(group.pk, 0.2, pk) for pk in range(5000)]
        assert 0.18 < sum(held) / 5000 < 0.22
        assert held == [controls.holds(group.pk, 0.2, pk) for pk in range(5000)]

    def test_another_group_is_other_people(self):
        both = sum(controls.holds(1, 0.2, pk) and controls.holds(2, 0.2, pk) for pk in range(5000))
        assert 0.03 < both / 5000 < 0.05

    def test_only_one_at_a_time(self):
        begin()
        with pytest.raises(controls.AlreadyRunning):
            begin(at=LATER)
        with pytest.raises(IntegrityError), transaction.atomic():
            ControlGroup.objects.create(share=Decimal("0.1"), started_at=LATER)

    def test_after_the_end_another_may_begin(self):
        first = begin()
        controls.end(first, now=LATER)
        begin(at=LATER)
        assert ControlGroup.objects.count() == 2
        with pytest.raises(controls.Ended):
            controls.end(first, now=LATER)


class TestSending:
    @pytest.fixture
    def campaign(self, outbox_of_channel):
        campaign = make_campaign(labels=("A",), holdout_share=0)
        make_members(campaign, 60)
        return campaign

    def test_none_of_the_group_is_written_to_and_all_others_are(self, campaign):
        group = begin()
        start(campaign)
        send_all(campaign)
        for delivery in Delivery.objects.all():
            held = controls.holds(group.pk, 0.2, delivery.customer_id)
            assert delivery.status == ("skipped" if held else "sent")
            assert delivery.reason == ("control_group" if held else "")
        assert Delivery.objects.filter(status="skipped").exists()

    def test_without_a_group_everybody_is(self, campaign):
        begin()
        controls.end(ControlGroup.objects.get(), now=NOON)
        start(campaign)
        send_all(campaign)
        assert set(Delivery.objects.values_list("status", flat=True)) == {"sent"}

    def test_consent_comes_first(self, campaign):
        begin()
        other = make_campaign(labels=("A",), holdout_share=0)
        make_members(other, 30, consenting=False)
        start(other)
        send_all(other)
        reasons = Delivery.objects.filter(campaign=other).values_list("reason", flat=True)
        assert set(reasons) == {"no_consent"}


class TestMeasuring:
    def world(self, *, effect, customers=400):
        """Everybody was known before; of those written to `effect` more buy."""
        product = make_product("P1", price=10)
        people = [
            make_customer(f"C{number}", at=NOON - timedelta(days=60)) for number in range(customers)
        ]
        group = begin()
        for number, person in enumerate(people):
            held = controls.holds(group.pk, 0.2, person.pk)
            if number % 10 < (2 if held else 2 + effect):
                make_order(person, product, at=NOON + timedelta(days=5))
        return group

    def test_a_planted_effect_is_found(self):
        row = controls.measure(self.world(effect=6), now=LATER)
        assert row["sizes"]["control"] + row["sizes"]["written"] == 400
        assert row["conversion"]["lower"] > 0
        assert abs(row["conversion"]["estimate"] - 0.6) < 0.15
        assert row["revenue"]["estimate"] > 0

    def test_where_there_is_none_none_is_claimed(self):
        row = controls.measure(self.world(effect=0), now=LATER)
        assert row["conversion"]["lower"] < 0 < row["conversion"]["upper"]

    def test_who_came_later_is_left_out(self):
        group = self.world(effect=0, customers=50)
        make_customer("late", at=NOON + timedelta(days=1))
        assert sum(controls.measure(group, now=LATER)["sizes"].values()) == 50

    def test_too_few_say_nothing(self):
        row = controls.measure(self.world(effect=0, customers=8), now=LATER)
        assert row["conversion"] is row["revenue"] is None

    def test_nobody_at_all_is_no_error(self):
        assert controls.measure(begin(), now=LATER)["sizes"] == {"control": 0, "written": 0}

    def test_a_day_is_measured_once_and_an_ended_group_no_more(self):
        group = self.world(effect=0, customers=20)
        for hours in (0, 1, 24):
            controls.measure_running(now=LATER + timedelta(hours=hours))
        group.refresh_from_db()
        assert [row["at"][:10] for row in group.history] == ["2026-03-31", "2026-04-01"] or len(
            group.history
        ) == 2
        controls.end(group, now=LATER + timedelta(days=2))
        group.refresh_from_db()
        assert len(group.history) == 3
        assert controls.measure(group, now=LATER + timedelta(days=3)) is None
        assert controls.measure_running(now=LATER) == 0

    def test_it_takes_the_same_questions_for_more_customers(self, django_assert_max_num_queries):
        group = self.world(effect=1, customers=100)
        with django_assert_max_num_queries(7):
            controls.measure(group, now=LATER)


class TestPages:
    def url(self, name, *args):
        return reverse(f"admin:campaigns_controlgroup_{name}", args=args)

    def test_it_is_begun_shown_and_ended(self, admin_client):
        assert admin_client.post(self.url("add"), {"share": "0.05"}).status_code == 302
        group = ControlGroup.objects.get()
        assert (group.share, group.started_by.username) == (Decimal("0.05"), "admin")
        page = admin_client.get(self.url("change", group.pk)).content.decode()
        assert "5.0 % of all customers" in page
        assert "Nothing measured yet" in page
        assert admin_client.get(self.url("add")).status_code == 403
        end = self.url("end", group.pk)
        assert admin_client.get(end).status_code == 200
        assert not ControlGroup.objects.get().ended_at
        admin_client.post(end, {"confirm": "yes"})
        assert ControlGroup.objects.get().ended_at
        assert admin_client.get(self.url("changelist")).status_code == 200

    @pytest.mark.parametrize("share", ["0", "0.5", "-1", "x", ""])
    def test_a_share_out_of_bounds_is_refused(self, admin_client, share):
        page = admin_client.post(self.url("add"), {"share": share})
        assert page.status_code == 200
        assert not ControlGroup.objects.exists()

    def test_figures_stand_on_its_page(self, admin_client):
        group = TestMeasuring().world(effect=6)
        controls.measure(group, now=LATER)
        page = admin_client.get(self.url("change", group.pk)).content.decode()
        assert " written to" in page
        assert "+" in page
        assert "too few" not in page

    def test_who_may_only_look_ends_nothing(self, client, django_user_model):
        from django.contrib.auth.models import Permission

        viewer = django_user_model.objects.create_user("v", password="x", is_staff=True)
        viewer.user_permissions.add(Permission.objects.get(codename="view_controlgroup"))
        client.force_login(viewer)
        group = begin()
        client.post(self.url("end", group.pk), {"confirm": "yes"})
        client.post(self.url("add"), {"share": "0.1"})
        assert not ControlGroup.objects.get().ended_at
        assert client.get(self.url("change", group.pk)).status_code == 200
        assert Customer.objects.count() == 0
