"""Curves as SVG paths: a page that comes in parts cannot wait for a script to draw them."""

from collections.abc import Sequence

WIDTH, HEIGHT = 640.0, 200.0

Place = tuple[float, float]


class Frame:
    """Maps values to places in a picture of WIDTH by HEIGHT; upward is more."""

    def __init__(self, *, left: float, right: float, top: float) -> None:
        self.left = left
        self.across = WIDTH / max(right - left, 1e-9)
        self.upward = HEIGHT / max(top, 1e-9)

    def line(self, points: Sequence[Place], *, in_steps: bool = False) -> str:
        """A path through the points; in steps where a value holds until the next one."""
        drawn: list[str] = []
        for x, y in points:
            across, upward = self._place(x, y)
            if drawn and in_steps:
                drawn.append(f"H{across}")
            drawn.append(f"{'L' if drawn else 'M'}{across} {upward}")
        return "".join(drawn)

    def area(self, upper: Sequence[Place], lower: Sequence[Place]) -> str:
        """The room between two lines over the same places."""
        return self.line([*upper, *reversed(lower)]) + "Z"

    def _place(self, x: float, y: float) -> Place:
        return round((x - self.left) * self.across, 1), round(HEIGHT - y * self.upward, 1)
