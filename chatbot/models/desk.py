"""The staff at their desk: who is there, what they note for each other, what they often say."""

import re

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from chatbot.models.dialogue import Conversation

SHORTCUT = re.compile(r"^[\w-]+$")


class Presence(models.Model):
    """When a member of staff was last seen at the desk. The open page keeps it fresh."""

    staff = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="presence", primary_key=True
    )
    seen_at = models.DateTimeField(_("last seen"), db_index=True)
    is_away = models.BooleanField(_("away"), default=False)
    given_at = models.DateTimeField(_("last given a chat"), null=True, blank=True)

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presences")

    def __str__(self) -> str:
        return str(self.staff)


class Note(models.Model):
    """What staff write for each other. It is no message: no socket and no API ever reads it."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    text = models.TextField(_("text"))
    created_at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        indexes = [models.Index(fields=["conversation", "id"], name="note_of_conversation")]

    def __str__(self) -> str:
        return self.text[:60]


class CannedAnswer(models.Model):
    """What staff say often, put in with /shortcut. {name}, {agent}, {order} are filled in."""

    shortcut = models.CharField(
        _("shortcut"),
        max_length=40,
        unique=True,
        validators=[RegexValidator(SHORTCUT, _("Letters, digits, - and _ only."))],
        help_text=_("Typed after a slash: /hello"),
    )
    text_en = models.TextField(_("English text"), blank=True, max_length=2000)
    text_zh = models.TextField(
        _("Chinese text"),
        blank=True,
        max_length=2000,
        help_text=_(
            "{name}, {agent} and {order} stand for the customer, you, and their last order."
        ),
    )
    is_active = models.BooleanField(_("in use"), default=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("canned answer")
        verbose_name_plural = _("canned answers")

    def __str__(self) -> str:
        return f"/{self.shortcut}"

    def text_in(self, language: str) -> str:
        chinese = language.startswith("zh")
        return (self.text_zh if chinese else self.text_en) or (self.text_en or self.text_zh)
