"""What staff see: why a product is not in a list, and what every voice would show."""

from datetime import timedelta

import pytest
from django.utils import translation

from crm import artifacts
from crm.training import Order
from recommendations import serving
from recommendations.ml.shop import ShopRecommender
from recommendations.serving import Constraints
from recommendations.training import train_recommender
from tests.factories import NOON, make_customer, make_order, make_product
from tests.recommendations.worlds import make_shop, rate, view

pytestmark = pytest.mark.django_db


@pytest.fixture
def trained():
    shop = make_shop()
    assert train_recommender(Order(as_of=NOON, now=NOON))["promoted"]
    return shop


def codes(verdict):
    return [cause.code for cause in verdict.causes]


class TestWhyNot:
    def test_what_is_in_the_list_has_its_place_and_no_cause(self, trained):
        ada = trained[1][0][0]
        for line in serving.recommend(ada, n=5, now=NOON):
            verdict = serving.why_not(ada, line.product, n=5, now=NOON)
            assert (verdict.place, verdict.causes) == (line.rank, ())
            assert verdict.score == pytest.approx(line.score)
        assert verdict.sentence() == "It is at place 5 of the list."

    def test_what_they_bought(self, trained):
        ada = trained[1][0][0]
        bought = ada.orders.first().lines.first().product
        verdict = serving.why_not(ada, bought, now=NOON)
        assert codes(verdict) == ["bought"]
        assert verdict.place is None
        assert verdict.sentence().startswith("It is not in the list: the customer has bought it.")

    def test_what_they_dislike(self, trained):
        products, people = trained
        rate(people[0][0], products[2][0], 1, at=NOON - timedelta(days=1))
        assert codes(serving.why_not(people[0][0], products[2][0], now=NOON)) == ["disliked"]

    def test_what_was_shown_again_and_again(self, trained):
        ada = trained[1][0][0]
        first = serving.recommend(ada, n=1, now=NOON, placement="home")
        for hour in range(8):
            at = NOON + timedelta(hours=hour)
            serving.record_impressions(ada, first, placement="home", now=at)
        asked = {"now": NOON + timedelta(hours=9), "n": 1}
        product = first[0].product
        assert codes(serving.why_not(ada, product, placement="home", **asked)) == ["seen_too_often"]
        assert serving.why_not(ada, product, placement="mail", **asked).place == 1

    @pytest.mark.parametrize(
        ("change", "code"), [({"stock": 0}, "sold_out"), ({"is_active": False}, "unlisted")]
    )
    def test_what_the_shop_cannot_sell(self, trained, change, code):
        ada = trained[1][0][0]
        product = serving.recommend(ada, n=1, now=NOON)[0].product
        type(product).objects.filter(pk=product.pk).update(**change)
        product.refresh_from_db()
        verdict = serving.why_not(ada, product, now=NOON)
        assert codes(verdict) == [code]
        assert verdict.rank is not None

    def test_everything_that_forbids_it_is_said(self, trained):
        ada = trained[1][0][0]
        product = ada.orders.first().lines.first().product
        product.stock, product.is_active = 0, False
        product.save()
        within = Constraints(category="kind2")
        verdict = serving.why_not(ada, product, now=NOON, within=within)
        assert codes(verdict) == ["bought", "unlisted", "sold_out", "not_asked_for"]

    def test_what_others_outrank_says_at_which_place_it_is(self, trained):
        products, people = trained
        verdict = serving.why_not(people[0][0], products[2][0], n=1, now=NOON)
        assert codes(verdict) == ["outranked"]
        assert verdict.of == 24
        assert f"It ranks {verdict.rank} of 24." in verdict.sentence()

    def test_what_they_looked_at_gives_way_to_discovery(self, trained):
        products, people = trained
        ada = people[0][0]
        for product in products[0]:
            view(ada, product)
        known = [
            codes(serving.why_not(ada, product, n=6, now=NOON))
            for product in products[0]
        ]  # fmt: skip
        assert ["looked_at"] in known

    def test_a_product_younger_than_the_artifact_has_no_rank(self, trained):
        young = make_product("YOUNG")
        verdict = serving.why_not(trained[1][0][0], young, n=1, now=NOON)
        assert (verdict.rank, verdict.score) == (None, None)
        assert verdict.sentence() == "It is not in the list: others rank higher."

    def test_the_verdict_speaks_chinese(self, trained):
        ada = trained[1][0][0]
        bought = ada.orders.first().lines.first().product
        verdict = serving.why_not(ada, bought, now=NOON)
        with translation.override("zh-hans"):
            assert "买过" in verdict.sentence()

    def test_with_nothing_trained_what_sells_decides(self):
        product, ada = make_product(), make_customer()
        make_order(make_customer(), product, at=NOON - timedelta(days=1))
        verdict = serving.why_not(ada, product, now=NOON)
        assert (verdict.place, verdict.artifact) == (1, "popularity")


class TestSides:
    def test_every_voice_the_blend_and_what_is_shown_each_have_their_list(self, trained):
        ada = trained[1][0][0]
        sides = serving.sides(ada, n=5, now=NOON)
        assert [side.name for side in sides[-2:]] == ["blend", "shown"]
        voices = sides[:-2]
        assert voices
        assert sum(side.weight for side in voices) == pytest.approx(1.0)
        assert [side.weight for side in voices] == sorted(
            (side.weight for side in voices), reverse=True
        )
        assert all(len(side.lines) == 5 for side in sides)

    def test_what_is_shown_is_what_the_customer_gets(self, trained):
        ada = trained[1][0][0]
        shown = serving.sides(ada, n=5, now=NOON)[-1]
        assert shown.lines == serving.recommend(ada, n=5, now=NOON)

    def test_a_voice_ranks_as_it_does_alone(self, trained):
        ada = trained[1][0][0]
        shop = artifacts.load_serving(ShopRecommender)
        for side in serving.sides(ada, n=4, now=NOON)[:-2]:
            scores = [line.score for line in side.lines]
            assert scores == sorted(scores, reverse=True)
            assert side.name in {voice.name for voice in shop.blend_.voices().values()}

    def test_every_line_has_a_reason_and_what_is_left_out_a_cause(self, trained):
        products, people = trained
        ada = people[0][0]
        make_order(ada, *products[0][:4], at=NOON)
        for side in serving.sides(ada, n=5, now=NOON):
            assert all(line.reason("en") for line in side.lines)
            assert all(out.causes for out in side.left_out)
            assert not {out.product for out in side.left_out} & {o.product for o in side.lines}

    def test_what_they_bought_is_named_among_the_left_out(self, trained):
        products, people = trained
        ada = people[0][0]
        make_order(ada, *products[0], at=NOON)
        blend = serving.sides(ada, n=24, now=NOON)[-2]
        out = {left.product: [cause.code for cause in left.causes] for left in blend.left_out}
        assert {product: ["bought"] for product in products[0]}.items() <= out.items()

    def test_with_nothing_known_only_what_is_shown_is_there(self, trained):
        sides = serving.sides(make_customer(), n=3, now=NOON)
        assert [side.name for side in sides] == ["shown"]
        assert sides[0].lines[0].artifact == "popularity"

    def test_a_list_of_none_has_no_sides(self, trained):
        assert serving.sides(make_customer(), n=0, now=NOON) == []
