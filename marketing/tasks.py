"""What runs by the clock and needs every app: training, each night."""

import logging

from celery import shared_task
from django.utils import timezone

from crm.training import AlreadyTraining, Order, TooLittleData
from marketing import learning

logger = logging.getLogger(__name__)


@shared_task
def train_all() -> None:
    """Train everything on what happened until now; each promotes itself only if better."""
    now = timezone.now()
    for name in learning.trainers():
        try:
            report = learning.train(name, Order(as_of=now, now=now))
        except (AlreadyTraining, TooLittleData) as refusal:
            logger.info("%s is not trained: %s", name, refusal)
        else:
            logger.info("%s: %s", name, report["reason"])
