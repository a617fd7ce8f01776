"""The looks of products: made once for a picture, gone with it, compared without any training."""

from datetime import timedelta

import numpy as np
import pytest

from crm import pictures
from recommendations import looks, newcomers, serving
from recommendations.models import ProductLooks
from recommendations.ranking import Ranking
from tests.factories import NOON, make_product

pytestmark = pytest.mark.django_db


def drawn(colour, shape="<circle cx='50' cy='50' r='30' fill='{}'/>"):
    return f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 100'>{shape.format(colour)}</svg>"


@pytest.fixture
def drawings(monkeypatch):
    """SKU -> SVG; what is not in here has no picture."""
    known = {}
    monkeypatch.setattr(pictures, "_drawers", [lambda product: known.get(product.sku)])
    return known


@pytest.fixture
def shop(drawings):
    """Two red discs that are nearly alike, a blue one, and a red bar; and one without a picture."""
    bar = "<rect x='5' y='45' width='90' height='10' fill='{}'/>"
    drawings |= {
        "RED": drawn("#d01818"),
        "ALSO": drawn("#c02222"),
        "BLUE": drawn("#1818d0"),
        "BAR": drawn("#d01818", bar),
    }
    return {sku: make_product(sku) for sku in (*drawings, "NONE")}


def test_what_looks_alike_comes_first(shop):
    assert looks.refresh(now=NOON) == 4
    [(first, share), *others] = looks.gallery().like(shop["RED"].pk)
    assert first == shop["ALSO"].pk
    assert share > max(other for _, other in others)
    assert {pk for pk, _ in others} == {shop["BLUE"].pk, shop["BAR"].pk}


def test_a_product_without_a_picture_looks_like_nothing(shop):
    looks.refresh(now=NOON)
    assert looks.gallery().like(shop["NONE"].pk) == []
    assert looks.gallery().like(0) == []


def test_an_empty_shop_has_an_empty_gallery():
    assert looks.refresh(now=NOON) == 0
    assert looks.gallery().like(1) == []


def test_twice_is_once(shop):
    looks.refresh(now=NOON)
    assert looks.refresh(now=NOON + timedelta(hours=1)) == 0
    assert set(ProductLooks.objects.values_list("made_at", flat=True)) == {NOON}


def test_what_is_called_alike_is_found_once_while_the_gallery_stands(shop, drawings):
    looks.refresh(now=NOON)
    gallery, red = looks.gallery(), shop["RED"].pk
    assert [pk for pk, _ in gallery.alike(red)] == [shop["ALSO"].pk]
    assert gallery.alike(red) is gallery.alike(red)
    drawings["BLUE"] = drawings["RED"]
    looks.refresh(now=NOON + timedelta(hours=1))
    assert {pk for pk, _ in looks.gallery().alike(red)} == {shop["ALSO"].pk, shop["BLUE"].pk}


def test_another_picture_is_looked_at_anew(shop, drawings):
    looks.refresh(now=NOON)
    before = looks.gallery().like(shop["RED"].pk)[0]
    drawings["BLUE"] = drawings["RED"]
    assert looks.refresh(now=NOON + timedelta(hours=1)) == 1
    first, share = looks.gallery().like(shop["RED"].pk)[0]
    assert (first, share) == (shop["BLUE"].pk, pytest.approx(1.0, abs=1e-5))
    assert before[0] == shop["ALSO"].pk


def test_a_picture_that_is_gone_takes_its_looks_along(shop, drawings):
    looks.refresh(now=NOON)
    del drawings["BLUE"]
    looks.refresh(now=NOON)
    assert not ProductLooks.objects.filter(product=shop["BLUE"]).exists()


def test_a_picture_that_cannot_be_read_leaves_none(shop, drawings):
    looks.refresh(now=NOON)
    drawings["BLUE"] = "<svg"
    looks.refresh(now=NOON)
    assert not ProductLooks.objects.filter(product=shop["BLUE"]).exists()
    assert ProductLooks.objects.count() == 3


def test_the_gallery_is_read_once_while_nothing_changes(shop, django_assert_num_queries):
    looks.refresh(now=NOON)
    looks.gallery()
    with django_assert_num_queries(1):
        assert len(looks.gallery().product_ids) == 4


def test_a_product_deleted_since_is_not_in_the_gallery(shop):
    looks.refresh(now=NOON)
    looks.gallery()
    shop["ALSO"].delete()
    assert shop["ALSO"].pk not in [pk for pk, _ in looks.gallery().like(shop["RED"].pk)]


def test_queries_do_not_grow_with_the_shop(shop, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        looks.refresh(now=NOON)


def test_looks_are_kept_as_they_were_made(shop):
    looks.refresh(now=NOON)
    kept = looks.gallery().looks
    assert kept.dtype == np.float32
    assert np.linalg.norm(kept, axis=1) == pytest.approx(1.0, abs=1e-5)


class TestTheDoor:
    def test_what_looks_like_it_is_listed_with_the_reason(self, shop):
        looks.refresh(now=NOON)
        [one] = serving.looks_like(shop["RED"], now=NOON)
        assert one.product == shop["ALSO"]
        assert one.reason_code == "looks"
        assert one.reason("en") == f"looks like {shop['RED'].title_en}"
        assert one.evidence["likeness"] >= 0.7

    @pytest.mark.parametrize("sku", ["NONE", "BAR"])
    def test_nothing_stands_in_for_what_is_not_alike(self, shop, sku):
        looks.refresh(now=NOON)
        assert serving.looks_like(shop[sku], now=NOON) == []

    def test_what_is_sold_out_is_not_shown(self, shop):
        looks.refresh(now=NOON)
        shop["ALSO"].stock = 0
        shop["ALSO"].save()
        assert serving.looks_like(shop["RED"], now=NOON) == []

    @pytest.mark.parametrize("n", [0, -1])
    def test_a_list_of_none_is_empty(self, shop, n):
        looks.refresh(now=NOON)
        assert serving.looks_like(shop["RED"], n=n, now=NOON) == []

    def test_the_shop_shows_them(self, shop, client):
        looks.refresh(now=NOON)
        page = client.get("/product/RED/").content.decode()
        assert "Looks like this" in page
        assert "Looks like this" not in client.get("/product/NONE/").content.decode()


def test_a_newcomer_scores_what_looks_like_it(shop):
    """RED came after the training; ALSO, which looks like it, is liked, and BLUE is not."""
    looks.refresh(now=NOON)
    newcomer = make_product("NEW")
    ProductLooks.objects.filter(product=shop["RED"]).update(product=newcomer)
    known = np.array([shop[sku].pk for sku in ("ALSO", "BLUE", "BAR")])
    ranked = Ranking("test", known, np.array([0.8, 0.1, 0.3]))
    newest = newcomer.pk - 1
    assert newcomers.scored(ranked, newest, without=set()) == [(newcomer.pk, pytest.approx(0.72))]
    ProductLooks.objects.all().delete()
    assert newcomers.scored(ranked, newest, without=set()) == [(newcomer.pk, pytest.approx(0.1))]
