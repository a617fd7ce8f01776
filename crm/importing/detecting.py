"""What a file is: its encoding, how its cells are parted, whether it begins with names.

Told from the bytes; the name of the file is not believed. Each answer can be corrected by hand.
"""

import codecs
import csv
import unicodedata
from collections import Counter
from dataclasses import dataclass

ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "big5", "cp1252")
DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 256 * 1024  # bytes that are looked at
# The characters that make up a third of Chinese text; other bytes read as Chinese seldom hit them.
SIMPLIFIED = set(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过"
    "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "小明华丽强军伟芳娜敏静秀英丹红玉兰平辉刚杰勇涛超磊洋艳海北京上市省区路号街县广东江浙南西山河湖四川"
    "姓名邮箱手机电话地址订单金额商品数量价格日期时间编号城市国家备注客户会员性别女男语言"
)
TRADITIONAL = set(
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過"
    "李王張劉陳楊趙黃周吳徐孫胡朱高林何郭馬羅梁宋鄭謝韓唐馮董蕭程曹袁鄧許傅沈曾彭呂蘇盧蔣蔡賈丁魏薛葉閻"
    "小明華麗強軍偉芳娜敏靜秀英丹紅玉蘭平輝剛傑勇濤超磊洋艷海北京台灣市省區路號街縣廣東江浙南西山河湖"
    "姓名郵箱手機電話地址訂單金額商品數量價格日期時間編號城市國家備註客戶會員性別女男語言"
)


class NotText(Exception):
    """The file is no text in any encoding that we read."""


@dataclass(frozen=True)
class Found:
    encoding: str
    confidence: float  # 0 to 1


def encoding_of(sample: bytes) -> Found:
    """The likeliest encoding of the beginning of a file. Raises NotText."""
    if sample.startswith(codecs.BOM_UTF8):
        return Found("utf-8-sig", 1.0)
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Found("utf-16", 1.0)
    if wide := _wide(sample):
        return wide
    if sample.count(0) > len(sample) / 10:
        raise NotText
    if _decoded(sample, "utf-8") is not None:
        return Found("utf-8-sig", 1.0 if sample.isascii() else 0.99)
    return _legacy(sample)


def delimiter_of(text: str) -> str:
    """The delimiter by which most lines have the same number of cells, and more than one."""
    best, best_score = ",", 0.0
    lines = text.splitlines()[:60]
    for delimiter in DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if widths:
            width, times = Counter(widths).most_common(1)[0]
            score = times / len(widths) * min(width - 1, 3)
            if score > best_score:
                best, best_score = delimiter, score
    return best


def looks_like_names(cells: list[str]) -> bool:
    """A line of names has no empty cell, no cell twice, no number and no address."""
    plain = [cell.strip() for cell in cells]
    return (
        all(plain)
        and len(set(plain)) == len(plain)
        and not any("@" in cell or cell[:1].isdigit() for cell in plain)
    )


def _wide(sample: bytes) -> Found | None:
    """UTF-16 without a mark: in Latin text, every other byte is zero."""
    half = max(1, len(sample) // 2)
    even, odd = sample[0::2].count(0) / half, sample[1::2].count(0) / half
    if max(even, odd) > 0.2 and min(even, odd) < 0.02:
        return Found("utf-16-le" if odd > even else "utf-16-be", 0.9)
    return None


def _legacy(sample: bytes) -> Found:
    scores = {
        "gb18030": _chinese(_decoded(sample, "gb18030"), SIMPLIFIED),
        "big5": _chinese(_decoded(sample, "big5"), TRADITIONAL),
        "cp1252": _western(_decoded(sample, "cp1252")),
    }
    encoding, score = max(scores.items(), key=lambda item: item[1])
    if not score:
        raise NotText
    second = sorted(scores.values())[-2]
    return Found(encoding, round(max(0.3, min(0.95, 0.5 + (score - second))), 2))


def _decoded(sample: bytes, encoding: str) -> str | None:
    """The text, but for a character that the end of the sample cuts; None if it is none."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return None


def _chinese(text: str | None, frequent: set[str]) -> float:
    foreign = [c for c in text or "" if ord(c) > 127]
    if not foreign:
        return 0.0
    ideographs = [c for c in foreign if "\u4e00" <= c <= "\u9fff"]
    hits = sum(c in frequent for c in ideographs)
    strange = sum(unicodedata.category(c) in ("Co", "Cn") for c in foreign)
    share = len(ideographs) / len(foreign)
    return max(0.01, 0.4 * share + 1.2 * hits / len(foreign) - strange / len(foreign))


def _western(text: str | None) -> float:
    """Accented letters stand between plain ones; Chinese read as Western comes in runs."""
    if not text:
        return 0.0
    alone = total = 0
    for before, c, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if ord(c) > 127:
            total += 1
            alone += c.isalpha() and ord(before) < 128 and ord(after) < 128
    return max(0.02, alone / total) if total else 0.0
