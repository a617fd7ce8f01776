"""English sentences that were kept, said again in the reader's language.

What writes a reason for a file or a log writes it in English. A sentence is recognised by its
form; one that has none is shown as it is.
"""

import re
from collections.abc import Callable, Sequence
from functools import cached_property

from django.utils.translation import gettext as _

HOLE = re.compile(r"%\\\((\w+)\\\)s")  # as re.escape leaves it


class Phrases:
    """The forms that sentences may have, marked for translation where they are listed.

    A form that begins like another one and goes on longer stands before it.
    """

    def __init__(self, *forms: str) -> None:
        self.forms = forms

    def said(self, sentence: str, **words: Callable[[str], str]) -> str:
        """The sentence in the present language; `words` name what fills a hole."""
        for form, pattern in self._patterns:
            if found := pattern.fullmatch(sentence):
                told = {
                    hole: words[hole](text) if hole in words else text
                    for hole, text in found.groupdict().items()
                }
                return _(form) % told
        return sentence

    @cached_property
    def _patterns(self) -> Sequence[tuple[str, re.Pattern[str]]]:
        return [
            (form, re.compile(HOLE.sub(r"(?P<\1>.+?)", re.escape(form)), re.DOTALL))
            for form in self.forms
        ]
