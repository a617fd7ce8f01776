"""The examples that the product ships: hand-written sentences, filled with words of trade."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from crm.ml.text import CHINESE

FOLDER = Path(__file__).resolve().parent / "data"
WORDS: dict[str, dict[str, list[str]]] = {
    "zh": {
        "category": [
            "手机",
            "笔记本",
            "耳机",
            "平板",
            "手表",
            "跑鞋",
            "鞋子",
            "外套",
            "羽绒服",
            "连衣裙",
            "裙子",
            "面霜",
            "护肤品",
            "咖啡机",
            "吸尘器",
            "电饭煲",
            "相机",
            "键盘",
            "电视",
            "背包",
            "台灯",
            "香水",
            "茶叶",
            "雨伞",
            "音箱",
            "自行车",
            "枕头",
            "空调",
            "冰箱",
            "球拍",
        ],
        "brand": [
            "华为",
            "小米",
            "苹果",
            "三星",
            "联想",
            "索尼",
            "耐克",
            "阿迪达斯",
            "优衣库",
            "戴森",
            "美的",
            "飞利浦",
            "佳能",
            "安踏",
            "海尔",
            "松下",
            "博世",
            "无印良品",
        ],
        "product": [
            "华为P60",
            "小米12",
            "iPhone 13",
            "索尼XM4",
            "耐克Air Max",
            "戴森V8",
            "ThinkPad E14",
            "佳能R10",
            "Galaxy S23",
            "AirPods 3",
            "iPad mini",
            "安踏C202",
            "飞利浦剃须刀",
            "海尔空气炸锅",
        ],
        "price": [
            "500元",
            "1000",
            "2000",
            "两千",
            "3000块",
            "五千",
            "一万",
            "300",
            "1500元",
            "三百块",
            "8000",
            "5k",
        ],
        "color": ["黑色", "白色", "红色", "蓝色", "绿色", "灰色", "粉色", "银色", "紫色", "棕色"],
        "feature": [
            "降噪",
            "轻薄",
            "拍照好",
            "续航久",
            "防水",
            "保暖",
            "无线",
            "适合跑步",
            "玩游戏",
            "敏感肌能用",
            "全自动",
            "便携",
            "适合学生",
        ],
        "size": ["M", "L", "S", "XL", "42", "38", "40", "大", "小"],
        "channel": ["短信", "邮件", "微信", "微信消息", "营销短信", "推广邮件"],
        "recipient": ["妈妈", "女朋友", "爸爸", "老婆", "男朋友", "孩子", "朋友", "老师", "同事"],
        "order": [
            "SO10045678",
            "SO20077889",
            "AB12345678",
            "20240511003",
            "so30012345",
            "订单SO55667788",
        ],
    },
    "en": {
        "category": [
            "phone",
            "laptop",
            "pair of headphones",
            "tablet",
            "watch",
            "running shoe",
            "sneaker",
            "jacket",
            "coat",
            "dress",
            "face cream",
            "coffee machine",
            "vacuum cleaner",
            "rice cooker",
            "camera",
            "keyboard",
            "television",
            "backpack",
            "desk lamp",
            "perfume",
            "tea set",
            "umbrella",
            "speaker",
            "bike",
            "pillow",
            "fridge",
            "racket",
        ],
        "brand": [
            "Huawei",
            "Xiaomi",
            "Apple",
            "Samsung",
            "Lenovo",
            "Sony",
            "Nike",
            "Adidas",
            "Uniqlo",
            "Dyson",
            "Philips",
            "Canon",
            "Bosch",
            "Panasonic",
            "Puma",
            "Logitech",
        ],
        "product": [
            "Huawei P60",
            "Xiaomi 12",
            "iPhone 13",
            "Sony XM4",
            "Nike Air Max",
            "Dyson V8",
            "ThinkPad E14",
            "Canon R10",
            "Galaxy S23",
            "AirPods 3",
            "iPad mini",
            "Philips shaver",
            "Logitech MX Keys",
        ],
        "price": [
            "500",
            "1000",
            "2000",
            "3000 yuan",
            "5k",
            "3k",
            "10000",
            "two thousand",
            "300",
            "1500 rmb",
            "800",
        ],
        "color": [
            "black",
            "white",
            "red",
            "blue",
            "green",
            "grey",
            "pink",
            "silver",
            "purple",
            "brown",
        ],
        "feature": [
            "noise cancelling",
            "lightweight",
            "good camera",
            "long battery life",
            "waterproof",
            "warm",
            "cordless",
            "running",
            "gaming",
            "sensitive skin",
            "automatic",
            "portable",
            "for students",
        ],
        "size": ["M", "L", "S", "XL", "42", "38", "40", "9", "medium"],
        "channel": [
            "emails",
            "text messages",
            "sms",
            "wechat messages",
            "promotional emails",
            "marketing texts",
            "email",
        ],
        "recipient": [
            "mom",
            "girlfriend",
            "dad",
            "wife",
            "boyfriend",
            "kid",
            "friend",
            "teacher",
            "husband",
        ],
        "order": [
            "SO10045678",
            "SO20077889",
            "AB12345678",
            "20240511003",
            "so30012345",
            "SO55667788",
        ],
    },
}
SLOT = re.compile(r"\{(\w+?)(2?)\}")
COPIES = {"recommend": 3, "refine": 2, "product_info": 2, "order_status": 2, "inform": 2}


@dataclass(frozen=True)
class Seed:
    """One example sentence with its intent and language, and what a question is about."""

    text: str
    intent: str
    language: str
    template: str = ""
    topic: str = ""

    @property
    def label(self) -> str:
        """What the classifier learns: the topics of an intent apart."""
        return f"{self.intent}/{self.topic}" if self.topic else self.intent


@lru_cache(maxsize=1)
def examples() -> tuple[Seed, ...]:
    """Every shipped example, filled by a fixed seed, each text once."""
    rng = np.random.default_rng(20240615)
    seeds: dict[str, Seed] = {}
    for language in ("zh", "en"):
        for intent, template in templates(language):
            copies = COPIES.get(intent, 2) if "{" in template else 1
            for _ in range(copies):
                text = _fill(template, language, rng)
                seeds.setdefault(text, Seed(text, intent, language, template))
        for topic, question in questions(language):
            seeds.setdefault(question, Seed(question, "faq", language, question, topic))
    return tuple(seeds.values())


def templates(language: str) -> Iterator[tuple[str, str]]:
    """The (intent, sentence) pairs of the data file of a language."""
    return _sections(f"intents.{language}.txt")


def questions(language: str) -> Iterator[tuple[str, str]]:
    """The (topic, question) pairs of what customers of any shop ask."""
    for topic, question in _sections("topics.txt"):
        if (CHINESE.search(question) is not None) == (language == "zh"):
            yield topic, question


def _sections(file: str) -> Iterator[tuple[str, str]]:
    """(heading, phrase) pairs of a file of headings and phrases between bars."""
    heading = ""
    for line in (FOLDER / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            heading = line[2:].strip()
        elif line.strip():
            yield from ((heading, part.strip()) for part in line.split("|") if part.strip())


def _fill(template: str, language: str, rng: np.random.Generator) -> str:
    used: dict[str, str] = {}

    def word(match: re.Match[str]) -> str:
        choices = [w for w in WORDS[language][match[1]] if w not in used.values()]
        used[match.group()] = choices[int(rng.integers(len(choices)))]
        return used[match.group()]

    return SLOT.sub(word, template)
