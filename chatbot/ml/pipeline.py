"""How a message is read, as two spaCy pipelines: Chinese (whatever has a Chinese character) and
English. Words come first, then what stands among them, each component after the other.

    words       the tokenizer: order numbers and names of the catalogue are one word each and never
                cut through; other Chinese is cut by rjieba, the rest at blanks and punctuation
    amounts     prices, days, sizes, ordinals and quantities of what no name has taken
    goods       names of the catalogue, wanted or excluded
    hints       aspects, channels, people, ways to return
    corrections what was said after "no, wait" replaces what was said before
    spans       all of it as `doc.spans["entities"]`, with slot, normal form and place

spaCy takes a moment to load, and 40 MB: this module is imported where a text is read
(`Lexicon.reader`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, pairwise
from threading import Lock

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.vocab import Vocab

from chatbot.ml import entities
from chatbot.ml.entities import Entity, Scene, strike_out
from chatbot.ml.lexicon import Found, Lexicon
from crm.ml.text import CHINESE, cut

SPANS = "entities"
COMPONENTS = ("amounts", "goods", "hints", "corrections", "spans")
CHUNK = re.compile(r"[a-zà-öø-ÿ]+(?:'[a-z]+)?|\d+(?:\.\d+)?|[\u3400-\u9fff]+|\s|\S", re.IGNORECASE)
_one_at_a_time = Lock()  # a vocabulary forgets new words for one reader at a time


@dataclass(frozen=True)
class Read:
    """What one text holds. Nothing of it belongs to spaCy."""

    tokens: tuple[str, ...]
    entities: tuple[Entity, ...]
    names: tuple[str, ...]  # brands and products as they were said: words of no language


@dataclass
class Draft:
    """A text half read: the names in it, what is known so far, what is still to be read."""

    lexicon: Lexicon
    text: str  # without order numbers
    edges: set[int]  # where words begin and end
    found: list[Found]
    rest: str  # what is still to be read, as long as the text
    entities: list[Entity] = field(default_factory=list)


class Reader:
    """Both pipelines on one catalogue."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    def read(self, text: str, scene: Scene) -> Read:
        """Read a normalised text. Words that were not known before are forgotten afterwards, or
        every misspelling would be kept for ever."""
        nlp = _pipeline("zh" if CHINESE.search(text) else "en")
        settings = {name: {"scene": scene} for name in COMPONENTS}
        with _one_at_a_time, nlp.memory_zone():
            nlp.tokenizer = Words(nlp.vocab, self.lexicon)
            doc = nlp(text, component_cfg=settings)
            said, draft = doc.spans[SPANS], doc.user_data["draft"]
            return Read(
                tokens=tuple(token.text for token in doc if not token.is_space),
                entities=tuple(
                    Entity(span.label_, value, span.start_char, span.end_char)
                    for span, value in zip(said, said.attrs["values"], strict=True)
                ),
                names=tuple(f.text for f in draft.found if f.slot in ("brand", "product")),
            )


@lru_cache
def _pipeline(language: str) -> Language:
    nlp = spacy.blank(language, vocab=Vocab())  # whether a word is like a URL is never asked
    for component in COMPONENTS:
        nlp.add_pipe(f"rapport_{component}", name=component)
    return nlp


class Words:
    """Cuts a text into words, and leaves a draft of the reading with the document."""

    def __init__(self, vocab: Vocab, lexicon: Lexicon) -> None:
        self.vocab, self.lexicon = vocab, lexicon

    def __call__(self, text: str) -> Doc:
        rest, orders = entities.orders(text)
        found = self.lexicon.find(rest)
        whole = sorted({(e.start, e.end) for e in orders} | {(f.start, f.end) for f in found})
        words: list[str] = []
        at = 0
        for start, end in whole:
            if start >= at:
                words += [*_words(text[at:start]), text[start:end]]
                at = end
        words += _words(text[at:])
        edges = set(accumulate(map(len, words), initial=0))
        names = [(f.start, f.end) for f in found if f.slot == "product"]
        doc = _document(self.vocab, words)
        doc.user_data["draft"] = Draft(
            self.lexicon, rest, edges, found, strike_out(rest, names), orders
        )
        return doc


def _words(text: str) -> Iterator[str]:
    for chunk in CHUNK.findall(text):
        yield from cut(chunk) if CHINESE.match(chunk) else (chunk,)


def _document(vocab: Vocab, words: list[str]) -> Doc:
    """A document of these words and blanks, whose text is theirs joined."""
    kept: list[str] = []
    spaces: list[bool] = []
    for word in words:
        if word == " " and kept and not spaces[-1] and not kept[-1].isspace():
            spaces[-1] = True
        else:
            kept.append(word)
            spaces.append(False)
    return Doc(vocab, words=kept, spaces=spaces)


@Language.component("rapport_amounts")
def _amounts(doc: Doc, *, scene: Scene) -> Doc:
    draft: Draft = doc.user_data["draft"]
    for reader in entities.AMOUNTS:
        read = reader(draft.rest, scene)
        draft.entities += read
        draft.rest = strike_out(draft.rest, [(e.start, e.end) for e in read])
    return doc


@Language.component("rapport_goods")
def _goods(doc: Doc, *, scene: Scene) -> Doc:
    draft: Draft = doc.user_data["draft"]
    draft.entities += entities.goods(draft.found, draft.text, draft.lexicon, scene)
    return doc


@Language.component("rapport_hints")
def _hints(doc: Doc, *, scene: Scene) -> Doc:
    draft: Draft = doc.user_data["draft"]
    found = entities.hints(draft.rest)
    draft.entities += entities.without_new_wishes(found, draft.entities, draft.rest)
    draft.entities += entities.size_in_stock(draft.rest, draft.entities)
    return doc


@Language.component("rapport_corrections")
def _corrections(doc: Doc, *, scene: Scene) -> Doc:
    draft: Draft = doc.user_data["draft"]
    in_order = sorted(draft.entities, key=lambda e: (e.start, e.slot))
    draft.entities = entities.corrected(draft.rest, in_order)
    return doc


@Language.component("rapport_spans")
def _spans(doc: Doc, *, scene: Scene) -> Doc:
    draft: Draft = doc.user_data["draft"]
    places = {place for e in draft.entities for place in (e.start, e.end)}
    if not places <= draft.edges:
        _cut_at(places, doc)
    spans: list[Span] = []
    values: list[object] = []
    for e in draft.entities:  # contracted: a pattern may have taken a blank with it
        if span := doc.char_span(e.start, e.end, label=e.slot, alignment_mode="contract"):
            spans.append(span)
            values.append(e.value)
    doc.spans[SPANS] = SpanGroup(doc, name=SPANS, spans=spans, attrs={"values": values})
    return doc


def _cut_at(places: set[int], doc: Doc) -> None:
    """Cut words where something begins or ends within them (第二个 says 第二, then 个)."""
    with doc.retokenize() as retokenizer:
        for token in doc:
            cuts = sorted(p - token.idx for p in places if token.idx < p < token.idx + len(token))
            if cuts:
                edges = [0, *cuts, len(token)]
                parts = [token.text[a:b] for a, b in pairwise(edges)]
                retokenizer.split(token, parts, heads=[(token, 0)] * len(parts))
