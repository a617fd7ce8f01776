"""The shelves of the demo shop: categories, brands and products in both languages.

Brands are invented. Every category has products from cheap to dear in several brands and
colours, so that there is something to refine, to compare and to prefer.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np

from crm.models import Brand, Category, Product

# slug: Chinese, English, other words, lowest and highest price in CNY
CATEGORIES: dict[str, tuple[str, str, list[str], int, int]] = {
    "phone": ("手机", "Phone", ["smartphone", "cell phone", "mobile", "智能手机"], 799, 7999),
    "laptop": ("笔记本电脑", "Laptop", ["notebook", "笔记本", "电脑"], 2999, 12999),
    "tablet": ("平板电脑", "Tablet", ["平板", "pad"], 999, 5999),
    "headphones": ("耳机", "Headphones", ["earbuds", "earphones", "headset"], 129, 2599),
    "watch": ("智能手表", "Watch", ["smartwatch", "手表", "手环"], 299, 3299),
    "shoes": ("运动鞋", "Shoes", ["sneakers", "running shoes", "跑鞋", "鞋"], 199, 1299),
    "jacket": ("外套", "Jacket", ["coat", "down jacket", "羽绒服"], 259, 2199),
    "dress": ("连衣裙", "Dress", ["裙子", "skirt"], 159, 1299),
    "coffee_machine": ("咖啡机", "Coffee machine", ["coffee maker", "espresso"], 399, 5999),
    "rice_cooker": ("电饭煲", "Rice cooker", ["电饭锅"], 149, 1999),
    "kettle": ("电热水壶", "Kettle", ["水壶", "热水壶"], 79, 699),
    "vacuum": ("吸尘器", "Vacuum cleaner", ["vacuum"], 299, 3999),
    "skincare": ("护肤品", "Skincare", ["面霜", "防晒", "face cream", "sunscreen"], 59, 1299),
    "toothbrush": ("电动牙刷", "Toothbrush", ["electric toothbrush", "牙刷"], 99, 999),
}

# slug: Chinese, English, categories it makes, how dear it is (0 to 1)
BRANDS: dict[str, tuple[str, str, list[str], float]] = {
    "xinghe": ("星河", "Xinghe", ["phone", "tablet", "watch", "laptop", "headphones"], 0.75),
    "yunque": ("云雀", "Skylark", ["phone", "tablet", "headphones", "watch"], 0.3),
    "polaris": ("北辰", "Polaris", ["phone", "laptop", "tablet", "watch", "headphones"], 0.95),
    "qingzhu": ("青竹", "Bamboo", ["phone", "laptop", "vacuum", "rice_cooker", "kettle"], 0.4),
    "aurora": ("极光", "Aurora", ["laptop", "headphones", "phone"], 0.6),
    "shanlan": ("山岚", "Mistral", ["shoes", "jacket"], 0.65),
    "qingyu": ("轻羽", "Plume", ["shoes", "jacket", "dress"], 0.35),
    "fengchi": ("风驰", "Stride", ["shoes", "jacket", "watch"], 0.5),
    "suwan": ("素婉", "Suwan", ["dress", "jacket"], 0.6),
    "nuanshi": ("暖石", "Warmstone", ["coffee_machine", "rice_cooker", "kettle", "vacuum"], 0.7),
    "bailu": ("白鹭", "Egret", ["vacuum", "kettle", "coffee_machine", "rice_cooker"], 0.45),
    "xigu": ("溪谷", "Brook", ["skincare", "toothbrush"], 0.4),
    "lanxue": ("兰雪", "Orchid", ["skincare", "toothbrush"], 0.8),
}

# category: (feature, Chinese, English) from which each model has two or so
FEATURES: dict[str, list[tuple[str, str, str]]] = {
    "phone": [
        ("5g", "5G", "5G"),
        ("camera", "拍照好", "great camera"),
        ("battery", "大电池", "long battery life"),
        ("compact", "小巧", "compact"),
    ],
    "laptop": [
        ("lightweight", "轻薄", "lightweight"),
        ("gaming", "游戏", "gaming"),
        ("student", "学生", "for students"),
        ("business", "商务", "business"),
    ],
    "tablet": [("drawing", "绘画", "drawing"), ("student", "学习", "for study")],
    "headphones": [
        ("noise_cancelling", "降噪", "noise cancelling"),
        ("in_ear", "入耳式", "in-ear"),
        ("over_ear", "头戴式", "over-ear"),
    ],
    "watch": [("fitness", "健身", "fitness"), ("battery", "长续航", "long battery life")],
    "shoes": [("running", "跑步", "running"), ("casual", "休闲", "casual")],
    "jacket": [("warm", "保暖", "warm"), ("waterproof", "防水", "waterproof")],
    "dress": [("summer", "夏季", "summer"), ("evening", "晚宴", "evening")],
    "coffee_machine": [("espresso", "意式", "espresso"), ("capsule", "胶囊", "capsule")],
    "rice_cooker": [("smart", "智能", "smart"), ("small", "小容量", "small")],
    "kettle": [("fast", "快速", "fast"), ("keep_warm", "保温", "keeps warm")],
    "vacuum": [("cordless", "无线", "cordless"), ("pet", "除宠物毛", "for pet hair")],
    "skincare": [("sunscreen", "防晒", "sunscreen"), ("moisturising", "保湿", "moisturising")],
    "toothbrush": [("sonic", "声波", "sonic"), ("travel", "旅行", "travel")],
}
COLORS = ["black", "white", "blue", "red", "green", "silver", "pink", "grey"]
SIZES = {"shoes": ["36", "38", "40", "42", "44"], "jacket": ["S", "M", "L", "XL"]}
SIZES["dress"] = ["S", "M", "L"]
MODELS = [("青春版", "Lite"), ("", "One"), ("Pro", "Pro"), ("Max", "Max")]


@dataclass(frozen=True)
class Shelf:
    """The products, and what the generator of customers needs to know of each."""

    products: list[Product]
    category: np.ndarray  # of each product, as a number
    level: np.ndarray  # how dear for its category, 0 to 1
    brand: np.ndarray
    price: np.ndarray
    series: np.ndarray  # of each product, as a place in MODELS
    categories: list[str]

    def matching(self, product: int, category: int) -> int | None:
        """The product of this category in the brand and series of another, if it is made."""
        alike = (self.brand == self.brand[product]) & (self.series == self.series[product])
        found = np.flatnonzero(alike & (self.category == category))
        return int(found[0]) if len(found) else None


def stock_shelves(*, now: datetime, rng: np.random.Generator) -> Shelf:
    """Create every category, brand and product."""
    categories = {
        slug: Category.objects.create(slug=slug, name_zh=zh, name_en=en, aliases=aliases)
        for slug, (zh, en, aliases, _, _) in CATEGORIES.items()
    }
    brands = {
        slug: Brand.objects.create(slug=slug, name_zh=zh, name_en=en, aliases=[])
        for slug, (zh, en, _, _) in BRANDS.items()
    }
    made: list[Product] = []
    levels: list[float] = []
    for brand, (_, _, makes, dear) in BRANDS.items():
        for category in makes:
            for step in range(len(MODELS)):
                level = float(np.clip(dear * 0.6 + step * 0.13 + rng.normal(0, 0.04), 0, 1))
                product = _product(len(made), categories[category], brands[brand], step, level, rng)
                product.created_at = now
                made.append(product)
                levels.append(level)
    Product.objects.bulk_create(made)
    slugs = list(categories)
    return Shelf(
        products=made,
        category=np.array([slugs.index(p.category.slug) for p in made if p.category]),
        level=np.array(levels),
        brand=np.array([list(brands).index(p.brand.slug) for p in made if p.brand]),
        price=np.array([float(p.price) for p in made]),
        series=np.arange(len(made)) % len(MODELS),
        categories=slugs,
    )


def _product(
    number: int,
    category: Category,
    brand: Brand,
    step: int,
    level: float,
    rng: np.random.Generator,
) -> Product:
    low, high = CATEGORIES[category.slug][3:5]
    price = low * (high / low) ** level
    price = max(low, round(price / 10) * 10 - 1)
    features = FEATURES[category.slug]
    chosen = [features[(number + i) % len(features)] for i in range(min(2, len(features)))]
    zh, en = MODELS[step]
    colors = sorted(rng.choice(COLORS, size=3, replace=False).tolist())
    return Product(
        sku=f"D{number + 1:03d}",
        title_zh=f"{brand.name_zh}{category.name_zh} {zh}".strip(),
        title_en=f"{brand.name_en} {category.name_en} {en}",
        description_zh=f"{'，'.join(f[1] for f in chosen)}。{len(colors)}种颜色可选。",
        description_en=f"{', '.join(f[2] for f in chosen).capitalize()}. {len(colors)} colours.",
        category=category,
        brand=brand,
        price=Decimal(price),
        currency="CNY",
        stock=int(rng.integers(0, 4) * 30 + (5 if step else 0)),
        colors=colors,
        sizes=SIZES.get(category.slug, []),
        features=[f[0] for f in chosen],
        image=f"/shop/image/D{number + 1:03d}.svg",
    )
