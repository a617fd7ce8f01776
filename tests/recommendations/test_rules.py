"""What the shop wants of every list: up, down, fixed, gone, or for some only."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone, translation

from crm.models import Membership, Segment
from crm.training import Order
from recommendations import rules, serving
from recommendations.models import BusinessRule
from recommendations.training import train_recommender
from tests.factories import (
    NOON,
    make_brand,
    make_category,
    make_customer,
    make_order,
    make_product,
)
from tests.recommendations.worlds import make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """Six phones of which each sells better than the next, and a shoe that sells worst."""
    phones = [
        make_product(f"P{i}", title_en=f"Phone {i}", category=make_category()) for i in range(6)
    ]
    shoe = make_product("SHOE", title_en="Shoe", category=make_category("shoes", "鞋"))
    for place, product in enumerate([*phones, shoe]):
        for _ in range(14 - 2 * place):
            make_order(make_customer("Buyer"), product, at=NOON - timedelta(days=3))
    return [*phones, shoe]


@pytest.fixture
def vip():
    segment = Segment.objects.create(slug="vip", name_en="VIP", name_zh="贵宾", kind="static")
    member = make_customer("Member")
    Membership.objects.create(segment=segment, customer=member, entered_at=NOON)
    return segment, member


def make_rule(effect, **fields):
    return BusinessRule.objects.create(effect=effect, **fields)


def skus(customer=None, *, n=7, **asked):
    asked = {"now": NOON} | asked
    return [one.product.sku for one in serving.recommend(customer or make_customer(), n=n, **asked)]


ALL = ["P0", "P1", "P2", "P3", "P4", "P5", "SHOE"]


class TestWhatARuleDoes:
    def test_without_rules_what_sells_comes_first(self, shop):
        assert skus() == ALL

    def test_a_strong_boost_brings_the_last_to_the_top(self, shop):
        make_rule("boost", product=shop[6], strength=3)
        assert skus()[:2] == ["P0", "SHOE"]

    def test_a_stronger_boost_moves_further(self, shop):
        places = []
        for strength in (1, 2, 3):
            BusinessRule.objects.all().delete()
            make_rule("boost", product=shop[6], strength=strength)
            places.append(skus().index("SHOE"))
        assert places == sorted(places, reverse=True)
        assert places[0] > places[2]

    def test_what_is_buried_comes_far_down_but_stays(self, shop):
        make_rule("bury", product=shop[0], strength=3)
        assert skus() == [*ALL[1:6], "P0", "SHOE"]

    def test_boosts_of_one_product_add_up(self, shop):
        make_rule("boost", category=shop[6].category, strength=2)
        once = skus().index("SHOE")
        make_rule("boost", product=shop[6], strength=2)
        assert skus().index("SHOE") < once

    @pytest.mark.parametrize("place", [1, 3, 7])
    def test_a_pin_fixes_its_place_and_the_others_keep_their_order(self, shop, place):
        make_rule("pin", product=shop[6], place=place)
        listed = skus()
        assert listed[place - 1] == "SHOE"
        assert [sku for sku in listed if sku != "SHOE"] == ALL[:6]

    def test_a_pin_of_a_category_fixes_the_best_of_it(self, shop):
        make_rule("pin", category=shop[0].category, place=2)
        assert skus() == ["P1", "P0", *ALL[2:]]

    def test_two_pins_of_one_category_are_two_products(self, shop):
        for place in (1, 2):
            make_rule("pin", category=shop[0].category, place=place)
        assert len(set(skus())) == 7

    def test_a_pin_beyond_the_list_changes_nothing(self, shop):
        make_rule("pin", product=shop[6], place=5)
        assert skus(n=4) == ALL[:4]

    def test_a_pin_does_not_bring_back_what_was_bought_or_is_sold_out(self, shop):
        ada = make_customer()
        make_order(ada, shop[6], at=NOON)
        make_rule("pin", product=shop[6])
        shop[0].stock = 0
        shop[0].save()
        make_rule("pin", product=shop[0])
        assert skus(ada) == ALL[1:6]

    def test_a_product_that_came_after_the_training_can_be_pinned(self, shop):
        make_product("NEW")
        make_rule("pin", product=make_product("NEWER"))
        assert skus()[0] == "NEWER"

    def test_what_is_excluded_is_gone_and_the_list_is_filled(self, shop):
        make_rule("exclude", product=shop[1])
        assert skus(n=4) == ["P0", "P2", "P3", "P4"]

    def test_a_rule_of_a_brand_leaves_products_without_one_alone(self, shop):
        make_product("BRANDED", brand=make_brand())
        make_rule("exclude", brand=make_brand())
        assert skus(n=10) == ALL

    def test_category_and_brand_must_both_hold(self, shop):
        branded = make_product("BRANDED", brand=make_brand(), category=make_category())
        make_product("OTHER", brand=make_brand(), category=make_category("shoes", "鞋"))
        make_rule("exclude", brand=branded.brand, category=branded.category)
        listed = skus(n=10)
        assert "BRANDED" not in listed
        assert "OTHER" in listed


class TestWhereAndForWhom:
    def test_a_rule_of_a_placement_holds_there_alone(self, shop):
        make_rule("exclude", product=shop[0], placement="home")
        assert "P0" not in skus(placement="home")
        assert "P0" in skus(placement="cart")

    def test_a_rule_for_a_segment_holds_for_its_members(self, shop, vip):
        segment, member = vip
        make_rule("exclude", product=shop[0], segment=segment)
        assert "P0" not in skus(member)
        assert "P0" in skus()

    def test_what_is_reserved_is_shown_to_members_alone(self, shop, vip):
        segment, member = vip
        make_rule("reserve", category=shop[6].category, segment=segment)
        assert "SHOE" in skus(member)
        assert "SHOE" not in skus()
        nobody = type(member)(first_seen_at=NOON, last_seen_at=NOON)
        assert "SHOE" not in skus(nobody)

    def test_what_is_reserved_is_not_beside_a_product_either(self, shop, vip):
        segment, member = vip
        make_rule("reserve", product=shop[1], segment=segment)

        def beside(**who):
            return [one.product for one in serving.similar(shop[0], now=NOON, **who)]

        assert shop[1] not in beside()
        assert shop[1] in beside(customer=member)

    @pytest.mark.parametrize(
        ("fields", "holds"),
        [
            ({"starts_at": NOON}, True),
            ({"starts_at": NOON + timedelta(seconds=1)}, False),
            ({"ends_at": NOON}, False),
            ({"ends_at": NOON + timedelta(seconds=1)}, True),
            ({"is_active": False}, False),
        ],
    )
    def test_a_rule_holds_from_and_until(self, shop, fields, holds):
        make_rule("exclude", product=shop[0], **fields)
        assert ("P0" not in skus()) is holds

    def test_without_segments_rules_cost_one_query(self, shop, django_assert_num_queries):
        ada = make_customer()
        make_rule("exclude", product=shop[0])
        with django_assert_num_queries(1):
            rules.in_force(ada, placement="", now=NOON)
        make_rule("exclude", product=shop[1], segment=Segment.objects.create(slug="x", name_en="X"))
        with django_assert_num_queries(2):
            rules.in_force(ada, placement="", now=NOON)


class TestInTheReason:
    def line(self, sku, **asked):
        listed = serving.recommend(make_customer(), n=3, now=NOON, **asked)
        return next(one for one in listed if one.product.sku == sku)

    def test_a_pin_is_the_reason_of_its_line(self, shop):
        rule = make_rule("pin", product=shop[6])
        line = self.line("SHOE")
        assert (line.reason_code, line.evidence) == ("promoted", {"rule": rule.pk})
        assert line.reason("en") == "picked by our shop"
        assert line.reason("zh-hans") == "本店精选"
        assert line.reasons("en")[1] == "popular in Shoes"

    def test_a_boost_is_the_reason_where_it_was_needed(self, shop):
        make_rule("boost", product=shop[6], strength=3)
        assert self.line("SHOE").reason_code == "promoted"

    def test_a_boost_of_what_is_there_anyway_only_supports(self, shop):
        make_rule("boost", product=shop[0])
        line = self.line("P0")
        assert line.reason_code == "popular_in"
        assert [one.code for one in line.supporting][-1] == "promoted"

    def test_who_asks_why_not_is_told_the_rule(self, shop):
        make_rule("exclude", product=shop[0], placement="home")
        verdict = serving.why_not(make_customer(), shop[0], now=NOON, placement="home")
        assert [cause.code for cause in verdict.causes] == ["rule"]
        assert "Never show “Phone 0”, on “home”." in verdict.sentence()

    def test_who_asks_for_what_is_buried_is_told_the_rule(self, shop):
        make_rule("bury", product=shop[0], strength=3)
        verdict = serving.why_not(make_customer(), shop[0], n=3, now=NOON)
        assert [cause.code for cause in verdict.causes] == ["buried"]
        assert verdict.rank == 6


class TestOnAPersonalList:
    def test_a_boost_moves_a_product_of_another_kind_up(self):
        products, people = make_shop()
        assert train_recommender(Order(as_of=NOON, now=NOON))["promoted"]
        ada, other = people[0][0], products[2][0]
        assert other not in [one.product for one in serving.recommend(ada, n=3, now=NOON)]
        make_rule("boost", product=other, strength=3)
        line = next(one for one in serving.recommend(ada, n=5, now=NOON) if one.product == other)
        assert line.reason_code == "promoted"
        assert line.artifact.startswith("recommender#")


class TestTheRow:
    def test_a_rule_of_no_products_is_refused(self):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_rule("exclude")

    def test_what_is_reserved_is_reserved_for_somebody(self):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_rule("reserve", product=make_product())

    def test_a_rule_does_not_end_before_it_starts(self):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_rule("pin", product=make_product(), starts_at=NOON, ends_at=NOON)

    def test_one_product_needs_no_category(self):
        rule = BusinessRule(effect="pin", product=make_product(), category=make_category())
        with pytest.raises(ValidationError, match="One product"):
            rule.full_clean()

    def test_a_rule_for_a_segment_that_goes_does_not_become_one_for_all(self, vip):
        make_rule("exclude", product=make_product(), segment=vip[0])
        vip[0].delete()
        assert not BusinessRule.objects.exists()


class TestAsASentence:
    def say(self, effect, language="en", **fields):
        with translation.override(language):
            return rules.sentence(make_rule(effect, **fields))

    def test_every_effect_reads_as_one(self, shop, vip):
        phone, shoe = shop[0], shop[6]
        assert (
            self.say("boost", category=phone.category) == "Move everything in “Phone” up clearly."
        )
        assert self.say("bury", product=shoe, strength=3) == "Move “Shoe” down strongly."
        assert self.say("pin", product=shoe, place=2) == "Show “Shoe” at place 2."
        assert self.say("exclude", brand=make_brand()) == "Never show everything of “Huawei”."
        said = self.say("reserve", category=phone.category, brand=make_brand(), segment=vip[0])
        assert said == "Show everything in “Phone” of “Huawei” only to “VIP”."

    def test_its_limits_are_said(self, shop, vip):
        said = self.say(
            "exclude", product=shop[0], placement="home", segment=vip[0], starts_at=NOON
        )
        assert said.startswith("Never show “Phone 0”, for “VIP”, on “home”, from ")
        assert said.endswith(".")

    def test_it_speaks_chinese(self, shop, vip):
        said = self.say("pin", "zh-hans", category=shop[0].category, segment=vip[0], place=2)
        assert "手机" in said
        assert "贵宾" in said
        assert "Show" not in said


class TestInTheAdmin:
    @pytest.fixture
    def staff(self, client):
        user = get_user_model().objects.create_superuser("staff", "staff@example.org", "pw")
        client.force_login(user)
        return client

    def test_the_list_reads_as_sentences_with_few_queries(
        self, staff, shop, vip, django_assert_max_num_queries
    ):
        for product in shop:
            make_rule("boost", product=product, segment=vip[0])
        make_rule("exclude", category=shop[0].category, ends_at=timezone.now() - timedelta(days=1))
        with django_assert_max_num_queries(8):
            page = staff.get(reverse("admin:recommendations_businessrule_changelist"))
        text = page.content.decode()
        assert "Move “Shoe” up clearly, for “VIP”." in text
        assert "in force" in text
        assert "over" in text

    def test_a_rule_is_written_and_read_back(self, staff, shop):
        address = reverse("admin:recommendations_businessrule_add")
        assert staff.get(address).status_code == 200
        form = {
            "effect": "pin",
            "strength": "2",
            "place": "3",
            "is_active": "on",
            "product": str(shop[6].pk),
        }
        assert staff.post(address, form).status_code == 302
        rule = BusinessRule.objects.get()
        page = staff.get(reverse("admin:recommendations_businessrule_change", args=[rule.pk]))
        assert "Show “Shoe” at place 3." in page.content.decode()
        assert skus()[2] == "SHOE"

    def test_a_rule_without_products_is_sent_back_with_the_reason(self, staff):
        address = reverse("admin:recommendations_businessrule_add")
        page = staff.post(address, {"effect": "pin", "strength": "2", "place": "1"})
        assert page.status_code == 200
        assert "Say which products" in page.content.decode()
