"""What a customer agreed to receive, where, and how we know."""

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.models.customers import Customer


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")
    WECHAT = "wechat", _("WeChat")
    WHATSAPP = "whatsapp", _("WhatsApp")
    CHAT = "chat", _("Web chat")


class Topic(models.Model):
    """Something that a customer can subscribe to."""

    slug = models.SlugField(unique=True)
    name_en = models.CharField(_("English name"), max_length=100)
    name_zh = models.CharField(_("Chinese name"), max_length=100)

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")

    def __str__(self) -> str:
        return self.name_zh if (get_language() or "").startswith("zh") else self.name_en


class Consent(models.Model):
    """The present answer of one customer for one channel and topic."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="consents", db_index=False)
    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    topic = models.ForeignKey(Topic, models.CASCADE)
    is_granted = models.BooleanField(_("granted"))
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "channel", "topic"], name="one_answer_per_channel_and_topic"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.topic_id}: {'yes' if self.is_granted else 'no'}"


class ConsentChange(models.Model):
    """Each answer ever given, with its evidence. Rows are only ever added."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="consent_changes")
    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    topic = models.ForeignKey(Topic, models.CASCADE)
    is_granted = models.BooleanField(_("granted"))
    source = models.CharField(_("source"), max_length=64)
    evidence = models.JSONField(_("evidence"), default=dict)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("consent change")
        verbose_name_plural = _("consent changes")
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"#{self.pk} {self.channel}"


class Suppression(models.Model):
    """An address that must not be written to, whoever owns it."""

    class Reason(models.TextChoices):
        BOUNCE = "bounce", _("bounced")
        COMPLAINT = "complaint", _("complained of spam")
        STAFF = "staff", _("entered by staff")

    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    address = models.CharField(_("address"), max_length=255)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        constraints = [
            models.UniqueConstraint(fields=["channel", "address"], name="suppressed_once")
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.address}"
