"""The demo shop as its customers meet it."""

import pytest
from django.test import Client
from django.urls import reverse

from crm import customers
from crm.models import CartItem, Customer, Event, Order
from marketing.shop.visitor import COOKIE
from tests.factories import NOON, make_category, make_customer, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea():
    return make_product(
        "TEA", title_en="Green tea", title_zh="绿茶", price=30, category=make_category("tea", "茶")
    )


@pytest.fixture
def cake():
    return make_product("CAKE", title_en="Cake", price=20)


def visitor_of(client):
    return customers.find("anonymous_id", client.cookies[COOKIE].value)


def test_an_empty_shop_says_what_to_do(client):
    assert "manage.py demo" in client.get("/").content.decode()


def test_the_front_page_shows_products_and_makes_nobody(client, tea):
    assert "Green tea" in client.get("/").content.decode()
    assert Customer.objects.count() == 0


def test_it_speaks_chinese_to_who_reads_it(client, tea):
    page = client.get("/", headers={"Accept-Language": "zh-CN,zh;q=0.9"}).content.decode()
    assert "绿茶" in page
    assert 'data-locale="zh-CN"' in page


def test_a_category_narrows_the_shelf(client, tea, cake):
    page = client.get("/?category=tea").content.decode()
    assert "Green tea" in page
    assert "Cake" not in page


def test_looking_at_a_product_is_remembered_once_a_minute(client, tea, time_machine):
    time_machine.move_to(NOON, tick=False)
    for _ in range(3):
        assert client.get("/product/TEA/").status_code == 200
    event = Event.objects.of_kind("crm.product_viewed").get()
    assert event.data == {"sku": "TEA"}
    assert event.customer == visitor_of(client)


def test_an_unknown_product_is_not_found(client):
    assert client.get("/product/NOPE/").status_code == 404


def test_from_cart_to_order(client, tea, cake):
    client.post("/cart/add/TEA/")
    client.post("/cart/add/TEA/")
    client.post("/cart/add/CAKE/")
    assert "Green tea" in client.get("/cart/").content.decode()
    client.post("/cart/remove/CAKE/")
    page = client.post("/cart/order/", {"name": "Ada", "email": "Ada@Example.org"})
    order = Order.objects.get()
    assert order.number in page.content.decode()
    assert order.total == 60
    assert (order.customer.email, order.customer.name) == ("ada@example.org", "Ada")
    assert CartItem.objects.count() == 0
    assert Event.objects.of_kind("crm.order_placed").count() == 1


def test_what_was_bought_is_no_longer_recommended(client, tea, cake):
    client.get("/product/CAKE/")
    assert b"CAKE" in client.get("/cart/").content
    client.post("/cart/add/CAKE/")
    client.post("/cart/order/")
    shown = [one["product"].sku for one in client.get("/").context["recommended"]]
    assert "CAKE" not in shown


def test_ordering_twice_with_one_cart_is_one_order(client, tea):
    client.post("/cart/add/TEA/")
    client.post("/cart/order/")
    client.post("/cart/order/")
    assert Order.objects.count() == 1


def test_an_address_that_is_none_is_refused_and_the_cart_stays(client, tea):
    client.post("/cart/add/TEA/")
    page = client.post("/cart/order/", {"email": "<script>alert(1)</script>"})
    assert page.status_code == 400
    assert "<script>alert" not in page.content.decode()
    assert CartItem.objects.count() == 1


def test_the_address_of_another_customer_stays_theirs(client, tea):
    ada = make_customer("Ada", email="ada@example.org")
    client.post("/cart/add/TEA/")
    client.post("/cart/order/", {"email": "ada@example.org"})
    order = Order.objects.get()
    assert order.customer != ada
    assert order.customer.email == ""


@pytest.mark.parametrize("sku", ["SOLD", "HIDDEN"])
def test_what_is_not_for_sale_cannot_be_added(client, sku):
    make_product("SOLD", stock=0)
    make_product("HIDDEN", is_active=False)
    assert client.post(f"/cart/add/{sku}/").status_code == 404


