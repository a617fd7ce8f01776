"""What a plugged-in language model has cost."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LlmUsage(models.Model):
    """Calls and tokens of a day: the day's budget is counted here, whatever process asks."""

    day = models.DateField(_("day"), unique=True)
    calls = models.PositiveIntegerField(_("calls"), default=0)
    tokens = models.PositiveIntegerField(_("tokens"), default=0)

    class Meta:
        verbose_name = _("use of the language model")
        verbose_name_plural = _("use of the language model")

    def __str__(self) -> str:
        return str(self.day)
