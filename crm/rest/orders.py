"""REST: what customers of a partner bought, and orders that a shop tells of."""

from typing import Any

import django_filters
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm import orders, partners
from crm.models import Order, Scope
from crm.rest import filtering, single
from crm.rest.asked import Asked, body_of
from crm.rest.saying import page_of, says
from crm.rest.views import PartnerView

SOURCE = "partner"


class OrderLine(serializers.Serializer[Any]):
    sku = serializers.CharField(source="product.sku")
    quantity = serializers.IntegerField()
    unit_price = serializers.DecimalField(max_digits=12, decimal_places=2)


class OrderSaid(serializers.ModelSerializer[Order]):
    customer = serializers.UUIDField(source="customer.public_id")
    lines = OrderLine(many=True)

    class Meta:
        model = Order
        fields = (
            "number", "customer", "status", "is_refund", "total", "currency", "placed_at",
            "delivered_at", "eta", "carrier", "source", "lines",
        )  # fmt: skip


class OrderLineAsked(Asked):
    sku = serializers.CharField(max_length=64)
    quantity = serializers.IntegerField(min_value=1, max_value=100_000, default=1)
    price = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=0)


class NewOrder(Asked):
    number = serializers.CharField(max_length=60)
    customer = serializers.CharField(
        max_length=300, help_text=_("An id of ours, or kind:value of an identifier.")
    )
    currency = serializers.RegexField("^[A-Z]{3}$", required=False)
    placed_at = serializers.DateTimeField(required=False)
    products = OrderLineAsked(many=True, allow_empty=False, max_length=500)  # type: ignore[call-arg]


class OrderFilter(filtering.Strict):
    customer = django_filters.UUIDFilter("customer__public_id")
    placed_after = django_filters.IsoDateTimeFilter("placed_at", "gte")
    placed_before = django_filters.IsoDateTimeFilter("placed_at", "lt")

    class Meta:
        model = Order
        fields = ("status", "is_refund")


class OrdersView(PartnerView):
    scope = Scope.CUSTOMERS_READ
    scopes = {"POST": Scope.EVENTS_WRITE}  # noqa: RUF012  (ClassVar of the base)

    @says("listOrders", page_of(OrderSaid), filters=OrderFilter)
    def get(self, request: Request) -> Response:
        """The orders of the customers whom this partner sees."""
        rows = filtering.narrow(request, OrderFilter, _seen(self))
        return self.page(request, rows, OrderSaid)

    @says(
        "addOrder",
        OrderSaid,
        asked=NewOrder,
        status=201,
        example={
            "number": "1001",
            "customer": "user_id:u-17",
            "products": [{"sku": "TEA-1", "quantity": 2, "price": "39.00"}],
        },
    )
    def post(self, request: Request) -> Response:
        """An order of one's shop. The timeline, RFM and segments follow. 409 where it is there."""
        said = body_of(request, NewOrder())
        customer = self.customer(said["customer"])
        if Order.objects.filter(number=said["number"]).exists():
            raise NumberTaken
        now = timezone.now()
        data = {
            "order_id": said["number"],
            "products": [
                {"sku": one["sku"], "quantity": one["quantity"], "price": str(one["price"])}
                for one in said["products"]
            ],
        }
        if "currency" in said:
            data["currency"] = said["currency"]
        at = said.get("placed_at", now)
        if at > now:
            raise serializers.ValidationError({"placed_at": [_("It lies in the future.")]})
        try:
            made = orders.complete(customer, data, source=SOURCE, at=at)
        except orders.UnusableOrder as error:
            raise serializers.ValidationError({"products": [str(error)]}) from None
        return single.answer(request, OrderSaid(_one(self, made.number)).data, status=201)


class OrderView(PartnerView):
    scope = Scope.CUSTOMERS_READ

    @says("readOrder", OrderSaid)
    def get(self, request: Request, number: str) -> Response:
        """One order by its number."""
        return single.answer(request, OrderSaid(_one(self, number)).data)


class NumberTaken(exceptions.APIException):
    status_code = 409
    default_code = "exists"
    default_detail = _("There is an order with this number.")


def _seen(view: PartnerView) -> Any:
    rows = Order.objects.select_related("customer").prefetch_related("lines__product")
    if view.partner.sees_everybody:
        return rows
    return rows.filter(customer__in=partners.customers_of(view.partner))


def _one(view: PartnerView, number: str) -> Order:
    found: Order | None = _seen(view).filter(number=number).first()
    if found is None:
        raise exceptions.NotFound(_("No such order."))
    return found
