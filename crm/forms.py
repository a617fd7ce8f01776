"""Forms of the admin: what a person may save, checked where they can still mend it."""

from typing import Any

from django import forms
from django.utils import timezone

from crm import segments
from crm.models import Segment


class SegmentForm(forms.ModelForm):
    class Meta:
        model = Segment
        fields = "__all__"  # noqa: DJ007  (the admin chooses the fields)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("kind") == Segment.Kind.RULE:
            try:
                segments.matching(cleaned.get("rule") or {}, now=timezone.now())
            except segments.BadRule as bad:
                self.add_error("rule", str(bad))
        return cleaned
