"""What staff may enter: a template has to parse before it is kept."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from unfold.widgets import UnfoldAdminSelectWidget

from campaigns import rendering
from campaigns.journeys import kinds, recipes
from campaigns.models import Campaign, Journey, Template


class TemplateForm(forms.ModelForm):
    class Meta:
        model = Template
        fields = "__all__"
        help_texts = dict.fromkeys(
            ("body_en", "body_zh"),
            _lazy(
                "HTML with Liquid in it. A body that begins with <mjml> is MJML, and becomes a "
                "mail that suits phones as well. Text messages are sent as plain text."
            ),
        )

    def clean(self) -> dict[str, Any]:
        """Each field that does not parse says so itself, with the line."""
        cleaned = super().clean() or {}
        names = {field.name for field in Template._meta.fields}
        draft = Template(**{name: value for name, value in cleaned.items() if name in names})
        for field_name, error in rendering.errors(draft).items():
            message = _("Line %(line)s: %(why)s") % {"line": error.line, "why": error.why}
            self.add_error(field_name, message)
        return cleaned


class CampaignForm(forms.ModelForm):
    class Meta:
        model = Campaign
        fields = "__all__"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("quiet_from")) != bool(cleaned.get("quiet_until")):
            self.add_error("quiet_until", _("Quiet hours need a beginning and an end."))
        return cleaned


class JourneyForm(forms.ModelForm):
    recipe = forms.ChoiceField(label=_lazy("begin with"), required=False)

    class Meta:
        model = Journey
        fields = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        events = [("", "–"), *kinds.KINDS.items()]
        for name in ("goal_event", "exit_event"):
            if name in self.fields:
                self.fields[name].widget = UnfoldAdminSelectWidget(choices=events)
        if "recipe" in self.fields:
            choices = [(code, one.name) for code, one in recipes.RECIPES.items()]
            self.fields["recipe"].choices = choices  # type: ignore[attr-defined]
            self.fields["recipe"].widget = UnfoldAdminSelectWidget(choices=choices)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("quiet_from")) != bool(cleaned.get("quiet_until")):
            self.add_error("quiet_until", _("Quiet hours need a beginning and an end."))
        for name in ("goal_event", "exit_event"):
            if cleaned.get(name) and cleaned[name] not in kinds.KINDS:
                said = {"kind": cleaned[name]}
                self.add_error(name, _("nobody tells of “%(kind)s”") % said)
        return cleaned


class PreviewForm(forms.Form):
    """As whom to look at it: a customer's number or address."""

    customer = forms.CharField(required=False, max_length=255)
    language = forms.ChoiceField(
        required=False, choices=[("", ""), ("en", "English"), ("zh-hans", "中文")]
    )
