"""REST: lists for a customer, products like one, and the click or the dislike that came of it.

Everything comes through `serving`, as the chat, the mails and the shop do.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils import timezone, translation
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm import partners
from crm.models import Partner, Product, Scope
from crm.rest.views import PartnerView
from recommendations import serving
from recommendations.models import Impression
from recommendations.serving import Constraints, Recommended

USUAL = 10


class _Asked(serializers.Serializer[Any]):
    """What any list is asked for with. What is misspelt is an error, not ignored.

    There is one of each kind for all requests, as making its fields costs more than reading them.
    """

    k = serializers.IntegerField(min_value=1, max_value=serving.LONGEST, default=USUAL)

    def to_internal_value(self, data: Mapping[str, Any]) -> Any:
        said = super().to_internal_value(data)
        strangers = {name: ["Unknown parameter."] for name in data if name not in self.fields}
        if strangers:
            raise serializers.ValidationError(strangers)
        return said


class _ListAsked(_Asked):
    customer = serializers.CharField(max_length=300)
    placement = serializers.SlugField(max_length=64, default="api")
    record = serializers.BooleanField(default=True)
    category = serializers.SlugField(max_length=64, required=False)
    brand = serializers.SlugField(max_length=64, required=False)
    color = serializers.CharField(max_length=64, required=False)
    price_min = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=0, required=False
    )
    price_max = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=0, required=False
    )


class _SimilarAsked(_Asked):
    product = serializers.CharField(max_length=64)
    by = serializers.ChoiceField(choices=["taste", "looks"], default="taste")


LIST_ASKED, SIMILAR_ASKED = _ListAsked(), _SimilarAsked()


class RecommendationsView(PartnerView):
    """GET ?customer=&placement=&k=: the list for one customer, best first, each with its reason.

    The list is written down as shown; with `record=false` it is only looked at.
    """

    scope = Scope.RECOMMENDATIONS_READ

    def get(self, request: Request) -> Response:
        wanted = LIST_ASKED.run_validation(request.query_params.dict())
        now = timezone.now()
        customer = partners.find_customer(self.partner, wanted["customer"])
        if customer is None:
            raise exceptions.NotFound("No such customer.")
        found = serving.recommend(
            customer,
            n=wanted["k"],
            now=now,
            placement=wanted["placement"],
            within=_constraints(wanted),
        )
        if wanted["record"]:
            found = serving.record_impressions(
                customer, found, placement=wanted["placement"], now=now
            )
        return Response(
            {
                "customer": str(customer.public_id),
                "placement": wanted["placement"],
                "results": _lines(found),
            }
        )


class SimilarView(PartnerView):
    """GET ?product=&k=&by=: products like the one of this SKU, in taste or in looks."""

    scope = Scope.RECOMMENDATIONS_READ

    def get(self, request: Request) -> Response:
        wanted = SIMILAR_ASKED.run_validation(request.query_params.dict())
        products = Product.objects.select_related("category", "brand").filter(is_active=True)
        product = products.filter(sku=wanted["product"]).first()
        if product is None:
            raise exceptions.NotFound("No such product.")
        alike = serving.looks_like if wanted["by"] == "looks" else serving.similar
        found = alike(product, n=wanted["k"], now=timezone.now())
        return Response({"product": product.sku, "results": _lines(found)})


class ClickView(PartnerView):
    """POST: what was shown was clicked. Twice is once."""

    scope = Scope.RECOMMENDATIONS_READ

    def post(self, request: Request, pk: int) -> Response:
        _impression(self.partner, pk)
        clicked = serving.click(pk, timezone.now())
        if clicked is None:  # erased between the two
            raise exceptions.NotFound("No such impression.")
        return Response({"impression": clicked.pk, "clicked_at": clicked.clicked_at})


class DislikeView(PartnerView):
    """POST: the customer does not want to see this product again; DELETE takes it back.

    Either twice is once. Lists leave the product out from the next request on.
    """

    scope = Scope.RECOMMENDATIONS_READ

    def post(self, request: Request, pk: int) -> Response:
        return self._said(pk, serving.dislike)

    def delete(self, request: Request, pk: int) -> Response:
        return self._said(pk, serving.take_back_dislike)

    def _said(self, pk: int, tell: Callable[..., None]) -> Response:
        shown, now = _impression(self.partner, pk), timezone.now()
        tell(shown.customer, shown.product, placement=shown.placement, now=now)
        is_disliked = shown.product_id in serving.disliked(shown.customer, now=now)
        return Response(
            {"impression": pk, "product": shown.product.sku, "is_disliked": is_disliked}
        )


def _impression(partner: Partner, pk: int) -> Impression:
    """The impression of a customer whom the partner may see."""
    seen = Impression.objects.filter(customer__in=partners.customers_of(partner))
    shown = seen.select_related("customer", "product").filter(pk=pk).first()
    if shown is None:
        raise exceptions.NotFound("No such impression.")
    return shown


def _constraints(wanted: Mapping[str, Any]) -> Constraints | None:
    """What the list is narrowed to, or None where nobody asked for anything."""
    within = Constraints(
        category=wanted.get("category"),
        brands=(wanted["brand"],) if "brand" in wanted else (),
        color=wanted.get("color"),
        price_min=wanted.get("price_min"),
        price_max=wanted.get("price_max"),
    )
    return within if within.is_narrow else None


def _lines(found: Sequence[Recommended]) -> list[dict[str, Any]]:
    language = translation.get_language() or "en"
    return [
        {
            "rank": one.rank,
            "product": _product(one.product),
            "score": one.score,
            "reason": {
                "code": one.reason_code,
                "text": one.reason(language),
                "evidence": one.evidence,
            },
            "artifact": one.artifact,
            "impression": one.impression,
        }
        for one in found
    ]


def _product(product: Product) -> dict[str, Any]:
    return {
        "sku": product.sku,
        "title_en": product.title_en,
        "title_zh": product.title_zh,
        "category": product.category.slug if product.category else None,
        "brand": product.brand.slug if product.brand else None,
        "price": str(product.price),
        "currency": product.currency,
        "stock": product.stock,
        "image": product.image,
    }
