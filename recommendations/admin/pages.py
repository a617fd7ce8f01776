"""Pages for staff: one customer's lists side by side, one product, and how it all does."""

from typing import Any

from django.contrib import admin
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.models import Customer, Product
from recommendations import health as health_page
from recommendations import product_panel, side_by_side
from recommendations.admin import charts

FRESH = 300  # seconds
SEEN, CUSTOMERS, PRODUCTS = (
    "recommendations.view_impression",
    "crm.view_customer",
    "crm.view_product",
)


def health(request: HttpRequest) -> HttpResponse:
    """Counted now and then, not for everybody who looks."""
    _require(request, SEEN)
    key = f"recommendations:health:{get_language()}"
    shown = cache.get(key)
    if shown is None:
        shown = charts.drawn(health_page.numbers(timezone.now()))
        cache.set(key, shown, FRESH)
    return _page(request, "health", _("Health of recommendations"), shown)


def customer(request: HttpRequest, pk: int) -> HttpResponse:
    """What we would show to this customer by every algorithm, and why not something else."""
    _require(request, SEEN, CUSTOMERS)
    one = get_object_or_404(Customer, pk=pk, merged_into=None)
    now, asked = timezone.now(), request.GET.get("why", "").strip()[:100]
    shown = {
        "customer": one,
        "asked": asked,
        "sides": side_by_side.of(one, now=now),
        **side_by_side.why_not(one, asked, now=now),
    }
    return _page(request, "customer", _("Recommendations for %(name)s") % {"name": one}, shown)


def product(request: HttpRequest, pk: int) -> HttpResponse:
    """What is like it, what is bought with it, and who was shown it and clicked."""
    _require(request, SEEN, PRODUCTS)
    one = get_object_or_404(Product, pk=pk)
    shown = {"product": one, "panel": product_panel.build(one)}
    return _page(request, "product", _("Recommendations around %(name)s") % {"name": one}, shown)


def _require(request: HttpRequest, *permissions: str) -> None:
    if not request.user.has_perms(permissions):
        raise PermissionDenied


def _page(request: HttpRequest, name: str, title: str, shown: dict[str, Any]) -> HttpResponse:
    context = admin.site.each_context(request) | shown | {"title": title}
    return render(request, f"recommendations/{name}.html", context)
