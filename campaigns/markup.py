"""HTML of a message: its links sent by way of us, and its words as plain text."""

import html
import re
from collections.abc import Callable
from functools import lru_cache
from html.parser import HTMLParser
from itertools import zip_longest
from typing import Any

_HREF = re.compile(r"""(<a\s[^<>]{0,500}?\bhref\s*=\s*)(["'])(https?://[^"'<>]{1,4000})\2""", re.I)
_ADDRESS = re.compile(r"https?://[^\s<>\"]{1,4000}")
# The standard library's reader goes to the end of the source for each of these.
_NEVER_CLOSED = re.compile(r"<([^<>]*)(?=<|$)", re.S)
_SPACE = re.compile(r"\s+")
_GAPS = re.compile(r"\n{3,}")
# Tags that end where they seem to, and whose inside is HTML like any other.
_TAG = re.compile(
    r"""(</?(?!(?:script|style|head|title|textarea|plaintext|xmp|iframe|noembed|noframes|noscript)\b)"""
    r"""[a-z][a-z0-9]*(?:\s+[a-z][a-z0-9-]*="[^"<>]*")*\s*/?>)""",
    re.I,
)
_BREAKS = {"p", "br", "tr", "li", "div", "h1", "h2", "h3", "table", "ul", "ol"}
_SILENT = {"style", "script", "head", "title"}


def rewrite_links(source: str, change: Callable[[str], str]) -> str:
    """Pass the address of every link through `change`; the rest stays as it is."""

    def swap(match: re.Match[str]) -> str:
        start, quote, address = match.groups()
        return f"{start}{quote}{html.escape(change(html.unescape(address)))}{quote}"

    return _HREF.sub(swap, source)


def rewrite_addresses(text: str, change: Callable[[str], str]) -> str:
    """Pass every web address in plain text through `change`."""

    def swap(match: re.Match[str]) -> str:
        address = match.group().rstrip(".,;:!?)）。，；：！？")
        return change(address) + match.group()[len(address) :]

    return _ADDRESS.sub(swap, text)


def to_text(source: str) -> str:
    """The words of HTML, a line for each block, with the addresses of its links behind them."""
    reader = _Words()
    if (pieces := _simple(source)) is None:
        reader.feed(_NEVER_CLOSED.sub(r"&lt;\1", _without_comments(source)))
        reader.close()
    else:
        _read_simple(reader, pieces)
    lines = [" ".join(line.split()) for line in "".join(reader.words).splitlines()]
    return _GAPS.sub("\n\n", "\n".join(lines)).strip()


def _simple(source: str) -> list[str] | None:
    """Words and tags in turn, or None for HTML that takes a real reader to take apart."""
    pieces = _TAG.split(source)
    return None if any("<" in words for words in pieces[::2]) else pieces


def _read_simple(reader: "_Words", pieces: list[str]) -> None:
    """What the library does with these tags, which are the same in every message, remembered."""
    for words, tag in zip_longest(pieces[::2], pieces[1::2]):
        if words:
            reader.handle_data(html.unescape(words) if "&" in words else words)
        for step, *arguments in _steps(tag) if tag else ():
            getattr(reader, step)(*arguments)


@lru_cache(maxsize=2048)
def _steps(tag: str) -> list[tuple[Any, ...]]:
    """Which of its handlers the library's reader calls for one tag, with which arguments."""
    recorder = _Recorder()
    recorder.feed(tag)
    recorder.close()
    return recorder.steps


def _without_comments(source: str) -> str:
    kept, at = [], 0
    while (start := source.find("<!--", at)) >= 0 and (end := source.find("-->", start)) >= 0:
        kept.append(source[at:start])
        at = end + 3
    return "".join(kept) + source[at:]


class _Recorder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.steps: list[tuple[Any, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.steps.append(("handle_starttag", tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.steps.append(("handle_endtag", tag))


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._href, self._before = "", 0
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag == "a":
            self._href, self._before = dict(attrs).get("href") or "", len(self.words)
        if tag in _BREAKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0
        if tag == "a":
            has_words = "".join(self.words[self._before :]).strip()
            if has_words and self._href.startswith("http"):  # around a picture it says nothing
                self.words.append(f" {self._href} ")
            self._href = ""
        if tag in _BREAKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(_SPACE.sub(" ", data))
