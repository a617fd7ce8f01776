"""Another wording of an answer is kept only if it says the same: numbers, names, ids and links
survive in their order, no word appears that was not there except words of courtesy, and nothing
is denied that was not denied before."""

# ruff: noqa: E501, SIM905  (a list of words reads best as words)

import re
from collections.abc import Sequence

from crm.ml.text import CHINESE, normalise, tokens_of

FACT = re.compile(r"\d+(?:[.,:\-]\d+)*|[¥$€£%]|https?://\S+|\S+@\S+", re.IGNORECASE)
MARKUP = re.compile(r"[<>{}\\`|]|\]\(|\*\*|^#|&#?\w+;", re.MULTILINE)
DENIALS = re.compile(
    r"不|没|无(?!线|论)|未|别|非(?!常)|勿|\b(?:not?|never|none|cannot|without|nothing)\b|n't\b",
    re.IGNORECASE | re.ASCII,
)
COURTESY = frozenset(
    "the a an and or of to for in on at with by from is are am be it this that these those here there"
    " you your yours i i'm i've me my we our us as so just all one ones which what how if do does did"
    " have has can could would should may might will let please thank thanks sorry hello hi hey"
    " welcome glad happy sure great good nice well lovely perfect of course take took look looking"
    " see find found tell know like love choose pick picked help helping need want wish any some"
    " more about else anything something now today also too then them they their ask asking"
    " question questions assist assistance hope enjoy match matches fit fits option options choice"
    " choices list below following suggest suggestion recommend recommendation product products item"
    " items show shown thing things ready always day"
    " 的 了 吗 呢 吧 啊 呀 哦 哟 哈 嗯 您 你 您好 你好 我 我们 咱们 这 这是 这里 这些 这款 这几款 那 那个"
    " 是 有 在 和 与 及 也 都 还 就 请 请问 谢谢 感谢 欢迎 很 非常 十分 真 太 高兴 开心 乐意 愿意 可以 能"
    " 为 为您 给 给您 帮 帮您 帮助 帮忙 找 找到 挑 挑选 挑好 选 选择 看 看看 一下 一起 以下 如下 下面 几款 款"
    " 商品 宝贝 推荐 介绍 合适 适合 符合 要求 需要 需求 喜欢 希望 满意 随时 告诉 联系 问 问题 咨询 了解 知道"
    " 说 说说 想 要 来 吧 让 把 已 已经 好 好的 啦 嘛 哪 哪些 什么 怎么 如果 的话 继续 更 更多 其他 另外 还有"
    " 抱歉 不好意思 亲 呦 呐 哒 滴 之 以 对 对于 关于 一 个 些 点 来说 而言 服务 小 助手".split()
)


def says_the_same(original: str, reworded: str, *, names: Sequence[str] = ()) -> bool:
    """Whether the second text may stand for the first.

    names: titles, codes and other words that must survive letter by letter.
    """
    before, after = normalise(original), normalise(reworded)
    if not after or len(after) > 2 * len(before) + 80 or MARKUP.search(after):
        return False
    return (
        bool(CHINESE.search(before)) == bool(CHINESE.search(after))
        and _facts(before, names) == _facts(after, names)
        and bool(DENIALS.search(before)) == bool(DENIALS.search(after))
        and set(tokens_of(after)) <= set(tokens_of(before)) | COURTESY
    )


def _facts(text: str, names: Sequence[str]) -> list[str]:
    """Names and numbers as they follow each other, so that no price changes its product."""
    found: list[tuple[int, str]] = []
    for name in sorted({normalise(name) for name in names if name}, key=len, reverse=True):
        for match in re.finditer(re.escape(name), text):
            found.append((match.start(), name))
        text = text.replace(name, "\x00" * len(name))
    found += [(match.start(), match.group()) for match in FACT.finditer(text)]
    return [fact for _, fact in sorted(found)]
