"""What staff are asked to do for a customer: a journey came to a point where a person is needed."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models.journeys import Passage
from crm.models import Customer


class StaffTaskQuerySet(models.QuerySet["StaffTask"]):
    def open(self) -> "StaffTaskQuerySet":
        return self.filter(done_at=None)


class StaffTask(models.Model):
    """One thing to be done for one customer. `key` names the step of the passage that asked."""

    key = models.CharField(max_length=64, unique=True, editable=False)
    passage = models.ForeignKey(
        Passage, models.SET_NULL, null=True, related_name="tasks", editable=False
    )
    customer = models.ForeignKey(
        Customer,
        models.CASCADE,
        related_name="staff_tasks",
        db_index=False,
        verbose_name=_("customer"),
    )
    title = models.CharField(_("what is to be done"), max_length=100)
    group = models.ForeignKey(
        Group, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("for whom")
    )
    due_at = models.DateTimeField(_("due"))
    done_at = models.DateTimeField(_("done"), null=True, editable=False)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("done by"),
    )
    created_at = models.DateTimeField(_("created"), editable=False)

    objects = StaffTaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task for staff")
        verbose_name_plural = _("tasks for staff")
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="staff_task_open", condition=Q(done_at=None)
            ),
            models.Index(fields=["customer", "-created_at"], name="staff_task_of_customer"),
        ]

    def __str__(self) -> str:
        return self.title

    def is_late(self, now: datetime) -> bool:
        return self.done_at is None and self.due_at < now
