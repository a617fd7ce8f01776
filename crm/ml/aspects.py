"""Which sides of the goods and the service a text speaks of, and how it feels about each.

A text is cut into clauses; a clause speaks of the aspects whose words stand in it. What it feels
comes from words that praise or blame this very aspect ("slow" of delivery, "short" of a battery),
then from words of feeling at large, each turned round by a negation before it. 物流慢但是质量不错
blames delivery and praises quality.
"""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crm.ml.feelings import NOT_EN, NOT_ZH, feel
from crm.ml.text import CHINESE, normalise

TURN = re.compile(
    r"[。;；!！?？\n,，、…~]+|\.(?=\s|$)|(?:但是|但|不过|可是|然而|只是|就是|虽然|而且|而|另外|倒是)|\b(?:but|although|though|however|yet|while|and|except|otherwise)\b",
    re.IGNORECASE,
)

GOOD = re.compile(
    r"好(?!像|几|多|慢|难|贵|久|评|用|看|吃)|棒|赞|\b(?:good|great|nice|excellent|fine|well)\b"
)
BAD = re.compile(r"差|烂|糟|\b(?:bad|poor|terrible|awful|worse|worst)\b")


@dataclass(frozen=True)
class Side:
    """One aspect: words that mean it, that praise it and that blame it, in any language."""

    slug: str
    words: tuple[str, ...]
    praise: tuple[str, ...] = ()
    blame: tuple[str, ...] = ()

    @cached_property
    def named(self) -> re.Pattern[str]:
        return _pattern(self.words)

    @cached_property
    def praised(self) -> re.Pattern[str]:
        return _pattern(self.praise)

    @cached_property
    def blamed(self) -> re.Pattern[str]:
        return _pattern(self.blame)


@dataclass(frozen=True)
class Mentioned:
    aspect: str
    label: str  # pos, neg or neu
    clause: str

    def as_json(self) -> dict[str, Any]:
        return {"aspect": self.aspect, "label": self.label, "clause": self.clause}


DEFAULTS: Mapping[str, tuple[str, str, str, str, str]] = {
    # slug: English name, Chinese name, words that mean it, that praise it, that blame it
    "quality": ("Quality", "质量", "质量 做工 品质 材质 材料 面料 用料 质感 quality material build workmanship well-made fabric", "结实 耐用 扎实 精致 sturdy solid durable well-made", "坏了 坏的 断了 裂 掉色 起球 开线 粗糙 异味 flimsy broke broken cracked faulty defective smells falls-apart"),
    "price": ("Price", "价格", "价格 价钱 性价比 便宜 贵 划算 降价 price cost value expensive cheap money overpriced affordable", "便宜 划算 实惠 超值 affordable bargain cheap fair", "贵 太贵 坑 降价 expensive overpriced dear"),
    "delivery": ("Delivery", "物流", "物流 快递 配送 送货 发货 送到 到货 送餐 外卖员 骑手 送达 delivery shipping shipped courier parcel arrived delivered", "快 迅速 准时 及时 第二天 quick fast prompt on-time early next-day", "慢 迟 晚 延误 等了 没送 丢 slow late delayed lost never-arrived days-longer"),
    "packaging": ("Packaging", "包装", "包装 盒子 箱子 外盒 packaging packed package box wrapping", "严实 仔细 精美 完好 careful carefully neat care", "破 压坏 漏 脏 变形 torn crushed leaking damaged dented"),
    "service": ("Service", "服务", "客服 服务 售后 态度 店家 老板 卖家 商家 support service staff seller agent customer-service", "耐心 热情 周到 专业 helpful friendly patient polite quick", "不回 没人理 敷衍 推脱 态度差 rude ignored unhelpful never-answered"),
    "size": ("Size and fit", "尺码", "尺码 尺寸 大小 码 合身 偏大 偏小 偏紧 size sizing fit fits tight loose", "合适 合身 正好 刚好 perfectly true-to-size", "偏大 偏小 偏紧 不合适 太大 太小 tight loose small big"),
    "look": ("Look", "外观", "外观 颜色 颜值 款式 样子 好看 漂亮 难看 look looks colour color design style", "好看 漂亮 大方 时尚 beautiful stylish elegant nice", "难看 丑 色差 差别 土 ugly off dull faded"),
    "battery": ("Battery", "电池", "电池 续航 充电 待机 battery charge charging charger", "耐用 持久 长 lasts long", "短 掉电 发热 没电 烫 drains dies short hot overheats"),
    "taste": ("Taste", "味道", "味道 口感 好吃 难吃 口味 新鲜 taste tasty flavour flavor fresh delicious", "好吃 新鲜 香 可口 delicious tasty fresh yummy", "难吃 咸 凉了 不新鲜 酸 bland stale cold salty"),
    "use": ("Ease of use", "使用", "用起来 操作 使用 安装 顺手 说明书 好用 难用 use setup install instructions", "顺手 方便 简单 好用 easy simple handy", "难用 复杂 卡顿 麻烦 difficult complicated confusing clumsy"),
    "comfort": ("Comfort", "舒适", "舒服 舒适 手感 保暖 透气 轻 重 comfortable comfort soft warm heavy light", "舒服 舒适 保暖 透气 轻便 comfortable soft warm light", "硬 闷 磨脚 重 uncomfortable stiff heavy itchy"),
    "noise": ("Noise", "噪音", "噪音 声音 静音 吵 noise noisy quiet loud", "静音 安静 quiet silent", "吵 噪音大 响 noisy loud"),
}  # fmt: skip


