"""Train on the shop, judge on later time, promote only what is better, serve it at once."""

from datetime import timedelta

import numpy as np
import pytest

from crm import artifacts
from crm.models import Artifact
from crm.training import Order, TooLittleData
from recommendations import serving
from recommendations.ml.shop import ShopRatings, ShopRecommender
from recommendations.training import TRAINERS, train_ratings, train_recommender
from tests.factories import NOON, make_customer, make_order, make_product
from tests.recommendations.worlds import make_shop, rate, view

pytestmark = pytest.mark.django_db
ORDER = Order(as_of=NOON, now=NOON)


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def trained(shop):
    report = train_recommender(ORDER)
    assert report["promoted"], report["reason"]
    return shop


class TestRecommender:
    def test_planted_tastes_beat_what_sells(self, shop):
        report = train_recommender(ORDER)
        assert report["promoted"]
        assert report["metrics"]["ndcg@10"] > report["baseline_metrics"]["ndcg@10"]
        assert set(report["metrics"]) == {
            "ndcg@10",
            "recall@10",
            "mrr",
            "coverage",
            "gini",
            "novelty",
            "diversity",
            "calibration",
        }

    def test_an_empty_shop_is_too_little_and_says_so(self):
        with pytest.raises(TooLittleData, match="0 interactions of 0 customers"):
            train_recommender(ORDER)

    def test_a_second_training_is_measured_against_the_champion(self, trained):
        report = train_recommender(ORDER)
        assert report["champion_metrics"]["ndcg@10"] == pytest.approx(report["metrics"]["ndcg@10"])
        assert Artifact.objects.filter(name="recommender", status="champion").count() == 1

    def test_later_orders_change_nothing_of_a_training_as_of_before(self, shop):
        first = train_recommender(ORDER)
        make_order(shop[1][0][0], shop[0][2][0], at=NOON + timedelta(days=1))
        assert train_recommender(ORDER)["metrics"] == first["metrics"]

    def test_an_evaluation_keeps_nothing(self, trained):
        count = Artifact.objects.count()
        report = train_recommender(Order(as_of=NOON, now=NOON, keep=False))
        assert report["artifact"] is None
        assert Artifact.objects.count() == count

    def test_the_artifact_comes_back_as_it_was(self, trained):
        loaded, artifact = artifacts.load_serving_with_version(ShopRecommender)
        artifacts._load.cache_clear()
        again = artifacts.load(ShopRecommender, artifact)
        row = loaded.row(np.array([0, 3]), np.ones(2), np.zeros(2), today=1.0)
        assert np.allclose(again.score(row), loaded.score(row))
        assert again.column_of == loaded.column_of


