"""Numbers as people write them: 3k, 两千五, two thousand, 1.5万."""

import re

DIGITS = {**{c: i for i, c in enumerate("零一二三四五六七八九")}, "两": 2, "〇": 0, "俩": 2}
UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "w": 10_000, "k": 1000}
WORDS = {
    **{
        word: i
        for i, word in enumerate(
            ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
        )
    },
    **{"ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30},
    **{"forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90},
}
SCALES = {"hundred": 100, "thousand": 1000, "grand": 1000}
CHINESE_NUMBER = r"[零〇一二两三四五六七八九十百千万俩]+"
_word = "(?:" + "|".join([*WORDS, *SCALES]) + ")"
ENGLISH_NUMBER = rf"{_word}(?:[\s-]+(?:and\s+)?{_word})*"
SCALE = r"[kKwW](?![a-zA-Z])|万|千|百|(?:[gG]rand|[tT]housand|[hH]undred)\b"
PLAIN_NUMBER = rf"\d+(?:,\d{{3}})*(?:\.\d+)?\s*(?:{SCALE})?"
NUMBER = rf"(?:{PLAIN_NUMBER}|{CHINESE_NUMBER}|\b{ENGLISH_NUMBER}\b)"


def parse(text: str) -> float | None:
    """The value of a number in digits, Chinese or English words; None when it is none."""
    text = text.strip().lower()
    match = re.fullmatch(r"([\d,]+(?:\.\d+)?)\s*(grand|thousand|hundred|[kw万千百]?)", text)
    if match:
        return float(match[1].replace(",", "") or 0) * {**UNITS, **SCALES}.get(match[2], 1)
    if re.fullmatch(CHINESE_NUMBER, text):
        return _chinese(text)
    return _english(text)


def _chinese(text: str) -> float | None:
    total = section = digit = 0
    last_unit = 1
    for char in text:
        if char in DIGITS:
            digit = DIGITS[char]
            if char in "零〇":
                last_unit = 1
            continue
        unit = UNITS[char]
        if unit == 10_000:
            total, section, digit = (total + section + digit) * unit, 0, 0
        else:
            section, digit = section + (digit or 1) * unit, 0
        last_unit = unit
    # "两千五" is 2500: a digit left over counts a tenth of the unit before it.
    tail = digit * last_unit // 10 if last_unit > 10 else digit
    return float(total + section + tail)


def _english(text: str) -> float | None:
    total = section = 0
    words = [word for word in re.split(r"[\s-]+", text) if word != "and"]
    if not words or any(word not in WORDS and word not in SCALES for word in words):
        return None
    for word in words:
        if word in WORDS:
            section += WORDS[word]
        elif word == "hundred":
            section = (section or 1) * 100
        else:
            total, section = total + (section or 1) * 1000, 0
    return float(total + section)
