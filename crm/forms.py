"""Forms of the admin: what a person may save, checked where they can still mend it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from crm.models import Segment
from crm.segments import BadRule, editor, suggestions
from crm.segments.checking import checked
from crm.segments.scalars import MAX_TEXT

LARGEST_FILE = 5_000_000  # bytes of ids or addresses


class RuleEditor(forms.Textarea):
    """A rule as sentences with choices; a script draws it over the JSON."""

    class Media:
        js = ["crm/rule_editor.js"]
        css = {"all": ["crm/segments.css"]}  # noqa: RUF012  (Django's own way)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        context = {
            "name": name,
            "value": value if value not in (None, "null") else "{}",
            "id": (attrs or {}).get("id", f"id_{name}"),
            "url": reverse("admin:crm_segment_estimate"),
            "grammar": {**editor.grammar(), "suggestions": _suggestions()},
        }
        return render_to_string("crm/rule_editor.html", context)


class SegmentForm(forms.ModelForm):
    rule = forms.JSONField(widget=RuleEditor, required=False, label=_("Rule"))

    class Meta:
        model = Segment
        fields = "__all__"  # noqa: DJ007  (the admin chooses the fields)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields and not self.instance.pk:
            staff_make = (Segment.Kind.RULE, Segment.Kind.STATIC, Segment.Kind.RANDOM)
            self.fields["kind"].choices = [(kind, kind.label) for kind in staff_make]  # type: ignore[attr-defined]
            self.fields["kind"].initial = Segment.Kind.RULE

    def clean_rule(self) -> dict[str, Any]:
        return self.cleaned_data.get("rule") or {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind = cleaned.get("kind") or self.instance.kind
        if kind in Segment.RULED and "rule" in cleaned:
            try:
                checked(cleaned["rule"], of=Segment(slug=cleaned.get("slug") or self.instance.slug))
            except BadRule as bad:
                self.add_error("rule", str(bad))
        return cleaned


class MembersForm(forms.Form):
    """Customers to put into a segment or take out of it, pasted or from a file."""

    lines = forms.CharField(
        label=_("E-mail addresses, user ids or phone numbers, one a line"),
        widget=forms.Textarea(attrs={"rows": 8, "class": "rule-paste"}),
        required=False,
    )
    file = forms.FileField(
        label=_("Or a text file with one a line (of a CSV the first column)"), required=False
    )

    def wanted(self) -> list[str]:
        """Every line, from both places."""
        found = self.cleaned_data["lines"].splitlines()
        if upload := self.cleaned_data["file"]:
            text = upload.read().decode("utf-8-sig", "replace")
            found += [line.split(",")[0].strip(' "') for line in text.splitlines()]
        return [line[:MAX_TEXT] for line in found if line.strip()]

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        if upload and upload.size > LARGEST_FILE:
            raise ValidationError(_("The file is too large."))
        return upload


def _suggestions() -> list[dict[str, Any]]:
    return [
        {
            "slug": slug,
            "name": name_zh if (translation.get_language() or "").startswith("zh") else name_en,
            "name_en": name_en,
            "name_zh": name_zh,
            "rule": rule,
        }
        for slug, name_en, name_zh, rule in suggestions.SUGGESTIONS
    ]
