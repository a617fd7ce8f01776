"""Pictures of products: only a picture is kept of an upload, and nothing is ever fetched."""

import io

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from crm import pictures
from tests.factories import make_product

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="10" height="10" fill="#ff0000"/></svg>'


@pytest.fixture(autouse=True)
def _nothing_drawn(monkeypatch):
    monkeypatch.setattr(pictures, "_drawers", [])


def upload(picture=None, *, form="PNG", name="a.png", **saved):
    picture = picture or Image.new("RGB", (40, 20), "red")
    buffer = io.BytesIO()
    picture.save(buffer, form, **saved)
    return SimpleUploadedFile(name, buffer.getvalue())


def kept(address, settings):
    return Image.open(settings.PICTURES_ROOT / address.removeprefix("/pictures/"))


class TestUploads:
    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
    def test_every_usual_format_becomes_a_jpeg(self, settings, form):
        address = pictures.keep(upload(form=form))
        assert address.startswith("/pictures/")
        assert address.endswith(".jpg")
        assert kept(address, settings).format == "JPEG"

    def test_the_same_picture_twice_is_one(self, settings):
        assert pictures.keep(upload()) == pictures.keep(upload(name="b.png"))
        assert len(list(settings.PICTURES_ROOT.iterdir())) == 1

    def test_a_large_picture_is_made_smaller(self, settings):
        address = pictures.keep(upload(Image.new("RGB", (3000, 1500))))
        assert kept(address, settings).size == (1200, 600)

    def test_what_can_be_seen_through_is_white(self, settings):
        address = pictures.keep(upload(Image.new("RGBA", (9, 9), (255, 0, 0, 0))))
        assert kept(address, settings).getpixel((4, 4)) == (255, 255, 255)

    def test_nothing_but_the_picture_is_kept(self, settings):
        exif = Image.Exif()
        exif[0x010E] = "where I live"
        address = pictures.keep(upload(form="JPEG", exif=exif))
        path = settings.PICTURES_ROOT / address.removeprefix("/pictures/")
        assert b"where I live" not in path.read_bytes()

    @pytest.mark.parametrize(
        "content",
        [b"", b"not a picture", SVG.encode(), b"<html>", b"\x89PNG\r\n\x1a\n" + b"0" * 50],
    )
    def test_anything_else_is_refused_with_a_reason(self, content):
        with pytest.raises(pictures.UnusablePicture, match="not a picture"):
            pictures.keep(SimpleUploadedFile("a.png", content))

    def test_a_cut_off_picture_is_refused(self):
        whole = upload(Image.effect_noise((200, 200), 50)).read()
        with pytest.raises(pictures.UnusablePicture):
            pictures.keep(SimpleUploadedFile("a.png", whole[: len(whole) // 2]))

    def test_a_bomb_is_refused_before_it_is_unpacked(self, monkeypatch):
        monkeypatch.setattr(pictures, "MOST_PIXELS", 100)
        with pytest.raises(pictures.UnusablePicture, match="megapixels"):
            pictures.keep(upload())

    def test_a_file_that_is_too_large_is_not_even_read(self, monkeypatch):
        monkeypatch.setattr(pictures, "MOST_BYTES", 10)
        with pytest.raises(pictures.UnusablePicture, match="MB"):
            pictures.keep(upload())


@pytest.mark.django_db
class TestSources:
    def test_an_upload_is_read_where_it_is_kept(self):
        product = make_product(image=pictures.keep(upload()))
        assert pictures.source_of(product)[:2] == b"\xff\xd8"
        assert pictures.mark_of(product).endswith(".jpg")

    def test_a_drawing_is_its_own_mark(self):
        pictures.register_drawer(lambda product: SVG if product.sku == "D1" else None)
        drawn, other = make_product("D1"), make_product("D2")
        assert pictures.source_of(drawn) == pictures.mark_of(drawn).encode() == SVG.encode()
        assert pictures.source_of(other) is None
        assert pictures.mark_of(other) == ""

    @pytest.mark.parametrize(
        "image",
        [
            "https://example.org/a.jpg",
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "/pictures/../secret_key",
            "/pictures/%2e%2e/secret_key",
            "/pictures/gone.jpg",
            "/etc/passwd",
            "",
        ],
    )
    def test_nothing_is_fetched_and_nothing_else_is_read(self, image, settings):
        settings.PICTURES_ROOT.mkdir()
        (settings.PICTURES_ROOT.parent / "secret_key").write_text("secret")
        assert pictures.source_of(make_product(image=image)) is None


class TestPixels:
    def test_a_drawing_becomes_pixels(self):
        seen = pictures.pixels(SVG.encode(), side=16)
        assert seen.shape == (16, 16, 3)
        assert seen[8, 8].tolist() == [255, 0, 0]

    def test_a_picture_stands_in_the_middle_of_a_white_square(self):
        seen = pictures.pixels(upload().read(), side=16)
        assert seen.dtype == np.uint8
        assert seen[8, 8].tolist() == [255, 0, 0]
        assert seen[0, 8].tolist() == [255, 255, 255]

    def test_a_broken_drawing_is_refused(self):
        with pytest.raises(pictures.UnusablePicture):
            pictures.pixels(b"<svg", side=16)

    def test_a_drawing_reaches_no_file(self, tmp_path):
        Image.new("RGB", (9, 9), "blue").save(tmp_path / "blue.png")
        inside = f'<image href="{tmp_path}/blue.png" width="10" height="10"/></svg>'
        with pytest.raises(pictures.UnusablePicture, match="other pictures"):
            pictures.pixels(SVG.replace("</svg>", inside).encode(), side=16)
