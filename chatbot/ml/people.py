"""Who goods are for: somebody near, or a name that an order is to bear."""

# ruff: noqa: E501  (patterns read best one to a line)

import re

from chatbot.ml import words

RECIPIENTS = {
    value: re.compile(
        "|".join(rf"\b{n}s?\b" if n.isascii() else n for n in names), re.IGNORECASE | re.ASCII
    )
    for value, names in words.RECIPIENTS.items()
}
ANYBODY = re.compile(  # few messages name a person: one look instead of seventeen
    "|".join(pattern.pattern for pattern in RECIPIENTS.values()), re.IGNORECASE | re.ASCII
)
RENAMED = re.compile(  # whose name an order is to bear
    r"(?:收[件货]人|姓名|名字|联系人)[^，。,.]{0,6}?(?:改成|改为|换成|换为|写成|改|换|写|是|叫|[:：])\s*"
    r"(?!一下|一个|错|成|为|掉|了|吗|别人)([\u4e00-\u9fff]{2,4}?)(?=$|[，。,.!！\s吧了的吗行可])"
    r"|\b(?:recipient|name|consignee|addressee)\b.{0,60}?\b(?:to|as|for|should be|is)\s+"
    r"((?-i:[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+){0,2})"
    r"|(?!(?:my|his|her|the|a|an|our|their|someone|another)\b)[a-z'-]+\s+[a-z'-]+(?=\s*(?:[.!?,]|please|$)))",
    re.IGNORECASE,
)


def find(text: str) -> tuple[str, int, int] | None:
    """A name in full, or what somebody is to the customer; and where it stands."""
    if named := RENAMED.search(text):
        place = 1 if named[1] else 2
        return named[place], *named.span(place)
    if not ANYBODY.search(text):
        return None
    found = ((value, pattern.search(text)) for value, pattern in RECIPIENTS.items())
    return next((value, *match.span()) for value, match in found if match)


def new_name(text: str) -> str:
    """The name that an order is to bear instead, where one is told."""
    named = RENAMED.search(text)
    return (named[1] or named[2]) if named else ""
