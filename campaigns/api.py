"""REST: the next best action for a customer at a placement, and what came of it."""

import uuid
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
from crm.rest import idempotency
from crm.rest.asked import Asked, body_of
from crm.rest.saying import says
from crm.rest.views import PartnerView

LONGEST_KEY = 100
AHEAD = timedelta(minutes=5)  # by which the clock of a partner may be before ours


class _DecisionAsked(Asked):
    customer = serializers.CharField(max_length=300)
    placement = serializers.SlugField(max_length=48)
    occasion = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")


class _RewardTold(Asked):
    kind = serializers.ChoiceField(choices=Reward.Kind.choices)
    key = serializers.CharField(max_length=LONGEST_KEY)
    value = serializers.DecimalField(
        max_digits=14, decimal_places=2, min_value=0, default=Decimal(0)
    )
    at = serializers.DateTimeField(required=False)


DECISION_ASKED, REWARD_TOLD = _DecisionAsked(), _RewardTold()


class _Action(serializers.Serializer[Any]):
    slug = serializers.SlugField()
    name = serializers.CharField()
    channel = serializers.CharField()
    value = serializers.DecimalField(max_digits=12, decimal_places=2)
    due_at = serializers.DateTimeField(allow_null=True)


class _Reasons(serializers.Serializer[Any]):
    codes = serializers.JSONField()
    text = serializers.CharField()


class DecisionSaid(serializers.Serializer[Any]):
    decision = serializers.UUIDField()
    customer = serializers.UUIDField()
    placement = serializers.SlugField()
    action = _Action(allow_null=True)
    policy = serializers.CharField()
    propensity = serializers.FloatField()
    is_exploration = serializers.BooleanField()
    reasons = _Reasons()
    candidates = serializers.JSONField()
    ineligible = serializers.JSONField()


class RewardSaid(serializers.Serializer[Any]):
    decision = serializers.UUIDField()
    key = serializers.CharField()
    kind = serializers.ChoiceField(choices=Reward.Kind.choices)
    value = serializers.DecimalField(max_digits=14, decimal_places=2)
    at = serializers.DateTimeField()


class Closed(exceptions.APIException):
    status_code = 409
    default_code = "placement_closed"
    default_detail = "Nothing is decided at this placement now."


class OutsideWindow(exceptions.APIException):
    status_code = 422
    default_code = "outside_window"


class DecisionsView(PartnerView):
    """POST {customer, placement}: the next best action, logged, and taken from its stock.

    With an `Idempotency-Key` the same question has the same answer, whenever it is asked again.
    """

    scope = Scope.CAMPAIGNS_WRITE
    keeps_answers = False  # the decision itself is kept under the key, for good

    @says(
        "decide",
        DecisionSaid,
        asked=_DecisionAsked,
        status=201,
        also={200: DecisionSaid},
        example={"customer": "user_id:u-17", "placement": "home-offer"},
    )
    def post(self, request: Request) -> Response:
        wanted = body_of(request, DECISION_ASKED)
        customer = self.customer(wanted["customer"])
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
    keeps_answers = False  # the key of a reward is in its body

    @says(
        "reward",
        RewardSaid,
        asked=_RewardTold,
        status=201,
        also={200: RewardSaid},
        example={"kind": "purchase", "key": "order-1001", "value": "49.00"},
    )
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        wanted = body_of(request, REWARD_TOLD)
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
            raise idempotency.OtherBody
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


def _placement(slug: str) -> Any:
    try:
        return decisions.placement_of(slug)
    except decisions.UnknownPlacement:
        raise exceptions.NotFound("No such placement.") from None
    except decisions.PlacementClosed:
        raise Closed from None


def _key(request: Request, partner: int) -> str:
    """The partner's own keys are nobody else's."""
    text = idempotency.key_of(request)
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
