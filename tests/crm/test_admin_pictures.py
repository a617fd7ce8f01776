"""Staff upload a picture for a product; the shop shows it from then on."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from tests.factories import make_product

pytestmark = pytest.mark.django_db


def send(client, product, content):
    said = {
        "title_en": product.title_en,
        "sku": product.sku,
        "price": "1",
        "currency": "CNY",
        "colors": "[]",
        "sizes": "[]",
        "features": "[]",
        "is_active": "on",
        "picture": SimpleUploadedFile("a.png", content),
    }
    return client.post(f"/admin/crm/product/{product.pk}/change/", said)


def test_an_upload_is_the_product_s_image_and_everybody_can_see_it(admin_client, client):
    product, buffer = make_product("P1"), io.BytesIO()
    Image.new("RGB", (30, 30), "red").save(buffer, "PNG")
    assert send(admin_client, product, buffer.getvalue()).status_code == 302
    product.refresh_from_db()
    shown = client.get(product.image)
    assert shown.status_code == 200
    assert shown["Content-Type"] == "image/jpeg"
    assert "immutable" in shown["Cache-Control"]
    assert b"".join(shown.streaming_content)[:2] == b"\xff\xd8"


def test_what_is_no_picture_is_refused_where_it_was_given(admin_client):
    product = make_product("P1", image="/shop/image/P1.svg")
    page = send(admin_client, product, b"<svg onload=alert(1)>")
    assert page.status_code == 200
    assert "not a picture that can be read" in page.content.decode()
    product.refresh_from_db()
    assert product.image == "/shop/image/P1.svg"


def test_without_an_upload_the_image_stays(admin_client):
    product = make_product("P1", image="/shop/image/P1.svg")
    send(admin_client, product, b"")
    product.refresh_from_db()
    assert product.image == "/shop/image/P1.svg"


@pytest.mark.parametrize("name", ["gone", "..", "%2e%2e%2fsecret_key", "secret_key"])
def test_nothing_else_is_shown(client, name):
    assert client.get(f"/pictures/{name}.jpg").status_code == 404
