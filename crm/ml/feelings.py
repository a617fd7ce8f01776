"""How somebody feels, from a small bilingual list of words with negation and emphasis.

The baseline of the sentiment classifier, and what answers while none is trained.
"""

# ruff: noqa: E501  (tables of words and patterns read best one to a line)

import math
import re
from dataclasses import dataclass

POSITIVE = {
    "zh": "喜欢 满意 不错 很好 太好了 好用 好看 漂亮 棒 赞 完美 开心 高兴 谢谢 感谢 推荐给 值得 舒服 惊喜 优秀 好评 贴心 给力 爱了 靠谱 实用 超值 划算 点赞 厉害 好吃 快 周到 热情 耐心 辛苦了",
    "en": "love like good great nice excellent perfect awesome happy satisfied thanks thank amazing wonderful helpful best fantastic comfortable beautiful recommend worth pleased delighted superb brilliant cool",
}
NEGATIVE = {
    "zh": "垃圾 失望 太差 很差 差劲 坏了 坏的 破 烂 骗子 骗人 欺骗 生气 愤怒 投诉 差评 讨厌 恶心 糟糕 无语 后悔 假货 慢死 太慢 难用 难看 不行 没人理 敷衍 恼火 气死 受够 不合适 不合脚 掉色 开胶 质量问题 破损 漏发 发错 不好用 不满 离谱 坑 态度差 没反应 用不了 开不了机 瑕疵 太贵",
    "en": "bad terrible awful horrible disappointed disappointing broken worst hate angry furious useless rubbish garbage trash scam fraud complaint unacceptable poor defective damaged ridiculous annoying annoyed frustrated frustrating sucks wrong slow late pathetic cheated dissatisfied unhappy upset faulty crap ruined ripped disgusting stopped",
}
STRONG = re.compile(
    r"太|非常|特别|超级|真的?|极其|简直|什么|really|very|so |extremely|totally|absolutely|!{1,}|！"
)
NOT_ZH = re.compile(r"(?:不是很|不怎么|不太|没有|不|没|别|无)$")
NOT_EN = re.compile(r"(?:\bnot|n't|\bnever|\bno|\bhardly)(?:\s+\w+){0,2}\s+$")


@dataclass(frozen=True)
class Sentiment:
    """`label` is pos, neg or neu; `score` runs from -1 to 1."""

    label: str
    score: float


def feel(text: str) -> Sentiment:
    """Judge a normalised text."""
    low = text.lower()
    points = _points(low, POSITIVE, 1.0) + _points(low, NEGATIVE, -1.4)
    if points and STRONG.search(low):
        points *= 1.3
    score = round(math.tanh(points / 2), 3)
    label = "pos" if score > 0.3 else "neg" if score < -0.3 else "neu"
    return Sentiment(label, score)


def _points(text: str, table: dict[str, str], weight: float) -> float:
    total = 0.0
    for word in _said(text, table["zh"]):
        for match in re.finditer(re.escape(word), text):
            total += -0.8 * weight if NOT_ZH.search(text[: match.start()]) else weight
    for word in _said(text, table["en"]):
        for match in re.finditer(rf"\b{word}s?\b", text):
            negated = NOT_EN.search(text[: match.start()])
            polite = word == "like" and re.search(
                r"(?:'d|would|looks?|similar|feel) $", text[: match.start()]
            )
            total += 0.0 if polite else -0.8 * weight if negated else weight
    return total


def _said(text: str, words: str) -> list[str]:
    """Those of the words that a pattern may find: looking for letters is quick."""
    return [word for word in words.split() if word in text]
