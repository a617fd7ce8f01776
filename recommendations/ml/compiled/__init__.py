"""Single voices in the form in which they serve one customer at a time.

For one customer a voice is a handful of products of short arrays, and nearly all time goes into
moving memory. So what is the same for everybody is standardised once; factors are standardised
from their mean and covariance, without making scores; dense rows are added in place, one row of
the mapped file at a time; sparse rows are counted together. Any other voice is asked as it is.

Scores are those of the estimators to the fifth digit (tested), in float32.
"""

from collections.abc import Callable
from typing import Any

from recommendations.ml.compiled.customers import Sessions, Users
from recommendations.ml.compiled.factors import Factors, FoldedIn, Projected
from recommendations.ml.compiled.items import After, Alike, AsItIs, Leading, Same, Taught, Written
from recommendations.ml.compiled.voice import Compiled, Heard, Row, moments
from recommendations.ml.content import Content
from recommendations.ml.ease import Ease
from recommendations.ml.factors import ImplicitFactors, TruncatedSvd
from recommendations.ml.neighbours import ItemNeighbours, UserNeighbours
from recommendations.ml.popularity import Popularity
from recommendations.ml.recommender import Recommender
from recommendations.ml.sequential import LinearTransitions, Sequential
from recommendations.ml.sessions import SessionNeighbours

__all__ = ["Compiled", "Factors", "Heard", "Row", "compiled", "moments"]

FORMS: tuple[tuple[type[Recommender], Callable[[Any], Compiled]], ...] = (
    (Popularity, Same),
    (Ease, Taught),
    (LinearTransitions, Leading),
    (ItemNeighbours, Alike),
    (Sequential, After),
    (ImplicitFactors, FoldedIn),
    (TruncatedSvd, Projected),
    (UserNeighbours, Users),
    (SessionNeighbours, Sessions),
    (Content, Written),
)


def compiled(voice: Recommender) -> Compiled:
    """The fastest form of a voice."""
    form = next((form for kind, form in FORMS if isinstance(voice, kind)), AsItIs)
    return form(voice)
