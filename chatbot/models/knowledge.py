"""What staff teach the bot: examples of intents, and answers to questions."""

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Example(models.Model):
    """A sentence and what it wants. Corrections of real messages arrive here too."""

    class Source(models.TextChoices):
        SEED = "seed", _("shipped")
        STAFF = "staff", _("entered by staff")
        CORRECTION = "correction", _("corrected message")

    text = models.CharField(_("text"), max_length=500)
    intent = models.SlugField(_("intent"), max_length=64, db_index=True)
    language = models.CharField(_("language"), max_length=2)
    source = models.CharField(_("source"), max_length=16, choices=Source, default=Source.STAFF)
    created_at = models.DateTimeField(_("created"), db_index=True)

    class Meta:
        verbose_name = _("example")
        verbose_name_plural = _("examples")
        constraints = [models.UniqueConstraint(fields=["text"], name="example_means_one_thing")]

    def __str__(self) -> str:
        return self.text[:60]


class Answer(models.Model):
    """A question that customers ask, and what the shop says to it."""

    slug = models.SlugField(_("slug"), max_length=64, unique=True)
    question_en = models.CharField(_("English question"), max_length=300, blank=True)
    question_zh = models.CharField(_("Chinese question"), max_length=300, blank=True)
    answer_en = models.TextField(_("English answer"), blank=True)
    answer_zh = models.TextField(_("Chinese answer"), blank=True)
    variants = models.JSONField(_("other ways to ask"), default=list, blank=True)
    is_active = models.BooleanField(_("in use"), default=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")

    def __str__(self) -> str:
        return self.question_in(get_language() or "en")

    def question_in(self, language: str) -> str:
        chinese = language.startswith("zh")
        return (self.question_zh if chinese else self.question_en) or (
            self.question_en or self.question_zh
        )

    def answer_in(self, language: str) -> str:
        chinese = language.startswith("zh")
        return (self.answer_zh if chinese else self.answer_en) or (self.answer_en or self.answer_zh)
