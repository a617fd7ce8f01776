"""Days as people name them, resolved against a given moment: 昨天, 上周五, June 17, 三天前."""

import re
from datetime import date, timedelta

from chatbot.ml.numbers import CHINESE_NUMBER, ENGLISH_NUMBER, parse

RELATIVE = {
    **{"大后天": 3, "后天": 2, "明天": 1, "明日": 1, "今天": 0, "今日": 0, "昨天": -1, "昨日": -1},
    **{"大前天": -3, "前天": -2, "day after tomorrow": 2, "day before yesterday": -2},
    **{"tomorrow": 1, "today": 0, "tonight": 0, "yesterday": -1},
}
_relative = re.compile("|".join(sorted(map(re.escape, RELATIVE), key=len, reverse=True)), re.I)
WEEKDAYS = {
    **{c: i for i, c in enumerate("一二三四五六日")},
    **{"天": 6, "末": 5},
    **{
        d: i
        for i, d in enumerate(
            ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        )
    },
}
_english_days = "|".join(d for d in WEEKDAYS if len(d) > 1)
ZH_WEEKDAY = re.compile(r"(上上|下下|上|下|这|本)?个?(?:周|星期|礼拜)([一二三四五六日天末])")
EN_WEEKDAY = re.compile(rf"\b(?:(last|next|this|on)\s+)?({_english_days})\b", re.I)
MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_month = "|".join(f"{m[:3]}(?:{m[3:]})?\\.?" for m in MONTHS)
ISO = re.compile(r"\b(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
ZH_DATE = re.compile(rf"(\d{{1,2}}|{CHINESE_NUMBER})月(\d{{1,2}}|{CHINESE_NUMBER})[日号]?")
ZH_DAY = re.compile(r"(?<![\d路街道巷弄楼栋幢座园])(\d{1,2})[号日](?!码)")
EN_DATE = re.compile(rf"\b({_month})\s+(\d{{1,2}})(?:st|nd|rd|th)?\b", re.I)
EN_DATE_2 = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?({_month})\b", re.I)
EN_DAY = re.compile(r"\bon the (\d{1,2})(?:st|nd|rd|th)\b", re.I)
AGO = re.compile(
    rf"(\d+|{CHINESE_NUMBER}|{ENGLISH_NUMBER}|an?)\s*(天|日|周|个?星期|个月|days?|weeks?|months?)\s*(?:以)?(前|之前|后|ago)",
    re.I,
)


def find(text: str, today: date) -> tuple[date, int, int] | None:
    """The first day that is named, and where. Bare weekdays mean the coming one."""
    readers = (_iso, _month_and_day, _ago, _named, _weekday, _day_of_month)
    return next((found for reader in readers if (found := reader(text, today))), None)


def _named(text: str, today: date) -> tuple[date, int, int] | None:
    match = _relative.search(text)
    if not match:
        return None
    return today + timedelta(days=RELATIVE[match.group().lower()]), *match.span()


def _iso(text: str, today: date) -> tuple[date, int, int] | None:
    match = ISO.search(text)
    return _safe(int(match[1]), int(match[2]), int(match[3]), match) if match else None


def _month_and_day(text: str, today: date) -> tuple[date, int, int] | None:
    if match := ZH_DATE.search(text):
        month, day = parse(match[1]), parse(match[2])
        return _safe(today.year, int(month or 0), int(day or 0), match)
    if match := EN_DATE.search(text):
        return _safe(today.year, _month_number(match[1]), int(match[2]), match)
    if match := EN_DATE_2.search(text):
        return _safe(today.year, _month_number(match[2]), int(match[1]), match)
    return None


def _day_of_month(text: str, today: date) -> tuple[date, int, int] | None:
    match = ZH_DAY.search(text) or EN_DAY.search(text)
    return _safe(today.year, today.month, int(match[1]), match) if match else None


def _ago(text: str, today: date) -> tuple[date, int, int] | None:
    match = AGO.search(text)
    if not match:
        return None
    count = 1 if match[1].lower() in ("a", "an") else int(parse(match[1]) or 0)
    unit = match[2].lower()
    days = 30 if "月" in unit or "month" in unit else 7 if unit[0] in "周个星w" else 1
    sign = 1 if match[3] == "后" else -1
    return today + timedelta(days=sign * count * days), *match.span()


def _weekday(text: str, today: date) -> tuple[date, int, int] | None:
    monday = today - timedelta(days=today.weekday())
    if match := ZH_WEEKDAY.search(text):
        weeks = {"上上": -2, "上": -1, "下": 1, "下下": 2}.get(match[1] or "", 0)
        return monday + timedelta(days=7 * weeks + WEEKDAYS[match[2]]), *match.span()
    if match := EN_WEEKDAY.search(text):
        day = WEEKDAYS[match[2].lower()]
        if (match[1] or "").lower() == "last":
            back = (today.weekday() - day) % 7 or 7
            return today - timedelta(days=back), *match.span()
        ahead = (day - today.weekday()) % 7
        ahead += 7 if (match[1] or "").lower() == "next" and ahead == 0 else 0
        return today + timedelta(days=ahead), *match.span()
    return None


def _month_number(name: str) -> int:
    return next(i for i, m in enumerate(MONTHS, start=1) if m[:3] == name.lower()[:3])


def _safe(year: int, month: int, day: int, match: re.Match[str]) -> tuple[date, int, int] | None:
    try:
        return date(year, month, day), *match.span()
    except ValueError:  # 31 June is no day
        return None