class TestServingWhatWasTrained:
    def test_a_customer_is_shown_their_own_kind(self, trained):
        products, people = trained
        own = {product.pk for product in products[1]}
        listed = serving.recommend(people[1][0], n=3, now=NOON)
        assert all(one.product.pk in own for one in listed)
        assert listed[0].artifact.startswith("recommender#")

    def test_a_purchase_is_gone_from_the_next_list(self, trained):
        ada = trained[1][0][0]
        first = serving.recommend(ada, n=3, now=NOON)[0].product
        make_order(ada, first, at=NOON)
        assert first not in [one.product for one in serving.recommend(ada, n=20, now=NOON)]

    def test_an_event_of_a_second_ago_shows_in_the_next_list(self, trained):
        products, _ = trained
        newcomer = make_customer("Newcomer")
        view(newcomer, products[2][0], at=NOON - timedelta(seconds=1))
        listed = serving.recommend(newcomer, n=3, now=NOON)
        assert [one.product.category.slug for one in listed] == ["kind2"] * 3, [
            (o.product.title_en, o.score, o.reason("en")) for o in listed
        ]

    def test_a_list_is_mostly_of_what_they_have_not_looked_at(self, trained):
        products, people = trained
        for product in products[0]:
            view(people[0][0], product)
        listed = serving.recommend(people[0][0], n=6, now=NOON)
        assert sum(one.product in products[0] for one in listed) <= 2

    def test_what_they_asked_for_is_shown_though_they_looked_at_it(self, trained):
        products, people = trained
        for product in products[2]:
            view(people[0][0], product)
        within = serving.Constraints(category="kind2")
        assert len(serving.recommend(people[0][0], n=8, now=NOON, within=within)) == 8

    def test_somebody_unknown_is_shown_what_sells(self, trained):
        listed = serving.recommend(make_customer("Stranger"), n=5, now=NOON)
        assert {one.artifact for one in listed} == {"popularity"}
        assert len(listed) == 5

    def test_every_product_has_a_reason_in_both_languages(self, trained):
        for one in serving.recommend(trained[1][0][0], n=20, now=NOON):
            assert one.reason("en")
            assert one.reason("zh-hans") != one.reason("en")

    def test_what_a_reason_names_was_really_done(self, trained):
        products, people = trained
        ada = people[0][0]
        bought = {line.product_id for order in ada.orders.all() for line in order.lines.all()}
        for one in serving.recommend(ada, n=5, now=NOON):
            if one.reason_code == "bought":
                assert one.evidence["product_id"] in bought

    def test_what_was_asked_for_narrows_the_personal_list(self, trained):
        within = serving.Constraints(category="kind2", price_max=300)
        listed = serving.recommend(trained[1][0][0], n=10, now=NOON, within=within)
        assert {one.product.category.slug for one in listed} == {"kind2"}
        assert all(one.product.price <= 300 for one in listed)
        assert all(one.reason_code == "asked" for one in listed)

    def test_a_product_younger_than_the_artifact_can_still_be_found(self, trained):
        young = make_product("YOUNG", title_en="Teapot")
        listed = serving.recommend(
            trained[1][0][0], now=NOON, within=serving.Constraints(text="teapot")
        )
        assert [one.product for one in listed] == [young]

    def test_similar_products_are_of_the_same_kind(self, trained):
        products, _ = trained
        listed = serving.similar(products[0][0], n=5, now=NOON)
        assert all(one.product in products[0] for one in listed)
        assert products[0][0] not in [one.product for one in listed]

    def test_the_number_of_queries_is_fixed(self, trained, django_assert_max_num_queries):
        ada = trained[1][0][0]
        with django_assert_max_num_queries(11):
            serving.recommend(ada, n=3, now=NOON, placement="home")
        for product in trained[0][1]:
            view(ada, product)
        with django_assert_max_num_queries(11):
            serving.recommend(ada, n=20, now=NOON, placement="home")

    def test_a_deleted_product_is_left_out(self, trained):
        products, people = trained
        first = serving.recommend(people[0][0], n=1, now=NOON)[0].product
        first.order_lines.all().delete()
        first.delete()
        assert len(serving.recommend(people[0][0], n=30, now=NOON)) > 0

    def test_a_damaged_artifact_falls_back_to_what_sells(self, trained, settings):
        artifact = artifacts.champion_of("recommender")
        artifacts._load.cache_clear()
        with open(artifact.file.path, "wb") as file:
            file.write(b"damaged")
        listed = serving.recommend(trained[1][0][0], n=3, now=NOON)
        assert {one.artifact for one in listed} == {"popularity"}


class TestRatings:
    def test_tastes_in_ratings_beat_the_mean_of_each_product(self):
        rng = np.random.default_rng(0)
        products = [make_product(f"R{i}") for i in range(16)]
        for number in range(60):
            customer = make_customer(f"R{number}")
            for place in rng.permutation(16)[:10]:
                score = 5 if place % 2 == number % 2 else 1
                at = NOON - timedelta(days=float(rng.random() * 100) + 1)
                rate(customer, products[place], score, at=at)
        report = train_ratings(ORDER)
        assert report["metrics"]["rmse"] < report["baseline_metrics"]["rmse"]
        assert report["promoted"]
        shop = artifacts.load_serving(ShopRatings)
        expected = shop.expected(np.array([0, 2]), np.array([5.0, 5.0]))
        assert expected[4] > expected[5]

    def test_a_handful_of_ratings_is_too_little(self):
        with pytest.raises(TooLittleData, match="0 ratings"):
            train_ratings(ORDER)


def test_trainers_are_listed_by_the_name_of_what_they_save():
    assert set(TRAINERS) == {ShopRecommender.name, ShopRatings.name}
