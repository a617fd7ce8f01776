"""Files that staff bring in: how they are read, how far the import is, what was rejected."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Import(models.Model):
    """One file on its way in. A chunk of rows and the position after it are written together."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("uploaded")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class DateOrder(models.TextChoices):
        YEAR_FIRST = "ymd", _("year, month, day: 2026-01-31")
        DAY_FIRST = "dmy", _("day, month, year: 31.01.2026")
        MONTH_FIRST = "mdy", _("month, day, year: 01/31/2026")

    format = models.CharField(_("what it holds"), max_length=32)
    name = models.CharField(_("file"), max_length=200)
    path = models.CharField(max_length=100, blank=True)  # below MEDIA_ROOT; empty once deleted
    size = models.BigIntegerField(_("bytes"))
    lines = models.BigIntegerField(_("lines"))
    encoding = models.CharField(_("encoding"), max_length=16)
    confidence = models.FloatField(_("confidence"), default=1.0)
    delimiter = models.CharField(_("delimiter"), max_length=1, default=",")
    has_header = models.BooleanField(_("the first line holds names"), default=True)
    mapping: "models.JSONField[dict[str, str]]" = models.JSONField(_("columns"), default=dict)
    date_order = models.CharField(
        _("dates"), max_length=3, choices=DateOrder, default=DateOrder.YEAR_FIRST
    )
    decimal_comma = models.BooleanField(_("numbers are written 1.234,50"), default=False)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.UPLOADED)
    error = models.CharField(_("error"), max_length=300, blank=True)
    position = models.BigIntegerField(_("rows read"), default=0)
    line = models.BigIntegerField(_("line"), default=0)
    created = models.BigIntegerField(_("new rows"), default=0)
    updated = models.BigIntegerField(_("updated"), default=0)
    unchanged = models.BigIntegerField(_("unchanged"), default=0)
    rejected = models.BigIntegerField(_("rejected"), default=0)
    worker = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("started by"),
    )
    uploaded_at = models.DateTimeField(_("uploaded at"))
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")

    def __str__(self) -> str:
        return self.name

    @property
    def percent(self) -> int:
        if self.state == self.State.DONE:
            return 100
        return min(99, round(100 * self.line / self.lines)) if self.lines else 0

    def as_report(self) -> dict[str, Any]:
        names = ("created", "updated", "unchanged", "rejected")
        counts = {name: getattr(self, name) for name in names}
        return {"read": sum(counts.values()), **counts}


class RejectedRow(models.Model):
    """A row of an import that could not be used, as it stood in the file, with the reason."""

    of = models.ForeignKey(Import, models.CASCADE, related_name="rejects", db_index=False)
    line = models.BigIntegerField(_("line"))
    reason = models.CharField(_("reason"), max_length=300)
    cells: "models.JSONField[list[str]]" = models.JSONField(_("row"), default=list)

    class Meta:
        verbose_name = _("rejected row")
        verbose_name_plural = _("rejected rows")
        indexes = [models.Index(fields=["of", "id"], name="rejects_in_order")]

    def __str__(self) -> str:
        return f"{self.line}: {self.reason}"
