"""Descriptors of pictures: colour, outline and texture, whatever the background."""

import numpy as np
import pytest

from recommendations.ml.looks import SIDE, describe_looks, foreground, to_lab

RED, BLUE, WHITE, GREY = (200, 30, 30), (30, 30, 200), (255, 255, 255), (240, 243, 248)


def picture(shape, colour, *, ground=WHITE, size=0.5, stripes=False, shift=0):
    """A square, a disc or a bar of one colour in the middle of a plain ground."""
    row, column = (np.indices((SIDE, SIDE)) - SIDE / 2) / (SIDE * size)
    column = column - shift / (SIDE * size)
    inside = {
        "square": (abs(row) < 0.5) & (abs(column) < 0.5),
        "disc": row**2 + column**2 < 0.25,
        "bar": (abs(row) < 0.12) & (abs(column) < 0.8),
    }[shape]
    made = np.full((SIDE, SIDE, 3), ground, dtype=np.uint8)
    made[inside] = colour
    if stripes:
        made[inside & (np.indices((SIDE, SIDE))[0] % 4 < 2)] = WHITE
    return made


def likeness(one, other):
    return float(describe_looks(one) @ describe_looks(other))


def test_they_are_one_long_and_like_themselves():
    looks = describe_looks(picture("disc", RED))
    assert looks.dtype == np.float32
    assert np.linalg.norm(looks) == pytest.approx(1.0, abs=1e-5)
    assert likeness(picture("disc", RED), picture("disc", RED)) == pytest.approx(1.0, abs=1e-5)


def test_colour_and_outline_both_count():
    red_disc = picture("disc", RED)
    same, other_colour, other_shape, neither = (
        picture("disc", (190, 40, 40)),
        picture("disc", BLUE),
        picture("bar", RED),
        picture("bar", BLUE),
    )
    assert likeness(red_disc, same) > 0.85
    assert likeness(red_disc, same) > likeness(red_disc, other_colour)
    assert likeness(red_disc, same) > likeness(red_disc, other_shape)
    assert min(likeness(red_disc, other_colour), likeness(red_disc, other_shape)) > likeness(
        red_disc, neither
    )


def test_the_background_says_little():
    on_grey = picture("disc", RED, ground=GREY)
    assert likeness(picture("disc", RED), on_grey) > 0.9
    assert likeness(picture("disc", RED), on_grey) > likeness(
        picture("disc", RED), picture("disc", BLUE)
    )


def test_a_little_shift_says_little():
    assert likeness(picture("square", RED), picture("square", RED, shift=3)) > 0.85


def test_texture_counts():
    plain, striped = picture("square", RED), picture("square", RED, stripes=True)
    assert likeness(plain, striped) < likeness(plain, plain) - 0.05


def test_the_product_is_what_is_not_the_edge():
    sure = foreground(to_lab(picture("square", RED)))
    assert sure[SIDE // 2, SIDE // 2] == 1.0
    assert sure[0, 0] == 0.0


@pytest.mark.parametrize("colour", [WHITE, RED, (0, 0, 0)])
def test_an_empty_picture_is_described_all_the_same(colour):
    looks = describe_looks(np.full((SIDE, SIDE, 3), colour, dtype=np.uint8))
    assert np.all(np.isfinite(looks))


def test_noise_is_described_all_the_same():
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    assert np.all(np.isfinite(describe_looks(noise)))


@pytest.mark.parametrize("shape", [(SIDE, SIDE), (10, 10, 3), (SIDE, SIDE, 4)])
def test_another_size_is_an_error_that_says_so(shape):
    with pytest.raises(ValueError, match="a picture is"):
        describe_looks(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize(
    ("srgb", "lab"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0, 0)),
    ],
)
def test_colours_are_those_of_the_standard(srgb, lab):
    assert to_lab(np.array(srgb)).tolist() == pytest.approx(lab, abs=0.1)
