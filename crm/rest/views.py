"""The base of every view of the REST API: a partner's key, its scope, its rate."""

from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm import partners
from crm.models import Partner, PartnerKey, Scope
from crm.rates import Taken, TokenBuckets

rate_limit = TokenBuckets()


class PartnerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`; the key is found by its digest."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, PartnerKey] | None:
        scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = partners.key_of(text.strip(), now=timezone.now())
        if key is None:
            raise exceptions.AuthenticationFailed("This key is unknown, revoked or expired.")
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class HasScope(BasePermission):
    """The key may do what the view is for."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, PartnerKey):
            raise exceptions.NotAuthenticated("Show a key: Authorization: Bearer <key>.")
        if view.scope not in request.auth.scopes:
            raise exceptions.PermissionDenied(f"This key is not for {view.scope}.")
        return True


class PartnerView(APIView):
    """A view for partners. Subclasses name the scope that opens it."""

    scope: ClassVar[Scope]
    authentication_classes = (PartnerAuthentication,)
    permission_classes = (HasScope,)
    taken: Taken | None = None

    @property
    def partner(self) -> Partner:
        key = self.request.auth
        assert isinstance(key, PartnerKey)  # nobody else comes past HasScope
        return key.partner

    def check_throttles(self, request: Request) -> None:
        partner = self.partner
        self.taken = rate_limit.take(partner.pk, per_second=partner.requests_per_second)
        if not self.taken.allowed:
            raise exceptions.Throttled(wait=1)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        if self.taken is not None:
            final["RateLimit-Limit"] = str(self.partner.requests_per_second)
            final["RateLimit-Remaining"] = str(self.taken.left)
            final["RateLimit-Reset"] = str(self.taken.full_in)
        return final
