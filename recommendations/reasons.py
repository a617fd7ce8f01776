"""Why a product is recommended: a code, its evidence, and one true sentence in two languages.

Evidence is plain JSON. Names in it are `{"en": …, "zh": …}`, as the reader may be either.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.models import Product
from recommendations import phrases

SENTENCES = {
    "bought": ("because you bought {product}", "因为您买过{product}"),
    "added": ("because {product} was in your cart", "因为您把{product}加入过购物车"),
    "viewed": ("because you looked at {product}", "因为您看过{product}"),
    "clicked": ("because you looked at {product}", "因为您看过{product}"),
    "rated": ("because you rated {product} highly", "因为您给{product}打了高分"),
    "wished": ("because {product} is on your wish list", "因为您收藏了{product}"),
    "mentioned": ("because you asked about {product}", "因为您咨询过{product}"),
    "interest": ("because of your interest in {product}", "因为您对{product}感兴趣"),
    "theme": ("because of your interest in {theme} ({product})", "因为您关注{theme}（{product}）"),
    "looked": ("you showed interest in it", "您对它表示过兴趣"),
    "next": ("often bought after {product}", "很多人买了{product}之后会买"),
    "tastes": ("customers with a taste like yours chose it", "和您口味相近的顾客也选择了它"),
    "together": ("often chosen together with {product}", "常与{product}一起被选购"),
    "basket": (
        "{share} of baskets with {product} hold it, too",
        "含有{product}的订单中，{share}也买了它",
    ),
    "alike": ("similar to {product}", "与{product}相似"),
    "looks": ("looks like {product}", "外观与{product}相似"),
    "popular": ("popular with our customers", "深受顾客欢迎"),
    "popular_in": ("popular in {category}", "{category}中的热门商品"),
    "brand": ("by {brand}, which you chose before", "来自您选过的{brand}"),
    "category": ("in {category}, where you have chosen before", "属于您选购过的{category}"),
    "price": ("in the price range you usually choose", "在您常选的价格区间内"),
    "chosen": ("chosen by {buyers} customers", "已有{buyers}位顾客选择"),
    "looking": ("in {category}, which you are looking at", "您正在浏览的{category}"),
    "people_like_you": ("popular with customers like you", "深受与您相似的顾客欢迎"),
    "rare": ("not many have discovered it yet", "发现它的人还不多"),
    "new": ("new in the shop", "新品上架"),
    "different": ("something different for you", "换个口味试试"),
    "in_stock": ("available now", "现货供应"),
    "due": (
        "you buy it about every {every}, last {ago}",
        "您大约每{every}买一次，上次是{ago}",
    ),
    "due_for_most": (
        "customers buy it again after about {every}, you bought it {ago}",
        "顾客通常约{every}后再次购买，您{ago}买过",
    ),
    "bought_before": ("you bought it {ago}", "您{ago}买过"),
    "promoted": ("picked by our shop", "本店精选"),
    "asked": ("matches what you asked for: {asked}", "符合您的要求：{asked}"),
}
NAMES = {
    "bought": _("a purchase"),
    "added": _("a product in the cart"),
    "viewed": _("a product looked at"),
    "clicked": _("a product clicked"),
    "rated": _("a good rating"),
    "wished": _("a product wished for"),
    "mentioned": _("a product asked about in a chat"),
    "interest": _("several things they did"),
    "theme": _("several products of one kind"),
    "looked": _("interest in this very product"),
    "next": _("what usually comes next"),
    "tastes": _("customers of like taste"),
    "together": _("chosen together"),
    "basket": _("bought together"),
    "alike": _("likeness"),
    "looks": _("a like picture"),
    "popular": _("popularity"),
    "popular_in": _("popularity in its category"),
    "brand": _("a brand they know"),
    "category": _("a category they know"),
    "price": _("their usual prices"),
    "chosen": _("how many chose it"),
    "looking": _("categories they look at"),
    "people_like_you": _("what their segment buys"),
    "rare": _("how few chose it yet"),
    "new": _("newness"),
    "different": _("variety"),
    "in_stock": _("availability"),
    "due": _("time to buy it again"),
    "due_for_most": _("time when most buy it again"),
    "bought_before": _("an earlier purchase of it"),
    "promoted": _("a business rule"),
    "asked": _("what was asked for"),
}
# These say nothing about the reader.
PLAIN = ("different", "in_stock", "new", "rare", "promoted", "chosen", "price")
OPTIONS = {
    "price_min": ("over {}", "{}以上"),
    "price_max": ("under {}", "{}以下"),
    "color": ("in {}", "颜色{}"),
    "size": ("size {}", "尺码{}"),
    "feature": ("with {}", "支持{}"),
    "text": ("“{}”", "“{}”"),
}


@dataclass(frozen=True)
class Reason:
    """`code` is a key of SENTENCES, `evidence` what its sentence is made of."""

    code: str
    evidence: dict[str, Any] = field(default_factory=dict)

    def about(self, product: Product) -> "Reason":
        """The same reason for this product: what is popular is popular in its category."""
        if self.code != "popular" or product.category is None:
            return self
        names = {"en": product.category.name_en, "zh": product.category.name_zh}
        return Reason("popular_in", {**self.evidence, "category": names})

    def after(self, asked: Mapping[str, Any]) -> "Reason":
        """First that it is what was asked for; then this, where it says more about the reader."""
        if self.code in PLAIN:
            return Reason("asked", {"asked": dict(asked)})
        because = {"code": self.code, "evidence": self.evidence}
        return Reason("asked", {"asked": dict(asked), "because": because})

    def sentence(self, language: str) -> str:
        """The reason as a person would say it, in Chinese or else in English."""
        chinese = language.startswith("zh")
        if put_together := self._put_together(chinese):
            return put_together
        known: dict[str, str] = {
            name: _said(self.evidence[name], chinese)
            for name in ("product", "category", "brand", "buyers", "theme")
            if name in self.evidence
        }
        if "named" in self.evidence:
            titles = [_said(one["product"], chinese) for one in self.evidence["named"]]
            known["product"] = phrases.listed(titles, self.evidence.get("more", 0), chinese)
        known |= {
            name: say(self.evidence[name], chinese) for name, say in DAYS if name in self.evidence
        }
        if "share" in self.evidence:
            known["share"] = f"{self.evidence['share']:.0%}"
        if "asked" in self.evidence:
            known["asked"] = _asked(self.evidence["asked"], chinese)
        sentence = SENTENCES[self.code][chinese].format(**known)
        because = self.evidence.get("because")
        if not because:
            return sentence
        also = Reason(because["code"], because["evidence"]).sentence(language)
        return f"{sentence}，{also}" if chinese else f"{sentence}; {also}"

    def _put_together(self, chinese: bool) -> str:
        """The sentence that is put together of deeds; empty where SENTENCES has one."""
        if self.code == "looked" and "deed" in self.evidence:
            return phrases.own(self.evidence["deed"], chinese)
        if self.code != "theme" and "named" in self.evidence:
            return phrases.because(self.evidence["named"], chinese)
        return ""


def _asked(asked: Mapping[str, Any], chinese: bool) -> str:
    parts = []
    for name, value in asked.items():
        if name in OPTIONS:
            parts.append(OPTIONS[name][chinese].format(_said(value, chinese)))
        else:
            parts.append(_said(value, chinese))
    return ("、" if chinese else ", ").join(parts)


def _said(value: Any, chinese: bool) -> str:
    if isinstance(value, Mapping):
        return phrases.name(value, chinese)
    text = str(value)
    try:
        number = Decimal(text)
    except ArithmeticError:
        return text
    return f"{number.normalize():f}"


def _every(days: int, chinese: bool) -> str:
    if chinese:
        return f"{days}天"
    return "day" if days == 1 else f"{days} days"


def _ago(days: int, chinese: bool) -> str:
    if days < 1:
        return "今天" if chinese else "today"
    if chinese:
        return f"{days}天前"
    return "yesterday" if days == 1 else f"{days} days ago"


DAYS = (("every", _every), ("ago", _ago))


def name_of(code: str) -> str:
    """What a reason is about, for staff, in the present language."""
    return str(NAMES.get(code, code))
