"""Artifacts: what was trained, how good it is, and its promotion."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from crm import artifacts, backtests, learned
from crm.listing import ReadOnlyAdmin
from crm.models import (
    Artifact,
)


class NameFilter(SimpleListFilter):
    """By estimator, in words."""

    title = _("name")
    parameter_name = "name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = Artifact.objects.order_by("name").values_list("name", flat=True).distinct()
        return [(name, learned.estimator(name)) for name in names]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Artifact]
    ) -> QuerySet[Artifact] | None:
        return queryset.filter(name=self.value()) if self.value() else None


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    list_display = ["called", "state", "trained_at", "rows", "why"]
    list_filter = [NameFilter, "status"]
    ordering = ["name", "-pk"]
    nothing_yet = _("Nothing is trained yet. Run “manage.py train”.")
    change_form_outer_before_template = "crm/artifact_buttons.html"
    change_form_outer_after_template = "crm/artifact_backtest.html"
    fieldsets = [  # what is left out: bytes, and figures that tables and charts show
        (None, {"fields": ["called", "status", "why", "rows", "as_of", "trained_at"]}),
        (
            _("Trail"),
            {
                "fields": ["promoted_at", "seconds", "data_fingerprint", "code_version"]
                + ["seed", "sha256", "format"],
                "classes": ["collapse"],
            },
        ),
    ]

    @display(description=_("name"), ordering="name")
    def called(self, artifact: Artifact) -> str:
        return learned.estimator(artifact.name)

    @display(description=_("why promoted or not"))
    def why(self, artifact: Artifact) -> str:
        return learned.reason(artifact.reason)

    @display(
        description=_("status"),
        label={"champion": "success", "candidate": "info", "archived": "default"},
    )
    def state(self, artifact: Artifact) -> tuple[str, str]:
        return artifact.status, artifact.get_status_display()

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **more: Any
    ) -> Any:
        artifact = more.get("obj") or context.get("original")
        if artifact is not None:
            context["measures"] = learned.measures(artifact)
            context["backtest"] = backtests.page(artifact.backtest)
            context["why_not"] = artifacts.why_not(artifact)
            context["title"] = learned.version(f"{artifact.name}#{artifact.pk}")
        return super().render_change_form(request, context, *args, **more)

    def get_urls(self) -> list[Any]:
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"crm_artifact_{name}",
            )
            for name, view in (("promote", self.promote), ("roll_back", self.roll_back))
        ]
        return [*own, *super().get_urls()]

    def promote(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._require_decider(request)
        artifact = get_object_or_404(Artifact, pk=pk)
        who = request.user.get_username()
        try:
            artifacts.promote(artifact, now=timezone.now(), reason=f"promoted by {who}")
            name = learned.version(f"{artifact.name}#{artifact.pk}")
            self.message_user(request, _("%(name)s serves now.") % {"name": name})
        except artifacts.NotPromotable as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:crm_artifact_changelist")

    def roll_back(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._require_decider(request)
        artifact = get_object_or_404(Artifact, pk=pk)
        try:
            serving = artifacts.roll_back(artifact.name, now=timezone.now())
            self.message_user(
                request,
                _("%(name)s serves again.")
                % {"name": learned.version(f"{serving.name}#{serving.pk}")},
            )
        except artifacts.NothingToRollBackTo:
            self.message_user(request, _("There is no earlier champion."), messages.WARNING)
        except artifacts.NotPromotable as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:crm_artifact_changelist")

    def _require_decider(self, request: HttpRequest) -> None:
        if not request.user.has_perm("crm.change_artifact"):
            raise PermissionDenied
