"""What to choose for whom while still learning what works: policies behind one contract.

Each gives the chance of every eligible action in closed form, so that what was logged can later be
weighed by it. `base.py` holds the contract.
"""

from campaigns.ml.policies.base import Policy, drawn
from campaigns.ml.policies.fixed import Uniform, Weighted
from campaigns.ml.policies.linear import LinUCB
from campaigns.ml.policies.logistic import LogisticThompson, LogisticUCB
from campaigns.ml.policies.thompson import Thompson

POLICIES: dict[str, type[Policy]] = {
    kind.name: kind for kind in (Uniform, Weighted, Thompson, LinUCB, LogisticUCB, LogisticThompson)
}

__all__ = [
    "POLICIES",
    "LinUCB",
    "LogisticThompson",
    "LogisticUCB",
    "Policy",
    "Thompson",
    "Uniform",
    "Weighted",
    "drawn",
]
