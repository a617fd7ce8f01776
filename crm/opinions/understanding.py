"""Make sense of what was taken down: feeling, aspects, need. Old readings are made anew when the
models or the words change, a chunk at a time; running it again changes nothing.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import transaction

from crm import artifacts, segments
from crm.ml.aspects import Side, default_rows, read, sides
from crm.ml.feelings import feel
from crm.ml.needs import NeedsClassifier, by_words
from crm.ml.sentiment import SentimentClassifier
from crm.ml.text import normalise
from crm.models import Artifact, Aspect, Mention, Opinion
from crm.opinions.noting import take_reviews

CHUNK = 500
MADE = ["label", "score", "aspects", "need", "need_confidence", "artifact", "version"]
MADE += ["understood_at"]
SIGN = {"pos": 1.0, "neg": -1.0}


@dataclass(frozen=True)
class Reader:
    """All that is needed to understand a text, as it stands now."""

    sides: Sequence[Side]
    sentiment: SentimentClassifier | None
    needs: NeedsClassifier | None
    artifact: Artifact | None
    version: str


def catch_up(*, now: datetime, most: int = 20_000) -> int:
    """Take down new reviews and understand what is not, or was by something older."""
    take_reviews()
    reader = present_reader()
    done = 0
    while done < most:
        waiting = Opinion.objects.not_of(reader.version).order_by("-pk")[:CHUNK]
        count = understand(list(waiting), reader, now=now)
        if not count:
            break
        done += count
    return done


def understand(opinions: Sequence[Opinion], reader: Reader, *, now: datetime) -> int:
    """Write what each says and its mentions; return how many."""
    if not opinions:
        return 0
    feelings = _feelings([o.text for o in opinions], reader)
    needs = _needs([o.text for o in opinions], reader)
    mentions = []
    for opinion, (label, score), (need, sure) in zip(opinions, feelings, needs, strict=True):
        found = read(opinion.text, reader.sides, overall=label)
        opinion.label, opinion.score = label, round(score, 4)
        opinion.need, opinion.need_confidence = need, round(sure, 4)
        opinion.aspects = [one.as_json() for one in found]
        opinion.artifact, opinion.version = reader.artifact, reader.version
        opinion.understood_at = now
        mentions += [
            Mention(
                opinion=opinion,
                customer_id=opinion.customer_id,
                aspect=one.aspect,
                label=one.label,
                at=opinion.at,
            )
            for one in found
        ]
    _write(opinions, mentions)
    return len(opinions)


def present_reader() -> Reader:
    sentiment = artifacts.load_serving_with_version(SentimentClassifier)
    needs = artifacts.load_serving_with_version(NeedsClassifier)
    known = lexicon()
    words = json.dumps([(s.slug, s.words, s.praise, s.blame) for s in known], ensure_ascii=False)
    digest = hashlib.sha256(words.encode()).hexdigest()[:10]
    version = f"{sentiment[1].pk if sentiment else 0}/{needs[1].pk if needs else 0}/{digest}"
    return Reader(
        known,
        sentiment[0] if sentiment else None,
        needs[0] if needs else None,
        sentiment[1] if sentiment else None,
        version,
    )


def lexicon() -> list[Side]:
    """Aspects as staff wrote them; the shipped ones where there is no row at all."""
    rows = list(Aspect.objects.values_list("slug", "words", "praise", "blame", "is_active"))
    if not rows:
        return _shipped()
    return sides((slug, *lists) for slug, *lists, is_active in rows if is_active)


@lru_cache(maxsize=1)
def _shipped() -> list[Side]:
    return sides(default_rows())


def _feelings(texts: Sequence[str], reader: Reader) -> list[tuple[str, float]]:
    if reader.sentiment is None:
        felt = [feel(normalise(text)) for text in texts]
        return [(one.label, one.score) for one in felt]
    from crm.encoder import encode_openings

    dense = encode_openings(texts) if reader.sentiment.uses_embeddings else None
    judged = reader.sentiment.predict(texts, dense)
    return [
        (one.label, sum(SIGN.get(label, 0.0) * chance for label, chance in one.chances.items()))
        for one in judged
    ]


def _needs(texts: Sequence[str], reader: Reader) -> list[tuple[str, float]]:
    if reader.needs is None:
        return [by_words(text) for text in texts]
    from crm.encoder import encode_openings

    dense = encode_openings(texts) if reader.needs.uses_embeddings_ else None
    return reader.needs.predict(texts, dense)


@transaction.atomic
def _write(opinions: Sequence[Opinion], mentions: Sequence[Mention]) -> None:
    Mention.objects.filter(opinion__in=opinions).delete()
    Opinion.objects.bulk_create(
        opinions, update_conflicts=True, unique_fields=["source", "key"], update_fields=MADE
    )
    Mention.objects.bulk_create(mentions, ignore_conflicts=True)
    segments.touch({opinion.customer_id for opinion in opinions}, "opinions")
