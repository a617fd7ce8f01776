"""What a product looks like, in numbers: its colours, its outline, its texture.

Descriptors computed from the pixels, without a network: histograms of colour in CIE L*a*b* (Swain
and Ballard 1991), oriented gradients on a grid (Dalal and Triggs 2005) and local binary patterns
(Ojala et al. 2002). They know colour and shape as drawn; they do not know what a thing is.
"""

import numpy as np

SIDE = 96  # pixels; pictures are squares of this size
GRID = 6  # cells a side for gradients
DIRECTIONS = 8
LEVELS = (5, 9, 9)  # of lightness, of green to red, of blue to yellow
SHARES = {"colour": 0.5, "outline": 0.4, "texture": 0.1}  # of the likeness of two pictures
FAR = 12.0  # distance in L*a*b* from the background that is surely the product
_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
) / np.array([[0.9505], [1.0], [1.089]])


def describe_looks(pixels: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8 sRGB -> (features,) float32 of length one.

    The cosine of two of them is the weighted mean of how alike colours, outlines and textures are.
    """
    if pixels.shape != (SIDE, SIDE, 3):
        raise ValueError(f"a picture is {SIDE} x {SIDE} x 3, not {pixels.shape}")
    lab = to_lab(pixels)
    product = foreground(lab)
    parts = {
        "colour": _colours(lab, product),
        "outline": _gradients(lab[..., 0]),
        "texture": _patterns(lab[..., 0], product),
    }
    return np.concatenate(
        [np.sqrt(SHARES[name]) * _unit(np.sqrt(part)) for name, part in parts.items()]
    ).astype(np.float32)


def to_lab(pixels: np.ndarray) -> np.ndarray:
    """(…, 3) sRGB in bytes -> (…, 3) CIE L*a*b* under daylight (D65)."""
    share = pixels / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def foreground(lab: np.ndarray) -> np.ndarray:
    """(side, side) how surely each pixel is the product: how far from the colour of the edge.

    A picture that is all alike, or filled to its edge, counts as product everywhere.
    """
    edge = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    away = np.linalg.norm(lab - np.median(edge, axis=0), axis=-1)
    sure: np.ndarray = np.clip(away / FAR, 0.0, 1.0)
    return sure if sure.mean() > 0.01 else np.ones_like(sure)


def _colours(lab: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Histogram of the product's colours; a pixel between two levels counts in both."""
    low, high = np.array([0.0, -80.0, -80.0]), np.array([100.0, 80.0, 80.0])
    place = np.clip((lab - low) / (high - low), 0.0, 1.0) * (np.array(LEVELS) - 1)
    below = np.minimum(place.astype(int), np.array(LEVELS) - 2)
    share = place - below
    counted = np.zeros(LEVELS)
    for corner in np.ndindex(2, 2, 2):
        part = np.prod(np.where(corner, share, 1.0 - share), axis=-1) * weight
        level = below + np.array(corner)
        np.add.at(counted, (level[..., 0], level[..., 1], level[..., 2]), part)
    return counted.ravel()


def _gradients(light: np.ndarray) -> np.ndarray:
    """Strength of edges by direction in each cell of a grid, whichever side is lighter."""
    down, right = np.gradient(light)
    strength, angle = np.hypot(down, right), np.arctan2(down, right) % np.pi
    direction = np.minimum((angle / np.pi * DIRECTIONS).astype(int), DIRECTIONS - 1)
    row, column = (np.indices(light.shape) * GRID) // len(light)
    cell = (row * GRID + column) * DIRECTIONS + direction
    return np.bincount(cell.ravel(), strength.ravel(), minlength=GRID * GRID * DIRECTIONS)


def _patterns(light: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """How often a pixel is lighter than how many of its eight neighbours, on the product."""
    middle = light[1:-1, 1:-1]
    steps = [(r, c) for r in (0, 1, 2) for c in (0, 1, 2) if (r, c) != (1, 1)]
    side = len(middle)
    darker = sum((light[r : r + side, c : c + side] < middle - 0.5).astype(int) for r, c in steps)
    return np.bincount(np.ravel(darker), weight[1:-1, 1:-1].ravel(), minlength=9)


def _unit(part: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(part))
    return part / length if length else part
