"""REST: the customers whom a partner may see. Nobody else's is there at all."""

import uuid
from typing import Any
from zoneinfo import available_timezones

import django_filters
from django.db import transaction
from django.db.models import Prefetch
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm import customers, partners
from crm.loaders.customers_json import CustomerObjects
from crm.loading import Report
from crm.models import (
    Customer,
    Identity,
    Membership,
    Scope,
)
from crm.models.customers import CustomerQuerySet
from crm.rest import filtering, single
from crm.rest.asked import Asked, body_of
from crm.rest.paging import Pages
from crm.rest.saying import page_of, says
from crm.rest.views import PartnerView
from crm.segments import touches

SOURCE = "partner"
MOST_ROWS = 10_000
LONGEST_TEXT = {"user_id": 255, "phone": 32}


class OwnFields(Asked):
    """What a partner may say of somebody."""

    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    email = serializers.EmailField(required=False)
    phone = serializers.CharField(max_length=32, required=False)
    language = serializers.ChoiceField(choices=Customer.Language.choices, required=False)
    country = serializers.CharField(max_length=64, required=False, allow_blank=True)
    timezone = serializers.CharField(max_length=64, required=False)
    traits = serializers.DictField(
        required=False, help_text=_("Added to those there are; null takes one away.")
    )

    def validate_timezone(self, value: str) -> str:
        if value not in available_timezones():
            raise serializers.ValidationError(_("There is no such time zone."))
        return value


class NewCustomer(OwnFields):
    user_id = serializers.CharField(max_length=255, required=False)


class ManyCustomers(Asked):
    customers = serializers.ListField(
        child=serializers.JSONField(),
        min_length=1,
        max_length=MOST_ROWS,
        help_text=_(
            "Objects of user_id, email, phone, name, language, country, timezone, traits; null"
            " and what is left out say nothing."
        ),
    )


class Verdict(serializers.Serializer[Any]):
    row = serializers.IntegerField()
    verdict = serializers.ChoiceField(choices=["created", "updated", "unchanged", "rejected"])
    reason = serializers.CharField(allow_blank=True)


class Verdicts(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    rows = Verdict(many=True)


class _Identifier(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Identity.Kind.choices)
    value = serializers.CharField()
    verified_at = serializers.DateTimeField(allow_null=True)


class CustomerSaid(serializers.ModelSerializer[Customer]):
    id = serializers.UUIDField(source="public_id")
    traits = serializers.DictField()
    identifiers = _Identifier(source="identities", many=True)
    segments = serializers.SerializerMethodField()

    class Meta:
        model = Customer
        fields = (
            "id", "name", "email", "phone", "language", "country", "timezone", "traits",
            "is_known", "first_seen_at", "last_seen_at", "identifiers", "segments",
        )  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.SlugField()))
    def get_segments(self, customer: Customer) -> list[str]:
        return sorted(one.segment.slug for one in customer.memberships.all())


class CustomerFilter(filtering.Strict):
    segment = django_filters.CharFilter(method="in_segment")
    email = django_filters.CharFilter("email", "iexact")
    seen_after = django_filters.IsoDateTimeFilter("last_seen_at", "gte")
    seen_before = django_filters.IsoDateTimeFilter("last_seen_at", "lt")

    class Meta:
        model = Customer
        fields = ("language", "country", "is_known")

    def in_segment(self, rows: CustomerQuerySet, name: str, slug: str) -> CustomerQuerySet:
        """Who is in a segment that the partner may see; of another they would learn who is."""
        partner = self.request.auth.partner
        seen = partners.segments_of(partner).filter(slug=slug)
        members = Membership.objects.filter(segment__in=seen)
        return rows.filter(pk__in=members.values("customer"))


class CustomersView(PartnerView):
    scope = Scope.CUSTOMERS_READ
    scopes = {"POST": Scope.CUSTOMERS_WRITE}  # noqa: RUF012  (ClassVar of the base)

    @says("listCustomers", page_of(CustomerSaid), filters=CustomerFilter)
    def get(self, request: Request) -> Response:
        """The customers of this partner, page by page."""
        rows = filtering.narrow(request, CustomerFilter, _told_of(self))
        return self.page(request, rows, CustomerSaid, Pages)

    @says(
        "addCustomer",
        CustomerSaid,
        asked=NewCustomer,
        status=201,
        example={"user_id": "u-17", "name": "Ada", "email": "ada@example.org"},
    )
    def post(self, request: Request) -> Response:
        """Somebody new. 409 with `exists` where one of the identifiers is somebody's already."""
        may_add(self)
        said = body_of(request, NewCustomer())
        with transaction.atomic():
            customer = _create(said, self)
        data = CustomerSaid(customer).data
        where = reverse("api-customer", args=[customer.public_id])
        return single.answer(request, data, status=201, Location=where)


