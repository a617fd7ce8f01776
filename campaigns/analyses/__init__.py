"""Subjects of the analyst's bench that campaigns answer."""

from campaigns.analyses.attribution import ATTRIBUTION
from campaigns.analyses.bandit import BANDIT
from campaigns.analyses.click import CLICK
from campaigns.analyses.experiment import EXPERIMENT
from campaigns.analyses.fairness import FAIRNESS
from campaigns.analyses.journey import JOURNEY
from campaigns.analyses.policy import POLICY
from campaigns.analyses.sendtime import SEND_TIME
from campaigns.analyses.uplift import UPLIFT

SUBJECTS = {
    "attribution": ATTRIBUTION,
    "bandit": BANDIT,
    "experiment": EXPERIMENT,
    "fairness": FAIRNESS,
    "click": CLICK,
    "journey": JOURNEY,
    "policy": POLICY,
    "send-time": SEND_TIME,
    "uplift": UPLIFT,
}
