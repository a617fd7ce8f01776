"""A queryset that is written once gives what the queryset itself gives, whatever the values."""

from datetime import datetime, timedelta
from decimal import Decimal
from threading import Thread
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.db.models import F

from crm.models import Category, Customer, Event, Order, OrderLine, Product
from crm.prepared import Changed, Inserted, Prepared
from recommendations import interactions
from recommendations.models import Impression
from tests.factories import NOON, make_category, make_customer, make_order, make_product
from tests.recommendations.worlds import view

pytestmark = pytest.mark.django_db


def orders(customer, until):
    found = Order.objects.sales().filter(customer=customer, placed_at__lte=until)
    return found.order_by("pk").values_list("pk", "total", "placed_at", "status")


def test_it_gives_the_rows_of_the_queryset_for_any_values():
    prepared = Prepared(orders, customer=int, until=datetime)
    people = [make_customer() for _ in range(3)]
    for number, customer in enumerate(people):
        for days in range(number + 2):
            make_order(customer, make_product(price=days + 1), at=NOON - timedelta(days=days))
    for customer in people:
        for until in (NOON, NOON - timedelta(days=1), NOON - timedelta(days=99)):
            rows = prepared.rows(customer=customer.pk, until=until)
            assert rows == list(orders(customer.pk, until))


def test_json_comes_back_as_what_it_was():
    ada, product = make_customer(), make_product("TEA")
    view(ada, product)
    prepared = Prepared(
        lambda customer: Event.objects.filter(customer=customer).values_list("data"), customer=int
    )
    assert prepared.rows(customer=ada.pk) == [({"sku": "TEA"},)]


def test_a_list_may_be_shorter_than_it_was_prepared_for_but_not_longer():
    products = [make_product() for _ in range(5)]
    prepared = Prepared(
        lambda ids: Product.objects.filter(pk__in=ids).order_by("pk").values_list("pk"), ids=4
    )
    ids = [product.pk for product in products]
    assert prepared.rows(ids=ids[:4]) == [(pk,) for pk in ids[:4]]
    assert prepared.rows(ids=ids[1:2]) == [(ids[1],)]
    assert prepared.rows(ids=[]) == []
    with pytest.raises(ValueError, match="5 values, prepared for 4"):
        prepared.rows(ids=ids)


def test_a_column_of_small_numbers_takes_its_values_too():
    few, many = make_product("FEW", stock=1), make_product("MANY", stock=900)
    prepared = Prepared(
        lambda stock: Product.objects.filter(stock__gt=stock).order_by("pk"), stock=int
    )
    assert prepared.rows(stock=0) == [few, many]
    assert prepared.rows(stock=1) == [many]


def test_what_is_annotated_comes_with_its_row():
    make_product("TEA", stock=3, category=make_category("tea"))
    prepared = Prepared(
        lambda sku: (
            Product.objects.filter(sku=sku)
            .select_related("category")
            .annotate(pairs=F("stock") * 2)
        ),
        sku=str,
    )
    assert prepared.first(sku="TEA").pairs == 6
    assert prepared.first(sku="TEA").category.slug == "tea"


def test_words_are_values_and_never_part_of_the_statement():
    make_product("TEA")
    prepared = Prepared(lambda sku: Product.objects.filter(sku=sku).values_list("sku"), sku=str)
    assert prepared.rows(sku="TEA") == [("TEA",)]
    assert prepared.rows(sku="TEA' OR '1' = '1") == []


def test_ids_of_any_kind_are_values(django_assert_num_queries):
    ada = make_customer("Ada")
    make_customer("Bob")
    by_id = Prepared(lambda public_id: Customer.objects.filter(public_id=public_id), public_id=UUID)
    by_sku = Prepared(
        lambda skus: Product.objects.filter(sku__in=skus).order_by("sku").values_list("sku"),
        skus=(str, 3),
    )
    for sku in ("A", "B", "C"):
        make_product(sku)
    assert by_id.first(public_id=ada.public_id) == ada
    assert by_id.first(public_id=uuid4()) is None
    assert by_sku.rows(skus=["C", "A"]) == [("A",), ("C",)]
    assert by_sku.rows(skus=[]) == []


def test_rows_are_what_the_queryset_makes_with_what_is_joined(django_assert_num_queries):
    phones = make_category("phones")
    for number in range(3):
        make_product(f"P{number}", category=phones if number else None, price=number)

    def found(least):
        return Product.objects.filter(price__gte=least).select_related("category", "brand")

    prepared = Prepared(found, least=int)
    prepared.rows(least=0)
    for least in (0, 1, 3):
        with django_assert_num_queries(1):
            rows = prepared.rows(least=least)
            assert [one.category and one.category.slug for one in rows] == [
                "phones" if one.category_id else None for one in rows
            ]
        wanted = {one.pk: one for one in found(least)}
        assert {one.pk: one.__dict__ | {"_state": 0} for one in rows} == {
            pk: one.__dict__ | {"_state": 0} for pk, one in wanted.items()
        }