class CustomersBulkView(PartnerView):
    scope = Scope.CUSTOMERS_WRITE
    largest_body = 16 * 1024 * 1024

    @says(
        "addManyCustomers",
        Verdicts,
        asked=ManyCustomers,
        example={"customers": [{"user_id": "u-17", "traits": {"tier": "gold"}}]},
    )
    def post(self, request: Request) -> Response:
        """Up to 10,000 customers, made or brought up to date, with a verdict for each row.

        A row is found by `user_id` or `email`. A rejected row leaves the others alone.
        """
        may_add(self)
        rows = body_of(request, ManyCustomers())["customers"]
        verdicts = _Verdicts()
        writer = CustomerObjects(now=timezone.now(), file=f"partner {self.partner.pk}")
        writer.write(writer.check(list(enumerate(rows))), verdicts)
        return Response(verdicts.told())


class CustomerView(PartnerView):
    scope = Scope.CUSTOMERS_READ
    scopes = {"PATCH": Scope.CUSTOMERS_WRITE}  # noqa: RUF012

    @says("readCustomer", CustomerSaid)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        """One customer; whoever was merged is found as who they are now."""
        return single.answer(request, CustomerSaid(customer_of(self, public_id)).data)

    @says(
        "changeCustomer", CustomerSaid, asked=OwnFields, example={"name": "Ada", "language": "en"}
    )
    def patch(self, request: Request, public_id: uuid.UUID) -> Response:
        """Change what is said; what is left out stays."""
        said = body_of(request, OwnFields())
        with transaction.atomic():
            locked = Customer.objects.select_for_update().filter(pk=customer_of(self, public_id).pk)
            customer = _told_of(self, locked).get()
            single.check(request, CustomerSaid(customer).data)
            _change(customer, said)
        return single.answer(request, CustomerSaid(customer_of(self, public_id)).data)


class Exists(exceptions.APIException):
    status_code = 409
    default_code = "exists"


class _Verdicts(Report):
    """A report that remembers what was said of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, tuple[str, str]] = {}

    def note(self, line: int, verdict: str) -> None:
        super().note(line, verdict)
        self.rows[line] = (verdict, "")

    def reject(self, line: int, reason: str, row: object) -> None:
        super().reject(line, reason, row)
        self.rows[line] = ("rejected", reason)

    def told(self) -> dict[str, Any]:
        return {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "rows": [
                {"row": number, "verdict": verdict, "reason": reason}
                for number, (verdict, reason) in sorted(self.rows.items())
            ],
        }


def may_add(view: PartnerView) -> None:
    """Customers are added by those who see all of them: others would not find them again."""
    if not view.partner.sees_everybody:
        raise exceptions.PermissionDenied(_("Only a partner who sees all customers adds some."))


def customer_of(view: PartnerView, public_id: uuid.UUID) -> Customer:
    """The customer of this id, if the partner may see them. Raises NotFound."""
    found = view.customer(str(public_id))
    return _told_of(view, Customer.objects.filter(pk=found.pk)).get()


def _told_of(view: PartnerView, rows: CustomerQuerySet | None = None) -> CustomerQuerySet:
    """With what is told of each, in two more queries: segments only those the partner sees."""
    partner = view.partner
    memberships = Membership.objects.select_related("segment")
    if not partner.sees_everybody:
        memberships = memberships.filter(segment__in=partners.segments_of(partner))
    found = partners.customers_of(partner) if rows is None else rows
    return found.prefetch_related(
        Prefetch("identities", Identity.objects.order_by("kind", "value")),
        Prefetch("memberships", memberships),
    )


def _create(said: dict[str, Any], view: PartnerView) -> Customer:
    ids = {kind: said[kind] for kind in ("user_id", "email", "phone") if said.get(kind)}
    if not ids:
        raise serializers.ValidationError([_("Give user_id, email or phone.")])
    for kind, value in ids.items():
        if (owner := customers.find(kind, value)) is not None:
            raise Exists(f"{kind}: a customer has it already: {owner.public_id}")
    now = timezone.now()
    customer = customers.resolve(ids, source=SOURCE, at=now)
    _write(customer, said)
    return _told_of(view, Customer.objects.filter(pk=customer.pk)).get()


def _change(customer: Customer, said: dict[str, Any]) -> None:
    now = timezone.now()
    for kind in ("email", "phone"):
        if said.get(kind):
            taken = not customers.attach(customer, kind, said[kind], source=SOURCE, at=now)
            if taken:
                raise Exists(f"{kind}: it belongs to another customer")
    _write(customer, said)


def _write(customer: Customer, said: dict[str, Any]) -> None:
    """The columns and the traits."""
    changed = [name for name in said if name != "user_id"]
    for name in changed:
        value = said[name]
        if name == "traits":
            both = customer.traits | value
            value = {key: one for key, one in both.items() if one is not None}
        elif name in ("email", "phone"):
            value = customers.normalise(name, value)
        setattr(customer, name, value)
    customer.save(update_fields=changed)
    touches.touch_fields(customer, *changed)
