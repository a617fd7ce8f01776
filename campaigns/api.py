"""REST: the next best action for a customer at a placement, and what came of it."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone, translation
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import decisions
from campaigns.decisions import Decided, explaining
from campaigns.models import Decision, Reward
from campaigns.models.placements import named
from crm import partners
from crm.models import Scope
from crm.rest.views import PartnerView

LONGEST_KEY = 100
AHEAD = timedelta(minutes=5)  # by which the clock of a partner may be before ours


class _Asked(serializers.Serializer[Any]):
    """What is misspelt is an error, not ignored."""

    def to_internal_value(self, data: Mapping[str, Any]) -> Any:
        said = super().to_internal_value(data)
        strangers = {name: ["Unknown field."] for name in data if name not in self.fields}
        if strangers:
            raise serializers.ValidationError(strangers)
        return said


class _DecisionAsked(_Asked):
    customer = serializers.CharField(max_length=300)
    placement = serializers.SlugField(max_length=48)
    occasion = serializers.CharField(max_length=100, required=False, default="")


class _RewardTold(_Asked):
    kind = serializers.ChoiceField(choices=Reward.Kind.choices)
    key = serializers.CharField(max_length=LONGEST_KEY)
    value = serializers.DecimalField(
        max_digits=14, decimal_places=2, min_value=0, default=Decimal(0)
    )
    at = serializers.DateTimeField(required=False)


DECISION_ASKED, REWARD_TOLD = _DecisionAsked(), _RewardTold()


class Closed(exceptions.APIException):
    status_code = 409
    default_code = "placement_closed"
    default_detail = "Nothing is decided at this placement now."


class OtherBody(exceptions.APIException):
    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = "This key came before with something else."


class OutsideWindow(exceptions.APIException):
    status_code = 422
    default_code = "outside_window"


class DecisionsView(PartnerView):
    """POST {customer, placement}: the next best action, logged, and taken from its stock.

    With an `Idempotency-Key` the same question has the same answer, whenever it is asked again.
    """

    scope = Scope.CAMPAIGNS_WRITE

    def post(self, request: Request) -> Response:
        wanted = DECISION_ASKED.run_validation(_body(request))
        customer = partners.find_customer(self.partner, wanted["customer"])
        if customer is None:
            raise exceptions.NotFound("No such customer.")
        made = decisions.decide(
            customer,
            _placement(wanted["placement"]),
            now=timezone.now(),
            occasion=wanted["occasion"],
            key=_key(request, self.partner.pk),
        )
        answer = _told(made) | {
            "customer": str(customer.public_id),
            "placement": wanted["placement"],
        }
        if made.is_new:
            return Response(answer, status=201)
        return Response(answer, headers={"Idempotent-Replayed": "true"})


class RewardView(PartnerView):
    """POST {kind, key, value, at}: what came of a decision. The same key is the same reward."""

    scope = Scope.CAMPAIGNS_WRITE

    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        wanted = REWARD_TOLD.run_validation(_body(request))
        now = timezone.now()
        at = wanted.get("at", now)
        if at > now + AHEAD:
            raise serializers.ValidationError({"at": ["It lies in the future."]})
        seen = Decision.objects.filter(customer__in=partners.customers_of(self.partner))
        decision = seen.select_related("placement").filter(public_id=public_id).first()
        if decision is None:
            raise exceptions.NotFound("No such decision.")
        try:
            given, is_new = decisions.reward(
                decision,
                kind=wanted["kind"],
                key=wanted["key"],
                at=at,
                received_at=now,
                value=wanted["value"],
            )
        except decisions.OutsideWindow as refusal:
            raise OutsideWindow(str(refusal)) from None
        if (given.kind, given.value) != (wanted["kind"], wanted["value"]):
            raise OtherBody
        answer = {
            "decision": str(public_id),
            "key": given.key,
            "kind": given.kind,
            "value": str(given.value),
            "at": given.at,
        }
        if is_new:
            return Response(answer, status=201)
        return Response(answer, headers={"Idempotent-Replayed": "true"})


def _body(request: Request) -> Any:
    if not isinstance(request.data, Mapping):
        raise serializers.ValidationError(["A JSON object is needed."])
    return request.data


def _placement(slug: str) -> Any:
    try:
        return decisions.placement_of(slug)
    except decisions.UnknownPlacement:
        raise exceptions.NotFound("No such placement.") from None
    except decisions.PlacementClosed:
        raise Closed from None


def _key(request: Request, partner: int) -> str:
    """The partner's own keys are nobody else's."""
    text = request.headers.get("Idempotency-Key", "")
    if len(text) > LONGEST_KEY:
        raise serializers.ValidationError(
            {"Idempotency-Key": [f"At most {LONGEST_KEY} characters."]}
        )
    return f"{partner}:{text}" if text else ""


def _told(one: Decided) -> dict[str, Any]:
    language = translation.get_language() or "en"
    made, action = one.made, one.action
    names = [action.name_en, action.name_zh] if action else ["", ""]
    policy, _, _artifact = one.policy.partition("#")
    words = explaining.sentence(one.choice, names, policy, made.candidates, made.reasons, language)
    return {
        "decision": str(one.public_id),
        "action": {
            "slug": action.slug,
            "name": named(action.name_en, action.name_zh, language),
            "channel": action.channel,
            "value": str(action.value),
            "due_at": made.due_at,
        }
        if action
        else None,
        "policy": one.policy,
        "propensity": made.propensity,
        "is_exploration": made.is_exploration,
        "reasons": {"codes": made.reasons, "text": words},
        "candidates": made.candidates,
        "ineligible": made.refused,
    }
