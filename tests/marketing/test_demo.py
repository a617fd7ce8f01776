"""The demo shop: the same from the same seed, true to its own story, made once."""

import json
from collections import Counter

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count
from django.utils import timezone

from campaigns.models import Campaign
from chatbot.models import Answer, Conversation
from crm import baskets
from crm.ml.baskets import BasketRules
from crm.models import (
    Customer,
    Event,
    Evidence,
    Feedback,
    Order,
    OrderLine,
    Product,
    Segment,
    Topic,
)
from marketing import demo
from marketing.demo import catalogue, history, people
from marketing.demo.catalogue import CATEGORIES
from recommendations.models import Impression

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="class")
def shop(django_db_setup, django_db_blocker):
    """One shop of 300 customers for all these tests; rolled back at the end."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        demo.fill(customers=300, seed=3, now=timezone.now())
        yield
        transaction.set_rollback(True)


@pytest.mark.usefixtures("shop")
class TestShop:
    def test_everything_is_there(self):
        assert Customer.objects.known().count() == 300
        assert Product.objects.count() > 150
        assert Order.objects.count() > 600
        assert Feedback.objects.exists()
        assert Answer.objects.count() >= 15
        assert Conversation.objects.exists()
        assert Campaign.objects.filter(status="finished").exists()
        assert Campaign.objects.filter(status="draft").exists()
        assert all(segment.refreshed_at for segment in Segment.objects.filter(kind="rule"))

    def test_lists_were_shown_and_what_is_looked_at_less_is_clicked_less(self):
        shown = Impression.objects.values_list("position").annotate(
            rate=1.0 * Count("clicked_at") / Count("pk")
        )
        rate = dict(shown)
        assert set(rate) == set(range(1, 9))
        assert rate[1] > 2 * rate[8] > 0
        clicks = Impression.objects.exclude(clicked_at=None)
        assert Event.objects.of_kind("recommendations.product_clicked").count() == clicks.count()
        assert not clicks.filter(clicked_at__gt=timezone.now()).exists()

    def test_every_category_has_something_in_both_languages(self):
        for slug in CATEGORIES:
            products = Product.objects.filter(category__slug=slug)
            assert products.count() >= 4
            assert all(p.title_zh and p.title_en and p.features for p in products)

    def test_nothing_happens_before_it_can_or_after_now(self):
        now = timezone.now()
        assert not Event.objects.filter(happened_at__gt=now).exists()
        assert not Order.objects.filter(placed_at__gt=now).exists()
        assert not Feedback.objects.filter(at__gt=now).exists()

    def test_every_order_has_its_fact_and_its_lines(self):
        facts = Event.objects.of_kind("crm.order_placed").count()
        assert facts == Order.objects.count()
        assert not Order.objects.filter(lines=None).exists()

    def test_every_customer_is_known_by_an_edge_between_two_identifiers(self):
        edges = Evidence.objects.values_list("one__customer_id", "other__customer_id")
        assert sorted(edges) == [
            (pk, pk) for pk in sorted(Customer.objects.known().values_list("pk", flat=True))
        ]

    def test_nobody_reacts_to_the_past(self):
        assert Event.objects.waiting().count() == 0

    def test_headphones_go_with_phones(self):
        """The planted rule can be found: lift well above one."""
        baskets = {}
        for order, category in OrderLine.objects.values_list("order_id", "product__category__slug"):
            baskets.setdefault(order, set()).add(category)
        count = Counter(c for basket in baskets.values() for c in basket)
        both = sum({"phone", "headphones"} <= basket for basket in baskets.values())
        lift = both * len(baskets) / (count["phone"] * count["headphones"])
        assert lift > 1.5

    def test_customers_have_tastes(self):
        """One category takes far more of a customer's purchases than chance would."""
        bought = {}
        for customer, category in OrderLine.objects.values_list(
            "order__customer_id", "product__category__slug"
        ):
            bought.setdefault(customer, []).append(category)
        shares = [Counter(c).most_common(1)[0][1] / len(c) for c in bought.values() if len(c) >= 6]
        assert np.mean(shares) > 2.5 / len(CATEGORIES)

    def test_a_second_time_changes_nothing(self):
        before = Customer.objects.count()
        with pytest.raises(demo.NotEmpty):
            demo.fill(customers=5, seed=1, now=timezone.now())
        assert Customer.objects.count() == before


def test_what_is_of_one_series_is_found_to_be_bought_together():
    """Pairs of products by the significant rules alone, and each of them was planted."""
    rng, now = np.random.default_rng(7), timezone.now()
    for slug in demo.TOPICS:
        Topic.objects.create(slug=slug, name_en=slug)
    shelf = catalogue.stock_shelves(now=now, rng=rng)
    crowd = people.invite(600, start=0, categories=shelf.categories, now=now, rng=rng)
    history.live(crowd, shelf, now=now, rng=rng)
    rules = BasketRules().fit(baskets.until(now))
    products = Product.objects.select_related("category").in_bulk()
    pairs = [
        (products[rules.left_[row]], products[rules.right_[row]]) for row in rules.strongest(9)
    ]
    planted = {frozenset((first, then)) for first, (then, _) in history.FOLLOWS.items()}
    assert len(pairs) >= 5
    for one, other in pairs:
        assert frozenset((one.category.slug, other.category.slug)) in planted
        assert one.brand_id == other.brand_id


def test_the_same_seed_is_the_same_shop():
    from django.db import transaction

    now = timezone.now()
    seen = []
    for _ in range(2):
        with transaction.atomic():
            demo.fill(customers=30, seed=11, now=now)
            # What a campaign caused depends on its arms, and those on a secret of the installation.
            history = Order.objects.exclude(number__startswith="SO-D")
            seen.append(
                (
                    list(Customer.objects.order_by("pk").values_list("name", "last_seen_at")),
                    [str(o.total) for o in history.order_by("placed_at", "total")],
                )
            )
            transaction.set_rollback(True)
    assert seen[0] == seen[1]


def test_the_command_says_what_it_made_and_does_it_once(capsys):
    call_command("demo", customers=20, seed=5)
    made = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert made["created"]["customers"] == 20
    call_command("demo", customers=20, seed=5)
    again = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert again["created"] == {}
    assert Customer.objects.known().count() == 20


@pytest.mark.parametrize("number", ["0", "-1", "many", "1000001"])
def test_a_size_that_is_none_is_refused(number):
    with pytest.raises(CommandError, match="not a number from 1"):
        call_command("demo", "--customers", number)
