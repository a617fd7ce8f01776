"""What the CRM itself learns. `manage.py train NAME` and the nightly task run these by name."""

from crm.trainers.baskets import train_baskets
from crm.trainers.clusters import train_clusters
from crm.trainers.lifetime import train_lifetime
from crm.trainers.needs import train_needs
from crm.trainers.next_order import train_next_order
from crm.trainers.portrait import train_habits, train_interests, train_opinions
from crm.trainers.propensity import TRAINERS as PROPENSITIES
from crm.trainers.rfm import train_rfm
from crm.trainers.sentiment import train_sentiment
from crm.training import Trainer

TRAINERS: dict[str, Trainer] = {
    "rfm": train_rfm,
    "clusters": train_clusters,
    "lifetime": train_lifetime,
    "next_order": train_next_order,
    **PROPENSITIES,
    "baskets": train_baskets,
    "sentiment": train_sentiment,
    "needs": train_needs,
    "opinions": train_opinions,
    "interests": train_interests,
    "habits": train_habits,
}
