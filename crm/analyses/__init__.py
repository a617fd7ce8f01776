"""Subjects of the analyst's bench that the CRM itself answers."""

from crm.analyses.clusters import CLUSTERS
from crm.analyses.lifetime import LIFETIME
from crm.analyses.propensity import PROPENSITY
from crm.analyses.rfm import RFM
from crm.analyses.rules import RULES
from crm.analyses.sentiment import SENTIMENT

SUBJECTS = {
    "rfm": RFM,
    "clusters": CLUSTERS,
    "lifetime": LIFETIME,
    "propensity": PROPENSITY,
    "rules": RULES,
    "sentiment": SENTIMENT,
}
