"""Reviews in both languages, put together from parts. All of it is our own text."""

import numpy as np

from crm.models import Product

OPENINGS = {
    "zh": {
        "good": ["很满意", "非常喜欢", "比想象的好", "物超所值", "推荐购买"],
        "fair": ["还可以", "一般般", "中规中矩", "凑合能用"],
        "bad": ["太失望了", "不推荐", "质量很差", "后悔买了", "跟描述不符"],
    },
    "en": {
        "good": ["Very happy with it", "Love it", "Better than expected", "Great value"],
        "fair": ["It is okay", "Average", "Does the job, no more"],
        "bad": ["Very disappointed", "Would not recommend", "Poor quality", "I regret buying it"],
    },
}
DETAILS = {
    "zh": {
        "good": [
            "{p}做工很好",
            "物流很快，第二天就到了",
            "包装仔细",
            "客服很有耐心",
            "{p}用起来很顺手",
            "质量不错，价格也划算",
            "颜色很好看，尺码合适",
            "虽然物流慢了点，但是质量很好",
        ],
        "fair": ["{p}有点重", "物流慢了两天", "颜色和图片有点差别", "价格还能再低一点"],
        "bad": ["{p}用了两天就坏了", "物流太慢", "客服一直不回", "包装破了", "{p}有异味"],
    },
    "en": {
        "good": [
            "the {p} is well made",
            "delivery was quick",
            "packed with care",
            "support was helpful",
            "the {p} is easy to use",
            "solid quality at a fair price",
            "it looks beautiful",
            "delivery was slow but the quality is excellent",
        ],
        "fair": ["the {p} is a bit heavy", "delivery took two days longer", "colour is a bit off"],
        "bad": [
            "the {p} broke after two days",
            "delivery was far too slow",
            "support never answered",
            "the box was torn",
            "the {p} smells odd",
        ],
    },
}


# Of this week only: something for the page of public opinion to find.
TROUBLE_DAYS = 7
TROUBLE = {
    "zh": [
        "快递太慢了，等了整整一周，客服说是仓库爆仓",
        "物流一直不动，仓库爆仓也不提前通知，失望",
        "{p}本身还行，但是仓库爆仓，送货晚了好几天",
    ],
    "en": [
        "Delivery was a week late because of a warehouse backlog",
        "The {p} is fine, but the warehouse backlog made the parcel very late",
        "Shipping delayed again and again, warehouse backlog they said, disappointed",
    ],
}


def trouble(product: Product, *, chinese: bool, rng: np.random.Generator) -> str:
    """What somebody writes whose parcel is stuck."""
    category = (
        product.category.name_in("zh" if chinese else "en").lower() if product.category else "it"
    )
    return str(rng.choice(TROUBLE["zh" if chinese else "en"])).format(p=category)


def review(product: Product, stars: int, *, chinese: bool, rng: np.random.Generator) -> str:
    """A review of one or two sentences that fits its stars."""
    mood = "good" if stars >= 4 else "fair" if stars == 3 else "bad"
    language = "zh" if chinese else "en"
    category = product.category.name_in(language).lower() if product.category else "it"
    opening = str(rng.choice(OPENINGS[language][mood]))
    detail = str(rng.choice(DETAILS[language][mood])).format(p=category)
    return f"{opening}，{detail}。" if chinese else f"{opening}, {detail}."
