"""Segments: a list that says what is fresh, a page that says who is in and why, an editor."""

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action, display

from crm import segment_page, segments
from crm.forms import MembersForm, SegmentForm
from crm.listing import FastAdmin, ReadOnlyAdmin
from crm.models import Membership, Segment
from crm.segments import byhand, checking, estimates, freshness, overview, sentences

UNKNOWN_SHOWN = 20


class SegmentList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        """Look up how fresh all shown segments are with two queries."""
        super().get_results(request)
        shown = list(self.result_list)
        found = freshness.of_all(shown, now=timezone.now())
        for segment in shown:
            segment.freshness = found[segment.pk]
        self.result_list = shown


@admin.register(Segment)
class SegmentAdmin(FastAdmin):
    form = SegmentForm
    list_display = ["__str__", "kind", "size", "fresh", "refreshed_at"]
    list_filter = ["kind"]
    search_fields = ["name_en", "name_zh", "slug"]
    actions_detail = ["refresh_now", "members_by_hand"]
    ordering = ["kind", "-size", "pk"]
    change_form_before_template = "crm/segment.html"
    fieldsets = [
        (None, {"fields": [("name_en", "name_zh"), ("slug", "kind"), "rule"]}),
        (
            _("Description"),
            {"fields": ["description_en", "description_zh"], "classes": ["collapse"]},
        ),
    ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SegmentList

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["slug", "kind"] if obj else []  # campaigns and rules know it by these

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return {} if obj else {"slug": ["name_en"]}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A segment that scores or staff fill has no rule to edit."""
        if obj is None or obj.kind in Segment.RULED:
            return self.fieldsets
        return [(None, {"fields": [("name_en", "name_zh"), ("slug", "kind")]}), self.fieldsets[1]]

    @display(
        description=_("freshness"),
        label={"fresh": "success", "stale": "warning", "broken": "danger"},
    )
    def fresh(self, segment: Segment) -> tuple[str, str]:
        found: freshness.Freshness | None = getattr(segment, "freshness", None)
        if found is None or found.is_fresh:
            return "fresh", str(_("up to date"))
        return "broken" if segment.problem else "stale", found.why

    # Pages ------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [
            path("estimate/", view(require_POST(self.estimate)), name="crm_segment_estimate"),
            path("<int:pk>/panel/<slug:name>/", view(self.panel), name="crm_segment_panel"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        segment = self.get_object(request, object_id)
        more: dict[str, Any] = {}
        if isinstance(segment, Segment):
            now = timezone.now()
            more = {
                "segment": segment,
                "uses": list(segment_page.uses(segment)),
                "panels": segment_page.of(segment, now=now),
                **overview.of(segment, now),
            }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | more)

    def panel(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """One part of the page, for a page that asks for it later."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            segment = get_object_or_404(Segment, pk=pk)
            panel = segment_page.one(name, segment, now=timezone.now())
        except segment_page.UnknownPanel:
            raise Http404 from None
        return render(request, panel["template"], {"panel": panel, **panel})

    def estimate(self, request: HttpRequest) -> JsonResponse:
        """What the editor asks at every pause: how many, in which words, and what is wrong."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            asked = json.loads(request.body or b"{}")
            rule, slug = asked.get("rule"), str(asked.get("slug") or "")
        except (ValueError, AttributeError):
            rule, slug = None, ""
        return JsonResponse(_told(rule, slug))

    @action(description=_("Refresh now"), icon="refresh")
    def refresh_now(self, request: HttpRequest, object_id: int) -> HttpResponse:
        segment = get_object_or_404(Segment, pk=object_id)
        if segment.kind == Segment.Kind.STATIC:
            self.message_user(request, _("Staff decide who is in this segment."), messages.INFO)
        elif segment.kind not in Segment.RULED:
            self.message_user(
                request, _("Scores make this segment; it follows the next scoring."), messages.INFO
            )
        else:
            self._refresh(request, segment)
        return redirect(request.META.get("HTTP_REFERER") or "..")

    def _refresh(self, request: HttpRequest, segment: Segment) -> None:
        try:
            change = segments.refresh(segment, now=timezone.now())
        except segments.BadRule as bad:
            self.message_user(request, str(bad), messages.ERROR)
        else:
            self.message_user(
                request,
                _("%(in)s entered, %(out)s left.") % {"in": change.entered, "out": change.left},
            )

    @action(description=_("Add or remove members"), icon="group_add", permissions=["by_hand"])
    def members_by_hand(self, request: HttpRequest, object_id: int) -> HttpResponse:
        segment = get_object_or_404(Segment, pk=object_id)
        form = MembersForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            self._move(request, segment, form.wanted())
            return redirect(reverse("admin:crm_segment_change", args=[segment.pk]))
        context = self.admin_site.each_context(request) | {
            "title": _("Members of “%(name)s”") % {"name": segment},
            "original": segment,
            "opts": self.opts,
            "form": form,
        }
        return render(request, "crm/segment_members.html", context)

    def has_by_hand_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not self.has_change_permission(request):
            return False
        static = Segment.objects.filter(kind=Segment.Kind.STATIC)
        return object_id is None or static.filter(pk=object_id).exists()

    def _move(self, request: HttpRequest, segment: Segment, wanted: list[str]) -> None:
        now, found = timezone.now(), byhand.find(wanted)
        if "remove" in request.POST:
            moved = byhand.remove(segment, found.ids, now=now)
            text = _("%(number)s removed.") % {"number": moved}
        else:
            moved = byhand.add(segment, found.ids, by=request.user.get_username(), now=now)
            text = _("%(number)s added.") % {"number": moved}
        self.message_user(request, text)
        if found.unknown:
            some = ", ".join(found.unknown[:UNKNOWN_SHOWN])
            told = {"number": len(found.unknown), "some": some}
            self.message_user(
                request, _("Nobody is known as (%(number)s): %(some)s") % told, messages.WARNING
            )

    def save_model(self, request: HttpRequest, obj: Segment, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if obj.kind in Segment.RULED:
            # After the commit: whoever fills segments must not wait for this row.
            transaction.on_commit(lambda: self._refresh(request, obj))


def _told(rule: Any, slug: str) -> dict[str, Any]:
    try:
        part = checking.checked(rule, of=Segment(slug=slug))
        told: dict[str, Any] = {
            "sentences": sentences.in_both(rule),
            "warnings": checking.warnings(part),
        }
    except segments.BadRule as bad:
        error = {"place": bad.place, "reason": bad.reason, "message": str(bad)}
        return {"error": error}
    try:
        found = estimates.estimate(rule, now=timezone.now())
    except estimates.TooSlow:
        return told
    sizes = {"size": found.size, "low": found.low, "high": found.high, "of": found.of}
    return told | sizes | {"exact": found.is_exact}


class MemberList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        """Work out why for all shown members, segment by segment."""
        super().get_results(request)
        shown = list(self.result_list)
        by_segment: dict[Segment, list[Membership]] = {}
        for row in shown:
            by_segment.setdefault(row.segment, []).append(row)
        for segment, rows in by_segment.items():
            told = overview.because(segment, rows, now=timezone.now())
            for row, because in zip(rows, told, strict=True):
                row.because = because  # type: ignore[attr-defined]
        self.result_list = shown


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ["member", "segment", "why", "entered_at"]
    list_display_links = None  # a row leads to the person
    list_filter = [("segment", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["customer", "segment"]
    ordering = ["-pk"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return MemberList

    @display(description=_("customer"))
    def member(self, membership: Membership) -> str:
        url = reverse("admin:crm_customer_change", args=[membership.customer_id])
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
            url,
            membership.customer,
        )

    @display(description=_("why"))
    def why(self, membership: Membership) -> str:
        because: list[str] = getattr(membership, "because", [])
        return format_html_join(mark_safe("<br>"), "{}", ((one,) for one in because))