def sides(rows: Iterable[tuple[str, Sequence[str], Sequence[str], Sequence[str]]]) -> list[Side]:
    """The lexicon of `(slug, words, praise, blame)` rows, ready to read with."""
    return [
        Side(slug, *(tuple(word.lower().replace("-", " ") for word in words) for words in lists))
        for slug, *lists in rows
    ]


def default_rows() -> list[tuple[str, list[str], list[str], list[str]]]:
    return [
        (slug, words.split(), praise.split(), blame.split())
        for slug, (_, _, words, praise, blame) in DEFAULTS.items()
    ]


def read(text: str, lexicon: Sequence[Side], *, overall: str = "neu") -> list[Mentioned]:
    """What the text says of each aspect, in the order of the text; each aspect once.

    Where a clause names an aspect and shows no feeling, the `overall` feeling of the text
    counts if it speaks of nothing else.
    """
    found: dict[str, Mentioned] = {}
    for clause in clauses(text):
        for side in lexicon:
            if side.named.search(clause):
                label = _felt(clause, side)
                known = found.get(side.slug)
                if known is None or (known.label == "neu" and label != "neu"):
                    found[side.slug] = Mentioned(side.slug, label, clause[:200])
    if len(found) == 1:
        (only,) = found.values()
        if only.label == "neu" and overall != "neu":
            found[only.aspect] = Mentioned(only.aspect, overall, only.clause)
    return list(found.values())


def clauses(text: str) -> list[str]:
    """Pieces that may each feel something of their own, lower case."""
    return [part.strip() for part in TURN.split(normalise(text).lower()) if part.strip()]


def _felt(clause: str, side: Side) -> str:
    points = _signed(clause, side.praised) - _signed(clause, side.blamed)
    points = points or _signed(clause, GOOD) - _signed(clause, BAD)
    if points:
        return "pos" if points > 0 else "neg"
    return feel(clause).label


def _signed(clause: str, pattern: re.Pattern[str]) -> int:
    """How often a word stands there, less how often it is denied."""
    total = 0
    for match in pattern.finditer(clause):
        before = clause[: match.start()]
        total += -1 if NOT_ZH.search(before) or NOT_EN.search(before) else 1
    return total


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    """Chinese words anywhere, others whole; the longest first. Nothing where there are none."""
    parts = [
        re.escape(word) if CHINESE.search(word) else rf"\b{re.escape(word)}\b"
        for word in sorted(words, key=len, reverse=True)
    ]
    return re.compile("|".join(parts) if parts else r"(?!)")
