"""Whole pages inside the admin: preview, confirmation, result."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import charts, credit, exposure, results, wording
from campaigns.models import Campaign, ControlGroup, Delivery
from campaigns.previews import Preview
from crm.models import Channel, Customer

LISTED_UNCERTAIN = 50


def preview_page(
    admin: "ModelAdmin[Any]",
    request: HttpRequest,
    shown_of: Model,
    *,
    customer: Customer | None,
    wanted: str,
    shown: Sequence[Preview],
) -> HttpResponse:
    return _page(
        admin,
        request,
        "campaigns/preview.html",
        shown_of,
        title=_("Preview: %(name)s") % {"name": shown_of},
        customer=customer,
        wanted=wanted,
        previews=shown,
        may_try=_may_try(request, shown_of),
    )


def _may_try(request: HttpRequest, shown_of: Model) -> bool:
    is_mail = isinstance(shown_of, Campaign) and shown_of.channel == Channel.EMAIL
    has_address = bool(getattr(request.user, "email", ""))
    return is_mail and has_address and request.user.has_perm("campaigns.change_campaign")


def confirm_page(
    admin: "ModelAdmin[Any]", request: HttpRequest, campaign: Campaign, *, title: str, **more: Any
) -> HttpResponse:
    return _page(admin, request, "campaigns/confirm.html", campaign, title=title, **more)


def confirm_control_page(
    admin: "ModelAdmin[Any]", request: HttpRequest, group: ControlGroup, *, title: str
) -> HttpResponse:
    return _page(admin, request, "campaigns/confirm_control.html", group, title=title)


def result_page(admin: "ModelAdmin[Any]", request: HttpRequest, campaign: Campaign) -> HttpResponse:
    result = results.of(campaign, now=timezone.now())
    overall = [result.overall] if result.overall else []
    several = len(result.against_holdout) > 1
    comparisons = [*overall, *(result.against_holdout if several else [])]
    widest = max((number for _step, number in result.funnel), default=0)
    uncertain = campaign.deliveries.filter(status=Delivery.Status.UNCERTAIN)
    return _page(
        admin,
        request,
        "campaigns/result.html",
        campaign,
        title=_("Result: %(name)s") % {"name": campaign},
        result=result,
        chart=charts.conversion_chart([*comparisons, *result.between_variants]),
        comparisons=[*comparisons, *result.between_variants],
        funnel=[
            (wording.STEPS[step], number, round(number / widest * 100, 1) if widest else 0)
            for step, number in result.funnel
        ],
        skipped=[(wording.reason(code), number) for code, number in result.skipped],
        exposure=exposure.by_language(campaign),
        credited=[(wording.RULES[one.model], one) for one in credit.of(campaign)],
        guards=[
            (wording.GUARDS[name], arm, guard)
            for arm in result.arms
            if arm.variant
            for name, guard in arm.guards.items()
        ],
        uncertain=uncertain.select_related("customer").order_by("pk")[:LISTED_UNCERTAIN],
        may_settle=admin.has_change_permission(request),
    )


def _page(
    admin: "ModelAdmin[Any]",
    request: HttpRequest,
    template: str,
    original: Model,
    **context: Any,
) -> HttpResponse:
    around = admin.admin_site.each_context(request) | {
        "opts": admin.model._meta,
        "original": original,
        "verdicts": wording.VERDICTS,
    }
    return TemplateResponse(request, template, around | context)