def test_nothing_is_changed_by_a_link(client, tea):
    assert client.get("/cart/add/TEA/").status_code == 405
    assert client.get("/cart/order/").status_code == 405


@pytest.mark.parametrize("color", ["green", "unheard-of"])
def test_every_product_has_a_picture(client, color):
    make_product("ART", colors=[color], category=make_category("something"))
    response = client.get(reverse("product-image", args=["ART"]))
    assert response["Content-Type"] == "image/svg+xml"
    assert response.content.startswith(b"<svg")


def test_a_forged_visitor_cookie_is_replaced(client, tea):
    client.cookies[COOKIE] = "x"
    client.get("/product/TEA/")
    assert len(client.cookies[COOKIE].value) > 16


def test_pages_carry_a_strict_policy(client):
    policy = client.get("/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


class TestNotForMe:
    """The list of two products: what is disliked leaves it, and comes back."""

    @staticmethod
    def listed(page):
        html = page.content.decode()
        found = html[html.index('class="row"') :].split("</section>")[0]
        return {sku for sku in ("TEA", "CAKE") if f"/product/{sku}/dislike/" in found}

    @staticmethod
    def press(client, sku="TEA", *, undo=False, placement="home", **more):
        name = "product-dislike-undo" if undo else "product-dislike"
        return client.post(reverse(name, args=[sku]), {"placement": placement}, **more)

    def test_the_product_is_gone_from_the_next_page_with_a_way_back(self, client, tea, cake):
        assert self.listed(client.get("/")) == {"TEA", "CAKE"}
        page = self.press(client, follow=True)
        assert self.listed(page) == {"CAKE"}
        assert "Green tea will not be recommended to you again." in page.content.decode()
        assert self.listed(client.get("/")) == {"CAKE"}

    def test_taking_it_back_brings_the_product_back(self, client, tea, cake, time_machine):
        time_machine.move_to(NOON)
        self.press(client)
        page = self.press(client, undo=True, follow=True)
        assert self.listed(page) == {"TEA", "CAKE"}
        assert "will not be recommended" not in page.content.decode()

    def test_the_line_speaks_the_reader_s_language(self, client, tea, cake):
        chinese = {"Accept-Language": "zh-CN"}
        page = self.press(client, follow=True, headers=chinese).content.decode()
        assert "将不再向您推荐“绿茶”" in page
        assert "不感兴趣" in page

    def test_every_button_says_of_which_product_it_speaks(self, client, tea, cake):
        page = client.get("/").content.decode()
        for title in ("Green tea", "Cake"):
            assert f'aria-label="Not for me: {title}"' in page

    def test_the_page_it_was_pressed_on_comes_again(self, client, tea, cake):
        answer = self.press(client, placement="cart")
        assert answer["Location"] == "/cart/?hidden=TEA#hidden"
        assert self.press(client, placement="//evil.example")["Location"].startswith("/?hidden")

    def test_another_s_link_does_not_say_that_something_is_hidden(self, client, tea, cake):
        assert "will not be recommended" not in client.get("/?hidden=TEA").content.decode()
        client.get("/product/CAKE/")
        assert "will not be recommended" not in client.get("/?hidden=TEA").content.decode()

    def test_the_last_product_leaves_a_page_that_can_undo(self, client, tea):
        assert "Undo" in self.press(client, follow=True).content.decode()

    def test_it_takes_a_form_of_this_shop(self, tea):
        strict = Client(enforce_csrf_checks=True)
        assert self.press(strict).status_code == 403
        assert strict.get(reverse("product-dislike", args=["TEA"])).status_code == 405
        assert self.press(strict, "GONE").status_code == 403

    def test_what_does_not_exist_cannot_be_disliked(self, client, tea):
        assert self.press(client, "GONE").status_code == 404
        assert self.press(client, "GONE", undo=True).status_code == 404
        assert Customer.objects.count() == 0

    def test_products_of_other_lists_have_no_button(self, client, tea, cake):
        assert "dislike" not in client.get("/product/TEA/").content.decode()
