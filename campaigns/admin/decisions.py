"""Placements with their actions, policies and explorer; decisions with their replay and veto."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from campaigns import decisions, previews
from campaigns.admin.trails import TrailAdmin
from campaigns.decisions import approving, catalogues, explaining, pages, replaying, vetoes
from campaigns.models import Action, Decision, Placement, PolicyProposal, Veto

APPROVE, VETO = "campaigns.approve_policyproposal", "campaigns.add_veto"


@admin.register(Placement)
class PlacementAdmin(ModelAdmin):
    list_display = ("slug", "name_en", "name_zh", "goal", "is_active", "holdout_share", "explore")
    ordering = ("slug",)
    actions_detail = ("policies", "explore")
    compressed_fields = True

    @action(description=_("Policies"), icon="policy", permissions=["view"], url_path="policies")
    def policies(self, request: HttpRequest, object_id: str) -> HttpResponse:
        placement = get_object_or_404(Placement, pk=object_id)
        shown = pages.policies(placement, now=timezone.now())
        shown["may_decide"] = request.user.has_perm(APPROVE)
        return self._page(request, "policies", _("Policies: %(name)s") % {"name": placement}, shown)

    @action(
        description=_("Explorer"), icon="travel_explore", permissions=["view"], url_path="explore"
    )
    def explore(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What would we do for this customer now? Nothing is logged."""
        if not request.user.has_perm("crm.view_customer"):
            raise PermissionDenied
        placement = get_object_or_404(Placement, pk=object_id)
        wanted = request.GET.get("customer", "").strip()[:300]
        customer = previews.find_customer(wanted) if wanted else None
        shown: dict[str, Any] = {"placement": placement, "wanted": wanted, "customer": customer}
        found = customer and decisions.look(customer, placement, now=timezone.now())
        if found:
            rows = placement.actions.order_by("pk")
            content = catalogues.content_of(placement, rows)
            shown["shown"] = pages.explored(found, content, found.policy.partition("#")[0])
        title = _("What would we do at “%(name)s”?") % {"name": placement}
        return self._page(request, "explore", title, shown)

    def get_urls(self) -> list[Any]:
        steps: dict[str, Callable[..., Any]] = {
            "approve": approving.approve,
            "serve": approving.serve,
            "reject": approving.reject,
            "take_back": approving.take_back,
        }
        own = [
            path(
                f"policies/<int:pk>/{name}/",
                self.admin_site.admin_view(require_POST(self._step(step, name))),
                name=f"campaigns_policy_{name}",
            )
            for name, step in steps.items()
        ]
        return [*own, *super().get_urls()]

    def _step(self, step: Callable[..., Any], name: str) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            if not request.user.has_perm(APPROVE):
                raise PermissionDenied
            proposal = get_object_or_404(PolicyProposal, pk=pk)
            told: dict[str, Any] = {"by": request.user.get_username(), "now": timezone.now()}
            if name != "serve":
                told["reason"] = request.POST.get("reason", "")
            try:
                step(proposal, **told)
                messages.success(request, _("It is done, and written down."))
            except approving.NotPossible:
                messages.warning(request, _("Somebody decided otherwise meanwhile."))
            except ValueError:
                messages.error(request, _("Say why: the reason is kept."))
            return redirect("admin:campaigns_placement_policies", proposal.placement_id)

        return view

    def _page(
        self, request: HttpRequest, name: str, title: str, shown: dict[str, Any]
    ) -> HttpResponse:
        context = self.admin_site.each_context(request) | shown | {"title": title}
        return render(request, f"campaigns/{name}.html", context)


@admin.register(Action)
class ActionAdmin(ModelAdmin):
    list_display = ("slug", "placement", "name_en", "channel", "slot", "is_active", "used", "rest")
    list_filter = ("placement", "channel")
    list_select_related = ("placement",)
    ordering = ("placement", "slug")
    raw_id_fields = ("product", "coupon")
    readonly_fields = ("used", "spent")
    compressed_fields = True

    @display(description=_("left"), empty_value="–")
    def rest(self, one: Action) -> int | None:
        return one.left


@admin.register(Decision)
class DecisionAdmin(TrailAdmin):
    list_display = (*("decided_at", "customer", "placement", "chosen", "by", "chance", "to_learn"),)
    list_filter = ("placement", "policy", "is_exploration")
    list_select_related = ("customer", "placement", "action")
    search_fields = ("=public_id",)
    fields = ("public_id", "customer", "placement", "by", "chance", "decided_at", "due_at")
    readonly_fields = ("by", "chance")
    change_form_outer_before_template = "campaigns/decision.html"

    @display(description=_("action"))
    def chosen(self, row: Decision) -> str:
        return str(row.action) if row.action else str(_("nothing"))

    @display(description=_("policy"), ordering="policy")
    def by(self, row: Decision) -> str:
        name = explaining.kind(row.policy)
        return f"{name} #{row.artifact_id}" if row.artifact_id else name

    @display(description=_("chance of this choice"), ordering="propensity")
    def chance(self, row: Decision) -> str:
        return explaining.percent(row.propensity)

    @display(description=_("drawn to learn"), ordering="is_exploration", empty_value="–")
    def to_learn(self, row: Decision) -> str | None:
        return str(_("yes")) if row.is_exploration else None

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_POST(self.veto))
        own = [path("<int:pk>/veto/", view, name="campaigns_decision_veto")]
        return [*own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **more: Any
    ) -> Any:
        row = more.get("obj")
        if row is not None:
            whole = replaying.rows().get(pk=row.pk)
            context |= {"shown": pages.decision(whole), "again": replaying.replay(whole)}
            context |= {"rewards": row.rewards.order_by("at"), "decision": whole}
            context["closes_at"] = row.closes_at(row.placement)
            context["may_veto"] = whole.action is not None and request.user.has_perm(VETO)
        return super().render_change_form(request, context, *args, **more)

    def veto(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not request.user.has_perm(VETO):
            raise PermissionDenied
        row = get_object_or_404(Decision, pk=pk)
        if row.action is None:
            raise Http404
        try:
            vetoes.veto(
                row.action,
                customer=None if request.POST.get("whom") == "everybody" else row.customer,
                reason=request.POST.get("reason", ""),
                by=request.user,
                at=timezone.now(),
                decision=row,
            )
            self.message_user(request, _("The action is vetoed from now on."))
        except ValueError:
            self.message_user(request, _("Say why: the reason is kept."), messages.ERROR)
        return redirect("admin:campaigns_decision_change", pk)


@admin.register(Veto)
class VetoAdmin(TrailAdmin):
    list_display = ("action", "customer", "reason", "by", "at", "lifted_at")
    list_select_related = ("action", "customer", "by")
    raw_id_fields = ("customer", "decision")
    change_form_outer_before_template = "campaigns/veto.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_POST(self.lift))
        own = [path("<int:pk>/lift/", view, name="campaigns_veto_lift")]
        return [*own, *super().get_urls()]

    def lift(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not request.user.has_perm(VETO):
            raise PermissionDenied
        vetoes.lift(get_object_or_404(Veto, pk=pk), at=timezone.now())
        self.message_user(request, _("The action may be chosen again."))
        return redirect("admin:campaigns_veto_changelist")
