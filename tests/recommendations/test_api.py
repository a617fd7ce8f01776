"""REST: a partner reads lists of their customers, and of nobody else's."""

from datetime import timedelta

import pytest

from crm.models import Event, Membership, Segment
from recommendations.models import Impression
from tests.factories import (
    NOON,
    make_category,
    make_customer,
    make_key,
    make_order,
    make_partner,
    make_product,
)
from tests.rest import is_problem

pytestmark = pytest.mark.django_db
LISTS = "/api/v1/recommendations/"
READ = "recommendations:read"


@pytest.fixture(autouse=True)
def _noon(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON)


@pytest.fixture
def shop():
    """Three phones and a shoe; the first phone sells best."""
    phones = [
        make_product(f"P{i}", title_en=f"Phone {i}", price=1000 * (i + 1), category=make_category())
        for i in range(3)
    ]
    shoe = make_product("S1", title_en="Shoe", category=make_category("shoes", "鞋"), price=300)
    for buyers, phone in zip((3, 2, 1), phones, strict=True):
        for _ in range(buyers):
            make_order(make_customer("Buyer"), phone, at=NOON - timedelta(days=3))
    return [*phones, shoe]


@pytest.fixture
def partner():
    return make_partner(sees_everybody=True, requests_per_second=1_000)


@pytest.fixture
def ask(client, partner):
    """GET as the partner with the right to read lists."""
    _, text = make_key(partner, READ)

    def ask(path=LISTS, key=text, **query):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return client.get(path, query, headers=headers)

    ask.text = text
    return ask


def skus(response):
    return [one["product"]["sku"] for one in response.json()["results"]]


class TestTheList:
    def test_every_line_says_what_and_why_and_by_whom(self, shop, ask):
        customer = make_customer()
        response = ask(customer=customer.public_id, placement="app-home", k=2)
        assert response.status_code == 200
        body = response.json()
        assert (body["customer"], body["placement"]) == (str(customer.public_id), "app-home")
        first = body["results"][0]
        assert first["rank"] == 1
        assert first["product"] == {
            "sku": "P0",
            "title_en": "Phone 0",
            "title_zh": shop[0].title_zh,
            "category": "phone",
            "brand": None,
            "price": "1000.00",
            "currency": "CNY",
            "stock": shop[0].stock,
            "image": "",
        }
        assert first["reason"]["code"] == "popular_in"
        assert first["reason"]["text"] == "popular in Phone"
        assert first["artifact"] == "popularity"
        assert skus(response) == ["P0", "P1"]

    def test_the_reason_is_in_the_reader_s_language(self, shop, client, ask):
        response = client.get(
            LISTS,
            {"customer": str(make_customer().public_id)},
            headers={"Authorization": f"Bearer {ask.text}", "Accept-Language": "zh-hans"},
        )
        assert response.json()["results"][0]["reason"]["text"] == "手机中的热门商品"

    def test_what_is_shown_is_written_down(self, shop, ask):
        customer = make_customer()
        response = ask(customer=customer.public_id, placement="app", k=2)
        shown = Impression.objects.filter(customer=customer).order_by("position")
        assert [one["impression"] for one in response.json()["results"]] == [i.pk for i in shown]
        assert {one.placement for one in shown} == {"app"}
        assert Event.objects.filter(kind="recommendations.products_shown").count() == 1

    def test_a_list_may_only_be_looked_at(self, shop, ask):
        response = ask(customer=make_customer().public_id, record="false")
        assert response.json()["results"][0]["impression"] is None
        assert not Impression.objects.exists()

    def test_a_purchase_is_gone_from_the_next_list(self, shop, ask):
        customer = make_customer()
        assert "P0" in skus(ask(customer=customer.public_id))
        make_order(customer, shop[0], at=NOON - timedelta(seconds=1))
        assert "P0" not in skus(ask(customer=customer.public_id))

    def test_a_list_can_be_narrowed(self, shop, ask):
        who = make_customer().public_id
        assert skus(ask(customer=who, category="shoes")) == ["S1"]
        assert skus(ask(customer=who, price_min="1500", price_max="2500")) == ["P1"]
        assert skus(ask(customer=who, brand="nobody")) == []

    def test_a_customer_is_found_by_the_shop_s_own_id(self, shop, ask):
        customer = make_customer(email="ada@example.org")
        assert ask(customer="email:ada@example.org").json()["customer"] == str(customer.public_id)

    def test_an_empty_shop_gives_an_empty_list(self, ask):
        assert ask(customer=make_customer().public_id).json()["results"] == []

    def test_the_number_of_queries_does_not_grow_with_the_list(
        self, shop, ask, django_assert_max_num_queries
    ):
        customer = make_customer().public_id
        for number in range(20):
            make_product(f"X{number}")
        ask(customer=customer)
        with django_assert_max_num_queries(13):
            assert len(skus(ask(customer=customer, k=3))) == 3
        with django_assert_max_num_queries(13):
            assert len(skus(ask(customer=customer, k=20))) == 20


