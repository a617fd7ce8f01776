"""REST: the catalogue. Keys for lists read it; the company's own shops write it."""

from typing import Any

import django_filters
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.loaders.products_csv import named
from crm.models import Brand, Category, Product, Scope
from crm.rest import filtering, single
from crm.rest.asked import Asked, body_of
from crm.rest.saying import page_of, says
from crm.rest.views import PartnerView
from crm.segments import touches


class ProductFields(Asked):
    title_en = serializers.CharField(max_length=200, required=False)
    title_zh = serializers.CharField(max_length=200, required=False, allow_blank=True)
    description_en = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    description_zh = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    category = serializers.SlugField(max_length=64, required=False)
    brand = serializers.SlugField(max_length=64, required=False)
    price = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=0, required=False)
    currency = serializers.RegexField("^[A-Z]{3}$", required=False)
    stock = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, required=False, allow_null=True
    )
    colors = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=50, required=False
    )
    sizes = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=50, required=False
    )
    features = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=50, required=False
    )
    image = serializers.CharField(max_length=300, required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False)


class NewProduct(ProductFields):
    sku = serializers.CharField(max_length=64)
    title_en = serializers.CharField(max_length=200)
    price = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=0)


class ProductSaid(serializers.ModelSerializer[Product]):
    category = serializers.SerializerMethodField()
    brand = serializers.SerializerMethodField()
    colors = serializers.ListField(child=serializers.CharField())
    sizes = serializers.ListField(child=serializers.CharField())
    features = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Product
        fields = (
            "sku", "title_en", "title_zh", "description_en", "description_zh", "category",
            "brand", "price", "currency", "stock", "colors", "sizes", "features", "image",
            "is_active", "created_at",
        )  # fmt: skip

    @extend_schema_field(serializers.SlugField(allow_null=True))
    def get_category(self, product: Product) -> str | None:
        return product.category.slug if product.category else None

    @extend_schema_field(serializers.SlugField(allow_null=True))
    def get_brand(self, product: Product) -> str | None:
        return product.brand.slug if product.brand else None


class ProductFilter(filtering.Strict):
    category = django_filters.CharFilter("category__slug")
    brand = django_filters.CharFilter("brand__slug")

    class Meta:
        model = Product
        fields = ("is_active",)


class ProductsView(PartnerView):
    scope = Scope.RECOMMENDATIONS_READ
    scopes = {"POST": Scope.EVENTS_WRITE}  # noqa: RUF012  (ClassVar of the base)

    @says("listProducts", page_of(ProductSaid), filters=ProductFilter)
    def get(self, request: Request) -> Response:
        """The catalogue, page by page."""
        rows = filtering.narrow(request, ProductFilter, _products())
        return self.page(request, rows, ProductSaid)

    @says(
        "addProduct",
        ProductSaid,
        asked=NewProduct,
        status=201,
        example={"sku": "TEA-1", "title_en": "Green tea", "title_zh": "绿茶", "price": "39.00"},
    )
    def post(self, request: Request) -> Response:
        """A new product. 409 where the SKU is there."""
        _may_write(self)
        said = body_of(request, NewProduct())
        with transaction.atomic():
            values = _values(said)
            product, is_new = Product.objects.get_or_create(
                sku=values.pop("sku"), defaults=values | {"created_at": timezone.now()}
            )
        if not is_new:
            raise SkuTaken
        return single.answer(request, ProductSaid(_one(product.sku)).data, status=201)


class ProductView(PartnerView):
    scope = Scope.RECOMMENDATIONS_READ
    scopes = {"PATCH": Scope.EVENTS_WRITE}  # noqa: RUF012

    @says("readProduct", ProductSaid)
    def get(self, request: Request, sku: str) -> Response:
        """One product by its SKU."""
        return single.answer(request, ProductSaid(_one(sku)).data)

    @says("changeProduct", ProductSaid, asked=ProductFields, example={"price": "35.00"})
    def patch(self, request: Request, sku: str) -> Response:
        """Change what is said; what is left out stays."""
        _may_write(self)
        said = body_of(request, ProductFields())
        with transaction.atomic():
            _one(sku)
            product = Product.objects.select_for_update().get(sku=sku)
            single.check(request, ProductSaid(_one(sku)).data)
            values = _values(said)
            for name, value in values.items():
                setattr(product, name, value)
            product.save(update_fields=list(values))
            if {"category", "brand"} & set(values):
                touches.touch_buyers([product.pk])
        return single.answer(request, ProductSaid(_one(sku)).data)


class SkuTaken(exceptions.APIException):
    status_code = 409
    default_code = "exists"
    default_detail = _("There is a product with this SKU.")


def _may_write(view: PartnerView) -> None:
    if not view.partner.sees_everybody:
        raise exceptions.PermissionDenied(_("Only the company's own shops change the catalogue."))


def _products() -> Any:
    return Product.objects.select_related("category", "brand")


def _one(sku: str) -> Product:
    found: Product | None = _products().filter(sku=sku).first()
    if found is None:
        raise exceptions.NotFound(_("No such product."))
    return found


def _values(said: dict[str, Any]) -> dict[str, Any]:
    values = dict(said)
    for name, kind in (("category", Category), ("brand", Brand)):
        if name in values:
            values[name] = named(kind, values[name])
    return values
