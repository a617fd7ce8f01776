"""What is said: templates in both languages."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Channel


class Template(models.Model):
    """A message in Liquid. A language that is left empty falls back to the other."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    channel = models.CharField(_("channel"), max_length=16, choices=Channel, default=Channel.EMAIL)
    subject_en = models.CharField(_("English subject"), max_length=300, blank=True)
    body_en = models.TextField(_("English body"), blank=True)
    text_en = models.TextField(_("English plain text"), blank=True)
    subject_zh = models.CharField(_("Chinese subject"), max_length=300, blank=True)
    body_zh = models.TextField(_("Chinese body"), blank=True)
    text_zh = models.TextField(_("Chinese plain text"), blank=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")

    def __str__(self) -> str:
        return self.name

    def language_for(self, wanted: str) -> str:
        """The language ("en" or "zh") in which this template speaks to a reader of `wanted`."""
        first, second = ("zh", "en") if wanted.startswith("zh") else ("en", "zh")
        has_only_second = getattr(self, f"body_{second}") and not getattr(self, f"body_{first}")
        return second if has_only_second else first