class TestWhatIsWrong:
    @pytest.mark.parametrize("k", ["0", "-1", "10000", "ten", "NaN", "1.5", ""])
    def test_a_bad_number_is_named(self, shop, ask, k):
        errors = is_problem(ask(customer=make_customer().public_id, k=k), 400, "invalid")
        assert [pointer for pointer, _ in errors] == ["/k"]

    def test_every_mistake_is_named_at_once(self, ask):
        errors = is_problem(ask(k=0, price_min="cheap", placement="a b"), 400, "invalid")
        assert {pointer for pointer, _ in errors} == {"/customer", "/k", "/price_min", "/placement"}

    def test_a_misspelt_parameter_is_not_ignored(self, ask):
        errors = is_problem(
            ask(customer=make_customer().public_id, catgory="shoes"), 400, "invalid"
        )
        assert errors == [("/catgory", "Unknown parameter.")]

    @pytest.mark.parametrize("who", ["nobody", "00000000-0000-0000-0000-000000000000", "email:x"])
    def test_an_unknown_customer_is_not_found(self, ask, who):
        is_problem(ask(customer=who), 404, "not_found")

    def test_an_unknown_product_is_not_found(self, ask):
        is_problem(ask("/api/v1/similar/", product="NONE"), 404, "not_found")

    @pytest.mark.parametrize("path", ["/api/v1/nothing/", "/api/v2/", "/api/", "/api/v1"])
    def test_an_unknown_address_is_a_problem_too(self, ask, path):
        is_problem(ask(path), 404, "not_found")

    def test_a_wrong_method_is_a_problem_too(self, client, ask):
        headers = {"Authorization": f"Bearer {ask.text}"}
        is_problem(client.delete(LISTS, headers=headers), 405, "method_not_allowed")

    def test_a_failure_here_is_a_problem_and_is_written_down(self, shop, ask, monkeypatch, caplog):
        def fail(*args, **kwargs):
            raise RuntimeError("secret detail")

        monkeypatch.setattr("recommendations.serving.recommend", fail)
        response = ask(customer=make_customer().public_id)
        is_problem(response, 500, "error")
        assert b"secret" not in response.content
        assert "secret detail" in caplog.text


class TestWhoMayAsk:
    @pytest.mark.parametrize("key", ["", "rk_wrong"])
    def test_without_a_valid_key_nothing_opens(self, shop, ask, key):
        response = ask(customer=make_customer().public_id, key=key)
        assert response.status_code == 401
        assert response["Content-Type"] == "application/problem+json"
        assert response["WWW-Authenticate"].startswith("Bearer")

    def test_a_staff_session_is_no_key(self, admin_client):
        assert admin_client.get(LISTS).status_code == 401

    def test_a_key_for_something_else_is_refused(self, ask, partner):
        _, other = make_key(partner, "insights:read")
        is_problem(ask(customer=make_customer().public_id, key=other), 403, "permission_denied")

    def test_another_s_customer_does_not_exist(self, shop, ask):
        ada, bob = make_customer("Ada"), make_customer("Bob")
        segment = Segment.objects.create(slug="s", name_en="s", kind="static")
        Membership.objects.create(segment=segment, customer=ada, entered_at=NOON)
        stranger = make_partner(requests_per_second=1_000)
        stranger.segments.add(segment)
        _, key = make_key(stranger, READ)
        assert ask(customer=ada.public_id, key=key).status_code == 200
        foreign = ask(customer=bob.public_id, key=key)
        nobody = ask(customer="00000000-0000-0000-0000-000000000000", key=key)
        is_problem(foreign, 404, "not_found")
        assert foreign.json() | {"request_id": ""} == nobody.json() | {"request_id": ""}

    def test_who_asks_too_often_waits(self, shop, ask, partner):
        partner.requests_per_second = 1
        partner.save()
        who = make_customer().public_id
        first, second = ask(customer=who), ask(customer=who)
        assert (first["RateLimit-Limit"], first["RateLimit-Remaining"]) == ("1", "0")
        is_problem(second, 429, "throttled")
        assert second["Retry-After"] == "1"


