"""Every single recommender by the name that users type."""

from collections.abc import Mapping

from recommendations.ml.content import Content
from recommendations.ml.ease import Ease
from recommendations.ml.factors import Als, Bpr, TruncatedSvd
from recommendations.ml.neighbours import ItemNeighbours, UserNeighbours
from recommendations.ml.popularity import History, Popularity, Rarity
from recommendations.ml.ratings import KnnBaseline, Svd, SvdPlusPlus
from recommendations.ml.recommender import Recommender
from recommendations.ml.recurrent import Gru
from recommendations.ml.sequential import LinearTransitions, Sequential
from recommendations.ml.sessions import SessionNeighbours

KINDS: tuple[type[Recommender], ...] = (
    Popularity,
    Rarity,
    History,
    ItemNeighbours,
    UserNeighbours,
    Svd,
    SvdPlusPlus,
    KnnBaseline,
    Als,
    Bpr,
    TruncatedSvd,
    Ease,
    Content,
    Sequential,
    LinearTransitions,
    SessionNeighbours,
    Gru,
)
VOICES: Mapping[str, type[Recommender]] = {kind.name: kind for kind in KINDS}
