"""What somebody subscribes to or leaves: topics of the shop named in a message, beside the channel.

A shop with one topic has no topics to choose from, and is asked about channels alone.
"""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re
from collections.abc import Sequence
from typing import Any

from chatbot.ml import flows, keywords
from chatbot.ml.commands import Act, Command
from chatbot.ml.lookups import Lookups, Theme
from chatbot.ml.memory import Flow, Memory
from crm.ml.text import CHINESE

Step = tuple[Memory, list[Act]]
SUBSCRIPTIONS = ("subscribe", "unsubscribe")
EVERY, BEFORE = "all", "before"  # in place of topics: all of them, those that were left
KINDS: tuple[str, ...] = (  # a topic is meant by the words that its own name is one of
    r"促销|优惠|特价|折扣|打折|活动|\b(?:offers?|deals?|promos?|promotions?|discounts?|specials?)\b",
    r"新品|上新|资讯|新闻|动态|\b(?:news|new (?:products?|arrivals?)|arrivals?|what'?s new)\b",
    r"周刊|月刊|期刊|\bnewsletters?\b",
    r"生日|会员日|\bbirthdays?\b",
    r"补货|到货|\b(?:restocks?|back in stock)\b",
    r"问卷|调查|\b(?:surveys?|polls?)\b",
    r"教程|贴士|技巧|\b(?:tips|guides?|how[ -]tos?)\b",
)
_BUT = r"(?:除了|除去|不包括|\b(?:except(?: for)?|but not|other than|apart from)\b)"
_KEEP = (
    r"(?:保留|留着|只要|只留|还要|还想|继续|\b(?:keep|only want|still want|just want|still like)\b)"
)
BUT = re.compile(rf"{_BUT}[^,，。.;；!！]{{0,24}}$", re.IGNORECASE)  # left out of "all"
KEEPS = re.compile(rf"{_KEEP}[^,，。.;；!！退取停关]{{0,24}}$", re.IGNORECASE)  # by who leaves
SPARES = re.compile(f"{_BUT}|{_KEEP}", re.IGNORECASE)
ALL_TOPICS = re.compile(
    r"全部|所有|全都|都要|都行|都可以|一切|\ball\b|\bboth\b|\beverything\b|\bany\b", re.IGNORECASE
)


def begin(command: Command, memory: Memory, look: Lookups) -> Step:
    """Start to subscribe or unsubscribe with the channel and the topics that were named."""
    slots = {**_of_last(command, memory), **command.slots}
    slots.update(_told(command.kind, command.text, look))
    if command.kind == "unsubscribe" and slots.get("topic"):
        slots.setdefault("channel", "all")  # who leaves a topic leaves it everywhere
    return flows.begin(command.kind, slots, memory, look)


def _of_last(command: Command, memory: Memory) -> dict[str, Any]:
    """The topic of what was changed just now: "and the texts too" means the same."""
    last = memory.steps[-1] if memory.steps else {}
    is_same = last.get("effect") == command.kind and last["turn"] == memory.turn - 1
    return {"topic": last["topic"]} if is_same and last.get("topic") else {}


def fill(flow: Flow, command: Command, memory: Memory, look: Lookups) -> Step:
    """An answer to what was asked: a channel, a topic, or both."""
    told = _told(flow.name, command.text, look)
    if flow.awaiting == "topic" and "topic" not in told:
        every = ALL_TOPICS.search(command.text)
        if not every:
            return memory, flows.ask_again(memory, look)
        told = {"topic": EVERY}
    channel = {s: v for s, v in command.slots.items() if s == "channel"}
    return flows.fill({**channel, **told}, memory, look)


def named(text: str, themes: Sequence[Theme], *, leaves: bool) -> list[str]:
    """Slugs of the topics that a message speaks of; "all but" turns them round.

    leaves: whether they are to be left, or to be subscribed to.
    """
    wanted: list[str] = []
    out: list[str] = []
    for theme in themes:
        before = [text[: m.start()] for m in _words_of(theme, themes).finditer(text)]
        spared = any(BUT.search(b) or (leaves and KEEPS.search(b)) for b in before)
        if before:
            (out if spared else wanted).append(theme.slug)
    if out and not wanted:
        return [theme.slug for theme in themes if theme.slug not in out]
    return wanted


def _told(name: str, text: str, look: Lookups) -> dict[str, Any]:
    """The topic slot as far as the message tells it; subscribing needs one, leaving does not."""
    themes = look.topics()
    if len(themes) < 2:
        return {"topic": ""} if name == "subscribe" else {}
    slugs = named(text, themes, leaves=name == "unsubscribe")
    if slugs:
        return {"topic": EVERY if len(slugs) == len(themes) else ",".join(slugs)}
    if name == "subscribe" and keywords.AGAIN.search(text):
        return {"topic": BEFORE}
    return {}


def _words_of(theme: Theme, themes: Sequence[Theme]) -> re.Pattern[str]:
    """What a topic is called: its names, their halves in Chinese, and words of the same kind.

    What two topics could be called names neither.
    """
    others = [name for other in themes if other.slug != theme.slug for name in other.names]
    said = {name for name in theme.names if name}
    for name in theme.names:
        if CHINESE.search(name) and len(name) == 4:
            said |= {half for half in (name[:2], name[2:]) if not any(half in o for o in others)}
    patterns = [_spelt(name) for name in sorted(said, key=len, reverse=True)]
    patterns += [
        kind
        for kind in KINDS
        if _is_of(kind, theme.names) and not any(_is_of(kind, [o]) for o in others)
    ]
    return re.compile("|".join(patterns), re.IGNORECASE)


def _spelt(name: str) -> str:
    plain = re.escape(name)
    return plain if CHINESE.search(name) else rf"\b{plain}s?\b"


def _is_of(kind: str, names: Sequence[str]) -> bool:
    return any(re.search(kind, name, re.IGNORECASE) for name in names)


def slugs_of(slot: str, themes: Sequence[str]) -> list[str]:
    """The topics that a filled slot stands for: all where it says so or says nothing."""
    chosen = [slug for slug in slot.split(",") if slug in themes]
    return chosen or list(themes)
