"""Possible duplicates to decide, and the merges of a customer to undo."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from crm import customers, duplicates, tasks
from crm.listing import ReadOnlyAdmin
from crm.models import Customer, DuplicatePair, Merge

FIELD_NAMES = {
    "email": _("e-mail"),
    "phone": _("phone"),
    "name": _("name"),
    "address": _("address"),
    "place": _("place"),
    "user_id": _("user id"),
    "anonymous_id": _("browser"),
}
HOW = {
    "agrees": _("is the same"),
    "near": _("is nearly the same"),
    "differs": _("differs"),
    "named_together": _("was named together with the other"),
}


def in_words(reason: dict[str, Any]) -> str:
    return f"{FIELD_NAMES.get(reason['field'], reason['field'])} {HOW.get(reason['how'], '')}"


@admin.register(DuplicatePair)
class DuplicatePairAdmin(ReadOnlyAdmin):
    list_display = ["people", "likelihood", "why", "decision", "found_at"]
    list_filter = ["state"]
    list_select_related = ["one", "other", "decided_by"]
    list_before_template = "crm/duplicates_find.html"
    ordering = ["-score", "pk"]
    nothing_yet = _(
        "Nobody seems to be here twice. After an import, look again: the button is above."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[DuplicatePair]:
        both = Q(one__merged_into=None, other__merged_into=None)
        open_ones = Q(state=DuplicatePair.State.OPEN)
        pairs: QuerySet[DuplicatePair] = super().get_queryset(request)
        return pairs.filter(both | ~open_ones)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not request.GET:  # what is to decide comes first
            return redirect(f"{request.path}?state__exact={DuplicatePair.State.OPEN}")
        answer: HttpResponse = super().changelist_view(request, extra_context)
        return answer

    @display(description=_("customers"))
    def people(self, pair: DuplicatePair) -> str:
        return f"{_called(pair.one)} · {_called(pair.other)}"

    @display(description=_("likelihood"))
    def likelihood(self, pair: DuplicatePair) -> str:
        return f"{min(pair.score, 0.99):.0%}"  # no pair is certain before staff have looked

    @display(description=_("reasons"))
    def why(self, pair: DuplicatePair) -> str:
        return str(_("; ")).join(
            in_words(reason) for reason in pair.reasons if reason["how"] != "differs"
        )

    @display(
        description=_("decision"),
        label={"open": "info", "merged": "success", "different": "default"},
    )
    def decision(self, pair: DuplicatePair) -> tuple[str, str]:
        return pair.state, pair.get_state_display()

    def get_urls(self) -> list[Any]:
        views = {"join": self.join, "apart": self.apart, "take_back": self.take_back}
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"crm_duplicatepair_{name}",
            )
            for name, view in views.items()
        ]
        find = self.admin_site.admin_view(require_POST(self.find))
        undo = self.admin_site.admin_view(require_POST(undo_merge))
        own.append(path("find/", find, name="crm_duplicatepair_find"))
        own.append(path("undo_merge/<int:pk>/", undo, name="crm_undo_merge"))
        return [*own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """The two side by side."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        pairs = DuplicatePair.objects.select_related("one", "other", "decided_by", "merge")
        pair = get_object_or_404(pairs, pk=object_id)
        stays, _goes = customers.survivor(pair.one, pair.other)
        context = self.admin_site.each_context(request) | {
            "opts": self.model._meta,
            "title": _("Are these one person?"),
            "pair": pair,
            "stays": _called(stays),
            "percent": round(100 * min(pair.score, 0.99)),
            "rows": _side_by_side(pair),
            "reasons": [(in_words(reason), reason.get("weight")) for reason in pair.reasons],
            "may_decide": request.user.has_perm("crm.change_customer"),
        }
        return render(request, "crm/duplicate.html", context)

    def join(self, request: HttpRequest, pk: int) -> HttpResponse:
        pair = self._pair(request, pk, DuplicatePair.State.OPEN)
        try:
            winner = duplicates.join(pair, by=request.user, at=timezone.now())
        except customers.NotMergeable as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.message_user(request, _("%(name)s is one customer now.") % {"name": winner})
        return redirect("admin:crm_duplicatepair_change", pk)

    def apart(self, request: HttpRequest, pk: int) -> HttpResponse:
        pair = self._pair(request, pk, DuplicatePair.State.OPEN)
        duplicates.keep_apart(pair, by=request.user, at=timezone.now())
        return redirect("admin:crm_duplicatepair_change", pk)

    def take_back(self, request: HttpRequest, pk: int) -> HttpResponse:
        decided = (DuplicatePair.State.MERGED, DuplicatePair.State.DIFFERENT)
        duplicates.take_back(self._pair(request, pk, *decided), at=timezone.now())
        return redirect("admin:crm_duplicatepair_change", pk)

    def find(self, request: HttpRequest) -> HttpResponse:
        _require_decider(request)
        tasks.find_duplicates.delay()
        self.message_user(request, _("Looking for duplicates; the list fills in a moment."))
        return redirect("admin:crm_duplicatepair_changelist")

    def _pair(self, request: HttpRequest, pk: int, *states: str) -> DuplicatePair:
        _require_decider(request)
        pairs = DuplicatePair.objects.select_related("one", "other", "merge")
        return get_object_or_404(pairs, pk=pk, state__in=states)


def undo_merge(request: HttpRequest, pk: int) -> HttpResponse:
    """From the customer page: part what was merged, and show whom we got back."""
    _require_decider(request)
    merge = get_object_or_404(Merge, pk=pk)
    loser = customers.unmerge(merge, at=timezone.now())
    duplicates.parted(merge, by=request.user, at=timezone.now())
    messages.success(request, _("%(name)s is a customer of their own again.") % {"name": loser})
    return redirect("admin:crm_customer_change", merge.winner_id)


def _called(customer: Customer) -> str:
    """A name with the address: the two of a pair often share the one."""
    known = customer.email or customer.phone
    return f"{customer.name} ({known})" if customer.name and known else str(customer)


def _require_decider(request: HttpRequest) -> None:
    if not request.user.has_perm("crm.change_customer"):
        raise PermissionDenied


def _side_by_side(pair: DuplicatePair) -> list[tuple[Any, list[Any]]]:
    """What is known of each, a row a field. One query."""
    people = Customer.objects.filter(pk__in=(pair.one_id, pair.other_id)).annotate(
        order_count=Count("orders", distinct=True),
        identity_count=Count("identities", distinct=True),
    )
    found = {person.pk: person for person in people}
    both: list[Any] = [found[pair.one_id], found[pair.other_id]]
    rows: list[tuple[Any, list[Any]]] = [
        (_("name"), [person.name for person in both]),
        (_("e-mail"), [person.email for person in both]),
        (_("phone"), [person.phone for person in both]),
        (_("language"), [person.get_language_display() for person in both]),
        (_("country"), [person.country for person in both]),
        (_("first seen"), [person.first_seen_at.date() for person in both]),
        (_("last seen"), [person.last_seen_at.date() for person in both]),
        (_("orders"), [person.order_count for person in both]),
        (_("identities"), [person.identity_count for person in both]),
    ]
    names = sorted({name for person in both for name in person.traits})[:20]
    return [*rows, *((name, [person.traits.get(name, "") for person in both]) for name in names)]
