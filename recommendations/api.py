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
from crm.rest.asked import Asked, query_of
from crm.rest.saying import says
from crm.rest.views import PartnerView
from recommendations import serving
from recommendations.models import Impression
from recommendations.serving import Constraints, Recommended

USUAL = 10


class _Asked(Asked):
    """What any list is asked for with.

    There is one of each kind for all requests, as making its fields costs more than reading them.
    """

    unknown = "Unknown parameter."
    is_json = False
    k = serializers.IntegerField(min_value=1, max_value=serving.LONGEST, default=USUAL)


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


class _Product(serializers.Serializer[Any]):
    sku = serializers.CharField()
    title_en = serializers.CharField()
    title_zh = serializers.CharField(allow_blank=True)
    category = serializers.SlugField(allow_null=True)
    brand = serializers.SlugField(allow_null=True)
    price = serializers.DecimalField(max_digits=12, decimal_places=2)
    currency = serializers.CharField()
    stock = serializers.IntegerField(allow_null=True)
    image = serializers.CharField(allow_blank=True)


class _Reason(serializers.Serializer[Any]):
    code = serializers.CharField()
    text = serializers.CharField()
    evidence = serializers.JSONField()


class _Line(serializers.Serializer[Any]):
    rank = serializers.IntegerField()
    product = _Product()
    score = serializers.FloatField()
    reason = _Reason()
    artifact = serializers.IntegerField(allow_null=True)
    impression = serializers.IntegerField(allow_null=True)


class RecommendationsSaid(serializers.Serializer[Any]):
    customer = serializers.UUIDField()
    placement = serializers.CharField()
    results = _Line(many=True)


class SimilarSaid(serializers.Serializer[Any]):
    product = serializers.CharField()
    results = _Line(many=True)


class ClickSaid(serializers.Serializer[Any]):
    impression = serializers.IntegerField()
    clicked_at = serializers.DateTimeField()


class DislikeSaid(serializers.Serializer[Any]):
    impression = serializers.IntegerField()
    product = serializers.CharField()
    is_disliked = serializers.BooleanField()


class RecommendationsView(PartnerView):
    """GET ?customer=&placement=&k=: the list for one customer, best first, each with its reason.

    The list is written down as shown; with `record=false` it is only looked at.
    """

    scope = Scope.RECOMMENDATIONS_READ

    @says("recommend", RecommendationsSaid, query=_ListAsked)
    def get(self, request: Request) -> Response:
        wanted = query_of(request, LIST_ASKED)
        now = timezone.now()
        customer = self.customer(wanted["customer"])
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

    @says("similarProducts", SimilarSaid, query=_SimilarAsked)
    def get(self, request: Request) -> Response:
        wanted = query_of(request, SIMILAR_ASKED)
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

    @says("clickImpression", ClickSaid)
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

    @says("dislikeImpression", DislikeSaid)
    def post(self, request: Request, pk: int) -> Response:
        return self._said(pk, serving.dislike)

    @says("takeBackDislike", DislikeSaid)
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
