"""REST: the catalogue, orders and feedback."""

from datetime import timedelta

import pytest
from django.utils import timezone

from crm.models import Event, Feedback, Membership, Order, Product, Scope, Segment
from tests.factories import NOON, make_customer, make_order, make_partner, make_product
from tests.rest import Caller, is_problem

pytestmark = pytest.mark.django_db
TEA = {"sku": "TEA-1", "title_en": "Green tea", "title_zh": "绿茶", "price": "39.00"}


@pytest.fixture
def some(client):
    """A partner who sees the customers of one segment; and one of those."""
    partner, mine = make_partner("Some"), make_customer("Mine")
    segment = Segment.objects.create(slug="its", kind="static")
    Membership.objects.create(segment=segment, customer=mine, entered_at=NOON)
    partner.segments.add(segment)
    caller = Caller(client, partner, *Scope.values)
    caller.mine = mine
    return caller


class TestProducts:
    def test_a_new_one_is_there(self, call):
        answer = call.post("products/", TEA | {"category": "tea", "stock": 3, "colors": ["green"]})
        assert answer.status_code == 201
        product = Product.objects.get()
        assert (product.title_zh, product.category.slug, product.stock) == ("绿茶", "tea", 3)
        assert call.get("products/TEA-1/").json() == answer.json()
        is_problem(call.post("products/", TEA), 409, "exists")

    def test_a_price_is_changed_and_the_rest_stays(self, call):
        make_product("P1", title_en="Phone", price=100)
        etag = call.get("products/P1/")["ETag"]
        answer = call.patch("products/P1/", {"price": "90.50", "stock": None}, If_Match=etag)
        assert (answer.json()["price"], answer.json()["stock"]) == ("90.50", None)
        assert answer.json()["title_en"] == "Phone"
        is_problem(call.patch("products/P1/", {"price": "1"}, If_Match=etag), 412, "changed")

    @pytest.mark.parametrize(
        ("said", "pointer"),
        [
            ({"price": -1}, "/price"),
            ({"price": "NaN"}, "/price"),
            ({"stock": -1}, "/stock"),
            ({"stock": 2**40}, "/stock"),
            ({"currency": "yuan"}, "/currency"),
            ({"colors": "red"}, "/colors"),
            ({"sku": "other"}, "/sku"),
            ({"is_active": 0}, "/is_active"),
            ({"stock": "3"}, "/stock"),
            ({"stock": True}, "/stock"),
            ({"title_en": 5}, "/title_en"),
            ({"features": [0]}, "/features"),
        ],
    )
    def test_what_is_wrong_is_named(self, call, said, pointer):
        make_product("P1")
        errors = is_problem(call.patch("products/P1/", said), 400, "invalid")
        assert [where for where, _ in errors] == [pointer]

    def test_a_partner_reads_and_does_not_write(self, some):
        make_product("P1", price=100)
        assert some.get("products/").json()["results"][0]["sku"] == "P1"
        is_problem(some.patch("products/P1/", {"price": 1}), 403, "permission_denied")
        is_problem(some.post("products/", TEA), 403, "permission_denied")
        assert Product.objects.get().price == 100

    def test_the_queries_do_not_grow(self, call, django_assert_max_num_queries):
        for n in range(30):
            make_product(f"P{n}")
        with django_assert_max_num_queries(4):
            assert len(call.get("products/").json()["results"]) == 30


class TestOrders:
    def test_an_order_is_on_the_timeline(self, call):
        ada = make_customer()
        said = {"number": "1001", "customer": str(ada.public_id)}
        lines = [{"sku": "TEA-1", "quantity": 2, "price": "39.00"}]
        answer = call.post("orders/", said | {"products": lines})
        assert answer.status_code == 201
        order = Order.objects.get()
        assert (order.customer, order.total) == (ada, 78)
        assert Event.objects.filter(customer=ada, kind="crm.order_placed").count() == 1
        body = call.get("orders/1001/").json()
        assert body["lines"] == [{"sku": "TEA-1", "quantity": 2, "unit_price": "39.00"}]
        is_problem(call.post("orders/", said | {"products": lines}), 409, "exists")

    @pytest.mark.parametrize(
        ("said", "pointer"),
        [
            ({"products": []}, "/products"),
            ({"products": [{"sku": "x", "price": -1}]}, "/products/0/price"),
            ({"placed_at": (timezone.now() + timedelta(days=1)).isoformat()}, "/placed_at"),
            ({"total": 3}, "/total"),
        ],
    )
    def test_what_is_wrong_is_named(self, call, said, pointer):
        whole = {
            "number": "1",
            "customer": str(make_customer().public_id),
            "products": [{"sku": "x", "price": "1.00"}],
        }
        errors = is_problem(call.post("orders/", whole | said), 400, "invalid")
        assert [where for where, _ in errors] == [pointer]
        assert not Order.objects.exists()

    def test_orders_of_others_are_not_there(self, call, some):
        theirs = make_order(make_customer("Other"), make_product(), at=NOON)
        mine = make_order(some.mine, make_product(), at=NOON)
        numbers = [one["number"] for one in some.get("orders/").json()["results"]]
        assert numbers == [mine.number]
        is_problem(some.get(f"orders/{theirs.number}/"), 404, "not_found")
        who = str(theirs.customer.public_id)
        assert some.get("orders/", customer=who).json()["results"] == []
        said = {"number": "n", "customer": who, "products": [{"sku": "x", "price": "1"}]}
        is_problem(some.post("orders/", said), 404, "not_found")
        assert len(call.get("orders/").json()["results"]) == 2

    def test_the_queries_do_not_grow(self, call, django_assert_max_num_queries):
        for _ in range(20):
            make_order(make_customer(), make_product(), at=NOON)
        with django_assert_max_num_queries(6):
            call.get("orders/")


class TestFeedback:
    def test_a_review_is_kept_once(self, call):
        ada, tea = make_customer(), make_product("TEA-1")
        said = {"key": "r1", "customer": str(ada.public_id), "product": "TEA-1", "kind": "review"}
        said |= {"score": 5, "text": "很好喝"}
        assert call.post("feedback/", said).status_code == 201
        assert call.post("feedback/", said).status_code == 200
        row = Feedback.objects.get()
        assert (row.customer, row.product, row.score, row.text) == (ada, tea, 5, "很好喝")
        assert Event.objects.filter(kind="crm.feedback_given").count() == 1
        assert call.get("feedback/", kind="review").json()["results"][0]["product"] == "TEA-1"

    @pytest.mark.parametrize(
        ("said", "pointer"),
        [
            ({"score": 6}, "/score"),
            ({"kind": "nps", "score": 11}, "/score"),
            ({"product": "nothing"}, "/product"),
            ({"kind": "praise"}, "/kind"),
        ],
    )
    def test_what_is_wrong_is_named(self, call, said, pointer):
        whole = {"key": "r1", "customer": str(make_customer().public_id), "kind": "rating"}
        errors = is_problem(call.post("feedback/", whole | {"score": 3} | said), 400, "invalid")
        assert [where for where, _ in errors] == [pointer]
        assert not Feedback.objects.exists()

    def test_feedback_of_others_is_not_there(self, call, some):
        other = make_customer("Other")
        said = {"key": "r1", "customer": str(other.public_id), "kind": "nps", "score": 9}
        is_problem(some.post("feedback/", said), 404, "not_found")
        call.post("feedback/", said)
        assert some.get("feedback/").json()["results"] == []
