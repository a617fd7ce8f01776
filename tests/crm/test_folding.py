"""Purchases are folded as they come, and nobody can tell from folding all of them at once."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from crm import customers, scores
from crm.ml import rfm
from crm.models import (
    Customer,
    CutPoints,
    Membership,
    Order,
    PurchaseChange,
    PurchaseSummary,
    Score,
    Segment,
    Touch,
)
from crm.scores import folding
from tests.factories import NOON, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
TRIGGERS = {"purchases_inserted", "purchases_updated", "purchases_deleted", "buyer_merged"}


def order(customer, total=10, *, at=NOON, **fields):
    number = f"F{Order.objects.count()}-{customer.pk}-{at.timestamp()}-{total}"
    return Order.objects.create(
        number=number, customer=customer, total=total, placed_at=at, source="test", **fields
    )


def fold(*, as_of=NOON):
    with folding.exclusive():
        return folding.fold(as_of=as_of)


def summaries():
    names = ("customer", "currency", "first_day", "last_day", "days", "sales", "money")
    return set(PurchaseSummary.objects.values_list(*names))


def everything(*, as_of=NOON):
    """What folding all orders from nothing gives, without keeping it."""
    with transaction.atomic():
        with folding.exclusive():
            folding.fold_everything(as_of=as_of)
        found = summaries()
        transaction.set_rollback(True)
    return found


def scored():
    return {
        pk: (value, label, tuple(sorted((k, v) for k, v in detail.items() if k != "recency")))
        for pk, value, label, detail in Score.objects.filter(name="rfm").values_list(
            "customer", "value", "label", "detail"
        )
    }


def by_arrays(*, as_of, kept=False):
    """The same scores as numpy makes them of arrays of all orders; or by the cut points kept."""
    bought = scores.purchases(as_of=as_of)
    values = rfm.values(
        bought.customers, bought.days, bought.amounts, today=bought.today, count=len(bought.ids)
    )
    buyers = values.frequency > 0
    money = values.monetary[buyers].round(2)
    recency, frequency = values.recency[buyers], values.frequency[buyers]
    made = rfm.score(rfm.Values(recency, frequency, money))
    if kept and (points := CutPoints.objects.first()):
        days = [
            (as_of.date() - date.fromisoformat(day)).days for day in points.exceeded["last_day"]
        ]
        made = rfm.of_quintiles(
            1 + np.searchsorted(-np.array(days), -recency, side="left"),
            1 + np.searchsorted(points.exceeded["days"], frequency, side="left"),
            1 + np.searchsorted(points.exceeded["money"], money, side="left"),
        )
    rows = zip(
        bought.ids[buyers].tolist(), made.score.tolist(), made.label.tolist(), made.r.tolist(),
        made.f.tolist(), made.m.tolist(), values.frequency[buyers].tolist(), money.tolist(),
        strict=True,
    )  # fmt: skip
    return {
        pk: (
            value,
            rfm.SLUGS[label],
            (("f", f), ("frequency", days), ("m", m), ("monetary", spent), ("r", r)),
        )
        for pk, value, label, r, f, m, days, spent in rows
    }


def members():
    return set(
        Membership.objects.filter(segment__kind=Segment.Kind.LABEL).values_list(
            "customer", "segment__rule__label"
        )
    )


class TestFold:
    def test_a_day_of_two_orders_is_one_day(self):
        ada = make_customer()
        order(ada, 10)
        order(ada, 5, at=NOON + timedelta(hours=1))
        order(ada, 1, at=NOON - 3 * DAY)
        fold(as_of=NOON + DAY)
        [row] = PurchaseSummary.objects.all()
        assert (row.days, row.sales, row.money) == (2, 3, 16.0)
        assert (row.first_day, row.last_day) == ((NOON - 3 * DAY).date(), NOON.date())

    def test_currencies_are_never_added(self):
        ada = make_customer()
        order(ada, 10)
        order(ada, 7, currency="USD")
        fold()
        assert dict(PurchaseSummary.objects.values_list("currency", "money")) == {
            "CNY": 10.0,
            "USD": 7.0,
        }

    def test_a_refund_takes_money_and_is_no_purchase(self):
        ada, returner = make_customer(), make_customer("Bob")
        order(ada, 10, at=NOON - DAY)
        order(ada, -4, is_refund=True, status="refunded")
        order(returner, -4, is_refund=True, status="refunded")
        fold()
        row = PurchaseSummary.objects.get(customer=ada)
        assert (row.days, row.sales, row.money) == (1, 1, 6.0)
        row = PurchaseSummary.objects.get(customer=returner)
        assert (row.days, row.sales, row.last_day) == (0, 0, None)

    def test_folding_twice_is_folding_once(self):
        order(make_customer())
        fold()
        before = list(PurchaseSummary.objects.values())
        fold()
        assert list(PurchaseSummary.objects.values()) == before
        assert not folding.waiting(as_of=NOON)

    def test_an_order_of_tomorrow_is_folded_tomorrow(self):
        ada = make_customer()
        order(ada, 10)
        order(ada, 5, at=NOON + DAY)
        fold()
        assert PurchaseSummary.objects.get().money == 10
        assert not folding.waiting(as_of=NOON)
        assert folding.waiting(as_of=NOON + DAY)
        fold(as_of=NOON + DAY)
        assert PurchaseSummary.objects.get().money == 15

    def test_an_earlier_moment_can_be_asked_for_again(self):
        for number in range(12):
            order(make_customer(), at=NOON - number * DAY)
        fold()
        fold(as_of=NOON - 5 * DAY)
        assert summaries() == everything(as_of=NOON - 5 * DAY)
        fold()
        assert summaries() == everything()

    def test_only_whose_orders_changed_are_folded(self):
        people = [make_customer() for _ in range(20)]
        for person in people:
            order(person)
        fold()
        kept = set(PurchaseSummary.objects.exclude(customer=people[0]).values_list("pk", flat=True))
        order(people[0], 3)
        assert list(PurchaseChange.objects.values_list("customer_id", flat=True)) == [people[0].pk]
        assert fold() == 1
        assert kept < set(PurchaseSummary.objects.values_list("pk", flat=True))
        assert PurchaseSummary.objects.get(customer=people[0]).money == 13


class TestAdding:
    """New orders are added to the row; whoever has another change is folded anew."""

    @pytest.fixture
    def ada(self):
        ada, *others = [make_customer(f"A{number}") for number in range(8)]
        for person in (ada, *others):
            order(person, "10.10", at=NOON - 3 * DAY)
        fold()
        return ada

    def anew(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT customer_id FROM purchases_anew")
            return {pk for (pk,) in cursor.fetchall()}

    def fold_and_see(self, *, as_of=NOON + DAY):
        with folding.exclusive():
            folding.fold(as_of=as_of)
            found = self.anew()
        assert summaries() == everything(as_of=as_of)
        return found

    def test_orders_of_today_are_added(self, ada):
        order(ada, "0.20")
        order(ada, "5.05", at=NOON + timedelta(hours=1))
        order(ada, "-1.15", is_refund=True, status="refunded")
        order(ada, 3, currency="USD")
        assert self.fold_and_see() == set()
        row = PurchaseSummary.objects.get(customer=ada, currency="CNY")
        assert (row.days, row.sales, row.money) == (2, 3, 14.2)

    def test_another_order_of_the_same_day_is_no_other_day(self, ada):
        order(ada, 5, at=NOON - 3 * DAY + timedelta(hours=2))
        assert self.fold_and_see() == set()
        assert PurchaseSummary.objects.get(customer=ada).days == 1

    def test_who_only_sent_something_back_so_far_begins_today(self, ada):
        bob = make_customer("Bob")
        order(bob, -4, is_refund=True, status="refunded")
        fold()
        order(bob, 9)
        assert self.fold_and_see() == set()
        assert PurchaseSummary.objects.get(customer=bob).first_day == NOON.date()

    def test_an_order_not_paid_yet_adds_nothing_until_it_is_paid(self, ada):
        waiting = order(ada, 5, status="pending_payment")
        assert self.fold_and_see() == set()
        assert PurchaseSummary.objects.get(customer=ada).sales == 1
        waiting.status = "processing"
        waiting.save()
        assert self.fold_and_see() == {ada.pk}
        assert PurchaseSummary.objects.get(customer=ada).sales == 2

    @pytest.mark.parametrize("what", ["late", "cancelled", "deleted", "tomorrow"])
    def test_any_other_change_folds_the_customer_anew(self, ada, what):
        other = order(ada, 5)
        if what == "late":
            order(ada, 7, at=NOON - 9 * DAY)
        elif what == "deleted":
            other.delete()
        elif what == "cancelled":
            Order.objects.filter(pk=other.pk).update(status="cancelled")
        else:
            order(ada, 7, at=NOON + 5 * DAY)
        assert self.fold_and_see() == {ada.pk}

    @pytest.mark.parametrize("before", ["nothing", "an order", "a late one", "everybody"])
    def test_an_order_that_comes_while_folding_counts_once(self, ada, monkeypatch, before):
        """Its change is not among those taken, but the statements after that see the order."""
        if before == "an order":
            order(ada, 5)
        elif before == "a late one":
            order(ada, 5, at=NOON - 9 * DAY)
        elif before == "everybody":
            PurchaseChange.objects.create(customer_id=None)
        take = folding._take

        def taken_and_then_ordered(moment):
            taken = take(moment)
            order(ada, 7, at=NOON + timedelta(hours=1))
            return taken

        with monkeypatch.context() as patched:
            patched.setattr(folding, "_take", taken_and_then_ordered)
            fold(as_of=NOON + DAY)
        assert folding.waiting(as_of=NOON + DAY)
        self.fold_and_see()


class TestNobodyIsMissed:
    """Whoever writes an order, and however: its customer waits to be folded."""

    @pytest.fixture
    def ada(self):
        ada = make_customer()
        order(ada)
        make_customer("Bob")
        PurchaseChange.objects.all().delete()
        return ada

    def waiting(self):
        return set(PurchaseChange.objects.values_list("customer_id", flat=True))

    def test_every_trigger_is_there_after_all_migrations(self):
        """A migration that alters a table on SQLite makes it anew, and loses its triggers."""
        sql = (
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
            if connection.vendor == "postgresql"
            else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql)
            assert {name for (name,) in cursor.fetchall()} >= TRIGGERS

    def test_many_written_at_once(self, ada):
        rows = [
            Order(number=f"M{n}", customer=ada, total=1, placed_at=NOON, source="test")
            for n in range(3)
        ]
        Order.objects.bulk_create(rows)
        assert self.waiting() == {ada.pk}

    def test_an_update_of_many(self, ada):
        Order.objects.update(status="cancelled")
        assert self.waiting() == {ada.pk}

    def test_an_order_that_goes_to_somebody_else(self, ada):
        bob = Customer.objects.get(name="Bob")
        Order.objects.update(customer=bob)
        assert self.waiting() == {ada.pk, bob.pk}

    def test_an_order_that_is_deleted(self, ada):
        Order.objects.all().delete()
        assert self.waiting() == {ada.pk}

    def test_a_customer_who_is_merged(self, ada):
        Customer.objects.filter(pk=ada.pk).update(merged_into=Customer.objects.get(name="Bob"))
        assert self.waiting() == {ada.pk}

    def test_what_a_summary_is_not_made_of_lets_it_be(self, ada):
        Order.objects.update(carrier="SF", eta=NOON.date())
        Customer.objects.filter(pk=ada.pk).update(name="Eve")
        ada.save()
        assert self.waiting() == set()


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["order"] * 6 + ["refund", "cancel", "pay", "delete", "move", "merge", "part", "fold"]
        ),
        st.integers(0, 11),  # who
        st.integers(0, 11),
        st.integers(0, 40),  # how many days ago
        st.decimals(0, 90, places=2),
    ),
    min_size=5,
    max_size=40,
)


class Shop:
    """Customers, and what may happen to their orders."""

    def __init__(self):
        self.people = [make_customer(f"P{number}") for number in range(12)]
        self.merges = []

    def act(self, what, who, other, days, amount):
        at = NOON - days * DAY + timedelta(hours=other)
        orders = Order.objects.order_by("pk")
        some = orders[who % len(orders)] if orders else None
        if what == "order":
            currency = "USD" if other == 11 else "CNY"
            order(self.head(who), amount, at=at, currency=currency)
        elif what == "refund":
            order(self.head(who), -amount, at=at, is_refund=True, status="refunded")
        elif what in ("merge", "part"):
            self.join(who, other) if what == "merge" else self.part()
        elif what == "fold":
            scores.fold_rfm(now=NOON + DAY)
        elif some is not None:
            self.change(what, some, other)

    def change(self, what, some, other):
        if what == "delete":
            some.delete()
        elif what == "move":
            Order.objects.filter(pk=some.pk).update(customer=self.head(other))
        else:
            some.status = "cancelled" if what == "cancel" else "processing"
            some.save()

    def head(self, number):
        person = Customer.objects.get(pk=self.people[number].pk)
        while person.merged_into_id:
            person = person.merged_into
        return person

    def join(self, who, other):
        one, two = self.head(who), self.head(other)
        if one != two:
            said = {"evidence": "looked", "source": "admin", "at": NOON, "kind": "staff"}
            self.merges.append(customers.merge(one, two, **said))

    def part(self):
        if self.merges:
            customers.unmerge(self.merges.pop(), at=NOON)


class TestExactness(TestCase):
    @given(acts=ACTS)
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def test_folding_as_it_comes_is_folding_all_at_once_whatever_happened(self, acts):
        shop = Shop()
        for act in acts:
            shop.act(*act)
        scores.fold_rfm(now=NOON + DAY)
        kept, labels = scored(), members()
        assert summaries() == everything(as_of=NOON + DAY)
        assert kept == by_arrays(as_of=NOON + DAY, kept=True)
        assert labels == {(pk, label) for pk, (_, label, _) in kept.items()}
        scores.refresh_rfm(as_of=NOON + DAY, now=NOON + DAY)
        kept, labels = scored(), members()
        assert kept == by_arrays(as_of=NOON + DAY)
        assert labels == {(pk, label) for pk, (_, label, _) in kept.items()}


class TestCutPoints(TestCase):
    """Kept until a tenth of the buyers was folded: the scores of all others stay as they are."""

    @given(seed=st.integers(0, 10_000), days=st.lists(st.integers(0, 9), min_size=1, max_size=9))
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    def test_scores_are_those_of_the_cut_points_and_these_never_far_from_their_place(
        self, seed, days
    ):
        rng = np.random.default_rng(seed)
        people = Customer.objects.bulk_create(
            Customer(name=f"C{n}", first_seen_at=NOON, last_seen_at=NOON) for n in range(80)
        )
        self.buy(people, NOON - 200 * DAY * rng.random(200), rng)
        scores.refresh_rfm(as_of=NOON, now=NOON)
        for number, buyers in enumerate(days, start=1):
            today = NOON + number * DAY
            before, drawn = scored(), CutPoints.objects.get().drawn_at
            self.buy(people, [today - timedelta(hours=h) for h in range(buyers)], rng)
            scores.fold_rfm(now=today)
            assert scored() == by_arrays(as_of=today, kept=True)
            assert members() == {(pk, label) for pk, (_, label, _) in scored().items()}
            points = CutPoints.objects.get()
            if points.drawn_at == drawn:
                changed = [pk for pk, score in scored().items() if score != before.get(pk)]
                assert len(changed) <= buyers
            self.near(points)

    def buy(self, people, moments, rng):
        Order.objects.bulk_create(
            Order(
                number=f"C{rng.integers(2**60)}",
                customer=people[int(80 * rng.random() ** 2)],
                total=Decimal(int(rng.integers(100, 9000))) / 100,
                placed_at=at,
                source="test",
            )
            for at in moments
        )

    def near(self, points):
        """At most a tenth of the buyers stand on the wrong side of any cut point."""
        for name, exceeded in points.exceeded.items():
            column = [str(v) for v in PurchaseSummary.objects.values_list(name, flat=True)]
            if name != "last_day":
                column, exceeded = [float(v) for v in column], [float(v) for v in exceeded]
            ranked = sorted(column)
            for rank, value in zip(rfm.cuts(len(ranked)), exceeded, strict=True):
                low = sum(one < value for one in ranked)
                high = sum(one <= value for one in ranked)
                slack = len(ranked) / 10 + 1
                assert low - slack <= rank <= high + slack

    def test_they_are_drawn_anew_when_a_tenth_was_folded(self):
        people = [make_customer(f"D{number}") for number in range(30)]
        for person in people:
            order(person)
        scores.fold_rfm(now=NOON)
        assert CutPoints.objects.get().buyers == 30
        for number, person in enumerate(people[:4], start=1):
            order(person, at=NOON + number * DAY)
            scores.fold_rfm(now=NOON + number * DAY)
        points = CutPoints.objects.get()
        assert (points.drawn_at, points.folded) == (NOON + 4 * DAY, 0)

    def test_a_day_later_only_numbers_that_changed_are_written_though_all_are_looked_at(self):
        for number in range(5):
            order(make_customer(f"E{number}"), 10 + number, at=NOON - number * DAY)
        scores.fold_rfm(now=NOON)
        order(make_customer("New"), 1, at=NOON - 30 * DAY)
        scores.fold_rfm(now=NOON + DAY)  # a sixth is another one: all are scored
        assert CutPoints.objects.get().drawn_at == NOON + DAY
        assert Score.objects.filter(name="rfm", at=NOON).exists()
        assert scored() == by_arrays(as_of=NOON + DAY)


class TestScores:
    @pytest.fixture
    def people(self):
        """Sixty buyers, all scored."""
        rng = np.random.default_rng(5)
        people = [make_customer(f"S{number}") for number in range(60)]
        for person in people:
            for _ in range(rng.integers(1, 5)):
                days = int(rng.integers(1, 200))
                order(person, Decimal(int(rng.integers(100, 9000))) / 100, at=NOON - days * DAY)
        scores.fold_rfm(now=NOON)
        return people

    def test_the_first_fold_scores_everybody(self, people):
        assert scored() == by_arrays(as_of=NOON)
        assert Segment.objects.filter(kind="label").count() == 11
        assert len(members()) == 60

    def test_only_scores_that_changed_are_written(self, people):
        order(people[7], 5, at=NOON + timedelta(hours=1))
        later = NOON + timedelta(hours=2)
        written = scores.fold_rfm(now=later)
        assert Score.objects.filter(name="rfm", at=later).count() == written == 1
        assert scored() == by_arrays(as_of=later, kept=True)
        assert Score.objects.get(customer=people[7], name="rfm").detail["recency"] == 0

    def test_nothing_new_is_two_queries(self, people, django_assert_num_queries):
        with django_assert_num_queries(2):
            assert scores.fold_rfm(now=NOON) == 0

    def test_the_number_of_queries_does_not_grow_with_the_orders(
        self, people, django_assert_max_num_queries
    ):
        for count in (1, 5, 11):
            for person in people[:count]:
                order(person, 50, at=NOON + timedelta(minutes=count))
            with django_assert_max_num_queries(140):
                scores.fold_rfm(now=NOON + timedelta(hours=count))

    def test_who_enters_a_segment_by_a_fold_is_told_why(self, people):
        lost = Score.objects.filter(name="rfm", label__in=["lost", "hibernating"]).first().customer
        for hour in range(4):
            order(lost, 900, at=NOON + DAY * hour)
        scores.fold_rfm(now=NOON + 5 * DAY)
        membership = Membership.objects.get(customer=lost)
        assert membership.segment.rule["label"] == Score.objects.get(customer=lost).label
        assert membership.reason["because"]
        assert lost.events.filter(kind="crm.segment_entered").exists()

    def test_whose_orders_went_loses_score_and_segment(self, people):
        Order.objects.filter(customer=people[3]).delete()
        scores.fold_rfm(now=NOON + DAY)
        assert not Score.objects.filter(customer=people[3]).exists()
        assert not Membership.objects.filter(customer=people[3]).exists()

    def test_another_main_currency_scores_everybody_anew(self, people):
        Order.objects.update(currency="EUR")
        scores.fold_rfm(now=NOON + DAY)
        assert scored() == by_arrays(as_of=NOON + DAY)

    def test_a_new_main_currency_of_few_customers_is_seen_by_night(self, people):
        for _ in range(400):
            order(people[0], 3, currency="EUR")
        scores.fold_rfm(now=NOON + DAY)
        assert len(scored()) == 60
        scores.refresh_rfm(as_of=NOON + DAY, now=NOON + DAY)
        assert set(scored()) == {people[0].pk}
        assert {pk for pk, _ in members()} == {people[0].pk}

    def test_a_rule_that_reads_the_score_hears_of_it(
        self, people, django_capture_on_commit_callbacks
    ):
        Segment.objects.create(
            slug="best", name_en="Best", kind="rule",
            rule={"score": "rfm", "label": "champions"},
        )  # fmt: skip
        make_order(people[0], make_product(price=5), at=NOON + DAY)
        Touch.objects.all().delete()
        scores.fold_rfm(now=NOON + 2 * DAY)
        assert Touch.objects.filter(customer_id=people[0].pk, reads="score:rfm").exists()
