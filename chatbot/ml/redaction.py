"""What leaves the house is without personal data: addresses, numbers and names become marks."""

import re
from collections.abc import Iterable

MARKS = (
    ("email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("link", re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)),
    ("order", re.compile(r"(?<![A-Za-z\d])[A-Za-z]{1,4}[#-]?\d(?:[\s-]?\d){5,14}(?!\d)")),
    ("number", re.compile(r"(?<!\d)\+?\d(?:[\s()-]?\d){6,18}(?!\d)")),  # telephones, cards, ids
)


def redacted(text: str, *, names: Iterable[str] = ()) -> str:
    """The text with e-mail addresses, links, order numbers, long numbers and these names struck.

    names: of the customer; one of a single letter is left.
    """
    for mark, pattern in MARKS:
        text = pattern.sub(f"[{mark}]", text)
    for name in sorted({n.strip() for n in names if len(n.strip()) > 1}, key=len, reverse=True):
        text = re.sub(re.escape(name), "[name]", text, flags=re.IGNORECASE)
    return text