class TestSimilar:
    @pytest.mark.parametrize("path", ["/api/v1/similar/", f"{LISTS}similar/"])
    def test_products_like_one(self, shop, ask, path):
        response = ask(path, product="P0", k=2)
        assert response.status_code == 200
        assert response.json()["product"] == "P0"
        assert "P0" not in skus(response)
        assert len(skus(response)) == 2

    def test_by_their_looks_there_are_none_without_pictures(self, shop, ask):
        assert skus(ask("/api/v1/similar/", product="P0", by="looks")) == []
        errors = is_problem(ask("/api/v1/similar/", product="P0", by="smell"), 400, "invalid")
        assert [pointer for pointer, _ in errors] == ["/by"]

    def test_what_is_not_listed_is_not_found(self, shop, ask):
        shop[0].is_active = False
        shop[0].save()
        is_problem(ask("/api/v1/similar/", product="P0"), 404, "not_found")


class TestClicks:
    @pytest.fixture
    def shown(self, shop, ask):
        response = ask(customer=make_customer("Ada").public_id, k=1)
        return response.json()["results"][0]["impression"]

    def click(self, client, key, pk):
        path = f"/api/v1/impressions/{pk}/click/"
        return client.post(path, headers={"Authorization": f"Bearer {key}"})

    def test_a_click_is_written_down_once(self, client, ask, shown):
        first, second = (self.click(client, ask.text, shown) for _ in range(2))
        assert first.status_code == second.status_code == 200
        assert first.json() == second.json()
        assert Impression.objects.get(pk=shown).clicked_at == NOON
        assert Event.objects.filter(kind="recommendations.product_clicked").count() == 1

    def test_another_s_impression_does_not_exist(self, client, shown):
        _, key = make_key(make_partner(), READ)
        is_problem(self.click(client, key, shown), 404, "not_found")
        assert Impression.objects.get(pk=shown).clicked_at is None

    def test_nor_does_one_that_never_was(self, client, ask):
        is_problem(self.click(client, ask.text, 999), 404, "not_found")

    def test_a_number_too_large_for_the_database_is_not_found(self, client, ask):
        is_problem(self.click(client, ask.text, 10**30), 404, "not_found")


class TestDislikes:
    @pytest.fixture
    def ada(self):
        return make_customer("Ada")

    @pytest.fixture
    def shown(self, shop, ask, ada):
        return ask(customer=ada.public_id, k=1, placement="app").json()["results"][0]

    def say(self, client, key, pk, method="post"):
        path = f"/api/v1/recommendations/impressions/{pk}/dislike/"
        return getattr(client, method)(path, headers={"Authorization": f"Bearer {key}"})

    def test_what_is_disliked_is_gone_from_the_next_list(self, client, ask, ada, shown):
        sku = shown["product"]["sku"]
        answer = self.say(client, ask.text, shown["impression"])
        assert answer.status_code == 200
        said = {"impression": shown["impression"], "product": sku, "is_disliked": True}
        assert answer.json() == said
        assert sku not in skus(ask(customer=ada.public_id))
        event = Event.objects.get(kind="recommendations.product_disliked")
        assert (event.customer, event.data) == (ada, {"placement": "app", "sku": sku})

    def test_twice_is_once(self, client, ask, shown):
        first, second = (self.say(client, ask.text, shown["impression"]) for _ in range(2))
        assert first.json() == second.json()
        assert Event.objects.filter(kind="recommendations.product_disliked").count() == 1

    def test_it_is_taken_back_by_deleting_it(self, client, ask, ada, shown, monkeypatch):
        self.say(client, ask.text, shown["impression"])
        monkeypatch.setattr("django.utils.timezone.now", lambda: NOON + timedelta(seconds=5))
        for _ in range(2):
            answer = self.say(client, ask.text, shown["impression"], "delete")
            assert answer.json()["is_disliked"] is False
        assert shown["product"]["sku"] in skus(ask(customer=ada.public_id))
        assert Event.objects.filter(kind="recommendations.dislike_taken_back").count() == 1

    @pytest.mark.parametrize("method", ["post", "delete"])
    def test_another_s_impression_does_not_exist(self, client, shown, method):
        _, key = make_key(make_partner(), READ)
        is_problem(self.say(client, key, shown["impression"], method), 404, "not_found")
        assert not Event.objects.filter(kind="recommendations.product_disliked").exists()

    def test_nor_does_one_that_never_was(self, client, ask):
        for pk in (999, 10**30):
            is_problem(self.say(client, ask.text, pk), 404, "not_found")

    def test_a_key_for_something_else_is_refused(self, client, partner, shown):
        _, other = make_key(partner, "insights:read")
        is_problem(self.say(client, other, shown["impression"]), 403, "permission_denied")

    def test_it_cannot_be_read(self, client, ask, shown):
        is_problem(
            self.say(client, ask.text, shown["impression"], "get"), 405, "method_not_allowed"
        )
