"""Online tests of two artifacts: start, look, stop, promote the winner."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from crm import learned
from crm.listing import ReadOnlyAdmin
from crm.models import Artifact
from recommendations import interleavings
from recommendations.admin.charts import METRIC, preference
from recommendations.models import Interleaving

OFFERED = 50  # the newest artifacts


class ArtifactChoice(forms.ModelChoiceField):
    def label_from_instance(self, one: Artifact) -> str:
        said = [learned.version(f"{one.name}#{one.pk}"), str(one.get_status_display())]
        said += [date_format(one.as_of, "SHORT_DATE_FORMAT")]
        if METRIC in one.metrics:
            said.append(f"{learned.measure(METRIC)} {learned.figure(one.metrics[METRIC])}")
        return " · ".join(said)


class StartForm(forms.Form):
    first = ArtifactChoice(None, label=_("first artifact"), widget=UnfoldAdminSelectWidget)
    second = ArtifactChoice(None, label=_("second artifact"), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newest = Artifact.objects.filter(name=interleavings.NAME).order_by("-pk")
        ids = list(newest.values_list("pk", flat=True)[:OFFERED])
        self.is_possible = len(ids) > 1
        for field in self.fields.values():
            if isinstance(field, ArtifactChoice):
                field.queryset = newest.filter(pk__in=ids)


@admin.register(Interleaving)
class InterleavingAdmin(ReadOnlyAdmin):
    list_display = ["called", "state", "started_at", "stopped_at", "promoted_as"]
    list_select_related = ["first", "second", "promoted"]
    ordering = ["-pk"]
    nothing_yet = _("No test yet. Train twice, then start one: both artifacts make one list.")
    change_form_outer_before_template = "recommendations/test.html"
    fields = ["first_as", "second_as", "started_at", "started_by", "stopped_at", "promoted_as"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("recommendations.add_interleaving"))

    @display(description=_("test"))
    def called(self, test: Interleaving) -> str:
        return f"{_version(test.first)} · {_version(test.second)}"

    @display(description=_("status"), label={"running": "success", "stopped": "default"})
    def state(self, test: Interleaving) -> tuple[str, str]:
        return ("stopped", _now("stopped")) if test.stopped_at else ("running", _now("running"))

    @display(description=_("first artifact"))
    def first_as(self, test: Interleaving) -> str:
        return _version(test.first)

    @display(description=_("second artifact"))
    def second_as(self, test: Interleaving) -> str:
        return _version(test.second)

    @display(description=_("promoted winner"), empty_value="–")
    def promoted_as(self, test: Interleaving) -> str | None:
        return _version(test.promoted) if test.promoted else None

    def get_urls(self) -> list[Any]:
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"recommendations_interleaving_{name}",
            )
            for name, view in (("stop", self.stop), ("promote", self.promote))
        ]
        return [*own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **more: Any
    ) -> Any:
        test = more.get("obj")
        if test is not None:
            result = interleavings.result(test, now=timezone.now())
            context |= {"result": result, "drawn": preference(result)}
            context |= {"sides": _sides(test, result), "title": self.called(test)}
            context["may_decide"] = _may_decide(request)
        return super().render_change_form(request, context, *args, **more)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Choose two artifacts and start."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = StartForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            test = _start(request, form)
            if test is not None:
                return redirect("admin:recommendations_interleaving_change", test.pk)
        context = self.admin_site.each_context(request)
        context |= {"form": form, "title": _("Start an online test"), "opts": self.opts}
        return render(request, "recommendations/test_start.html", context)

    def stop(self, request: HttpRequest, pk: int) -> HttpResponse:
        test = _decided_by(request, pk)
        if interleavings.stop(test, now=timezone.now()):
            self.message_user(request, _("The test is stopped; the champion serves alone."))
        return redirect("admin:recommendations_interleaving_change", pk)

    def promote(self, request: HttpRequest, pk: int) -> HttpResponse:
        test = _decided_by(request, pk)
        if not request.user.has_perm("crm.change_artifact"):
            raise PermissionDenied
        try:
            winner = interleavings.promote_winner(test, now=timezone.now())
            self.message_user(request, _("%(name)s serves now.") % {"name": _version(winner)})
        except interleavings.NoWinner:
            self.message_user(request, _("There is no winner to promote."), messages.WARNING)
        return redirect("admin:recommendations_interleaving_change", pk)


def _start(request: HttpRequest, form: StartForm) -> Interleaving | None:
    """The test, or None with what is wrong said in the form."""
    try:
        return interleavings.start(
            form.cleaned_data["first"],
            form.cleaned_data["second"],
            by=request.user.get_username(),
            now=timezone.now(),
        )
    except interleavings.AlreadyRunning:
        form.add_error(None, _("Another test is running. Stop it first."))
    except interleavings.NotComparable:
        form.add_error(None, _("Choose two different artifacts that can be read."))
    return None


def _sides(test: Interleaving, result: interleavings.Result) -> list[dict[str, Any]]:
    both = ((test.first, result.first), (test.second, result.second))
    return [
        {"name": _version(one), "artifact": one, "wins": wins, "is_winner": result.winner == team}
        for team, (one, wins) in enumerate(both)
    ]


def _decided_by(request: HttpRequest, pk: int) -> Interleaving:
    if not _may_decide(request):
        raise PermissionDenied
    return get_object_or_404(Interleaving.objects.select_related("first", "second"), pk=pk)


def _may_decide(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("recommendations.change_interleaving"))


def _version(artifact: Artifact) -> str:
    return learned.version(f"{artifact.name}#{artifact.pk}")