def test_what_is_left_for_later_is_read_when_it_is_asked_for(django_assert_num_queries):
    make_product("TEA", title_en="Tea")
    prepared = Prepared(lambda sku: Product.objects.defer("title_en").filter(sku=sku), sku=str)
    tea = prepared.first(sku="TEA")
    assert tea.get_deferred_fields() == {"title_en"}
    with django_assert_num_queries(1):
        assert tea.title_en == "Tea"
    tea.title_en = "Green tea"
    tea.save()  # a row that is known changes, and is not made twice
    assert list(Product.objects.values_list("title_en")) == [("Green tea",)]


def test_one_run_is_one_query(django_assert_num_queries):
    prepared = Prepared(orders, customer=int, until=datetime)
    for _ in range(2):
        with django_assert_num_queries(1):
            prepared.rows(customer=1, until=NOON)


def test_every_thread_has_a_statement_of_its_own():
    prepared = Prepared(lambda pk: Product.objects.filter(pk=pk).values_list("pk"), pk=int)
    prepared.rows(pk=1)
    seen = []

    def look():
        seen.append(vars(prepared._kept).copy())
        connection.close()

    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [{}]
    assert list(vars(prepared._kept)) == [connection.alias]


def test_what_is_prepared_of_one_customer_is_what_everybody_did_of_them():
    ada, product = make_customer(), make_product()
    make_order(ada, product, at=NOON - timedelta(days=1))
    view(ada, product, at=NOON - timedelta(hours=1))
    mine = interactions.of_customer(ada, now=NOON)
    everybody = sorted(interactions.of_everybody(as_of=NOON), key=lambda touch: touch.at)
    assert mine == everybody
    assert OrderLine.objects.count() == 1


class TestInserted:
    NAMES = ("customer", "product", "placement", "position", "artifact", "reason_code", "score")

    def row(self, customer, product, position, placement="home"):
        told = (placement, position, "recommender#1", "popular", position / 8)
        return (customer.pk, product.pk, *told, NOON)

    @pytest.fixture
    def written(self):
        return Inserted(Impression, *self.NAMES, "shown_at")

    def test_rows_are_those_that_instances_would_have_made(self, written):
        ada, products = make_customer(), [make_product() for _ in range(3)]
        ids = written.ids([self.row(ada, one, place) for place, one in enumerate(products, 1)])
        kept = [Impression.objects.get(pk=pk) for pk in ids]
        assert [one.product for one in kept] == products
        assert [(one.position, one.score) for one in kept] == [(1, 0.125), (2, 0.25), (3, 0.375)]
        assert {(one.customer, one.placement, one.shown_at) for one in kept} == {
            (ada, "home", NOON)
        }
        assert {(one.propensity, one.clicked_at, one.interleaving) for one in kept} == {
            (None, None, None)
        }

    def test_all_of_them_are_one_statement(self, written, django_assert_num_queries):
        ada, product = make_customer(), make_product()
        with django_assert_num_queries(1):
            written.ids([self.row(ada, product, place) for place in range(1, 11)])
        assert Impression.objects.count() == 10

    def test_no_rows_are_no_statement(self, written, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert written.ids([]) == []

    def test_words_are_values_and_never_part_of_the_statement(self, written):
        words = "home'); DROP TABLE crm_customer; --%s"
        (pk,) = written.ids([self.row(make_customer(), make_product(), 1, placement=words)])
        assert Impression.objects.get(pk=pk).placement == words

    def test_a_row_that_is_too_short_is_refused(self, written):
        with pytest.raises(ValueError, match="shorter"):
            written.ids([(1, 2)])

    def test_one_that_is_there_already_is_not_written_again(self, django_assert_num_queries):
        products = Inserted(Category, "slug", "name_en", "name_zh", "aliases")
        pk = products.new("tea", "Tea", "茶", [])
        with django_assert_num_queries(1):
            assert products.new("tea", "Other tea", "茶", []) is None
        assert Category.objects.get(pk=pk).name_en == "Tea"


class TestChanged:
    @pytest.fixture
    def sold(self):
        return Changed(Product, "price", raised="stock", returned=("sku", "stock", "colors"))

    def test_the_row_comes_back_as_it_is_then(self, sold, django_assert_num_queries):
        tea, other = make_product("TEA", stock=3, colors=["green"]), make_product("NUT", stock=9)
        sold.row(other.pk, 1)
        with django_assert_num_queries(1):
            row = sold.row(tea.pk, Decimal("7.50"))
            assert (row.pk, row.sku, row.stock, row.colors) == (tea.pk, "TEA", 4, ["green"])
        assert row.get_deferred_fields() >= {"price", "title_en"}
        tea.refresh_from_db()
        other.refresh_from_db()
        assert (tea.price, tea.stock, other.price, other.stock) == (Decimal("7.50"), 4, 1, 10)

    def test_a_row_that_is_not_there_is_none(self, sold):
        assert sold.row(404, 1) is None

    def test_without_more_it_says_whether_there_was_a_row(self):
        tea = make_product("TEA", colors=["green"])
        painted = Changed(Product, "colors", "title_en")
        assert painted.row(tea.pk, ["red", "blue"], "Tea; DROP TABLE --%s").pk == tea.pk
        assert painted.row(404, [], "") is None
        tea.refresh_from_db()
        assert (tea.colors, tea.title_en) == (["red", "blue"], "Tea; DROP TABLE --%s")

    def test_a_row_that_is_too_short_is_refused(self, sold):
        with pytest.raises(ValueError, match="shorter"):
            sold.row(make_product().pk)
