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


def review(product: Product, stars: int, *, chinese: bool, rng: np.random.Generator) -> str:
    """A review of one or two sentences that fits its stars."""
    mood = "good" if stars >= 4 else "fair" if stars == 3 else "bad"
    language = "zh" if chinese else "en"
    category = product.category.name_in(language).lower() if product.category else "it"
    opening = str(rng.choice(OPENINGS[language][mood]))
    detail = str(rng.choice(DETAILS[language][mood])).format(p=category)
    return f"{opening}，{detail}。" if chinese else f"{opening}, {detail}."
