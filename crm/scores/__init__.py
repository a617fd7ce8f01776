"""What we know of each customer in numbers: RFM, cluster, lifetime value, and who belongs where.

Everything is computed set by set as of a moment, never customer by customer. A label of a score
is also a segment: its members are the customers whose newest score carries the label.
"""

from crm.models import Customer, Score
from crm.scores.bought import Purchases, purchases
from crm.scores.clusters import FEATURES, cluster_features, refresh_clusters
from crm.scores.lifetime import lifetime_summary, refresh_lifetime
from crm.scores.next_order import refresh_next_order, rhythm
from crm.scores.propensity import refresh_propensity, sentences
from crm.scores.rfm import fold_rfm, refresh_rfm

__all__ = [
    "FEATURES",
    "Purchases",
    "cluster_features",
    "fold_rfm",
    "lifetime_summary",
    "of_customer",
    "purchases",
    "refresh_clusters",
    "refresh_lifetime",
    "refresh_next_order",
    "refresh_propensity",
    "refresh_rfm",
    "rhythm",
    "sentences",
]


def of_customer(customer: Customer) -> dict[str, Score]:
    """The newest scores of one customer by name. One query."""
    return {score.name: score for score in customer.scores.all()}
