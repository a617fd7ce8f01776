"""The base of every view of the REST API: a partner's key, its scope, its rate."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from crm import partners
from crm.models import Customer, Partner, PartnerKey, Scope
from crm.rates import Taken, TokenBuckets
from crm.rest import idempotency
from crm.rest.paging import Pages

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
        scope = view.scopes.get(request.method, view.scope)
        if scope not in request.auth.scopes:
            raise exceptions.PermissionDenied(f"This key is not for {scope}.")
        return True


class PartnerView(APIView):
    """A view for partners. Subclasses name the scope that opens it, and other methods' others.

    A POST may be sent again with its `Idempotency-Key`; what answers such repeats by itself says
    `keeps_answers = False`.
    """

    scope: ClassVar[Scope]
    scopes: ClassVar[Mapping[str, Scope]] = {}
    keeps_answers: ClassVar[bool] = True
    post: Callable[..., Response]  # of those that have one
    authentication_classes = (PartnerAuthentication,)
    permission_classes = (HasScope,)
    taken: Taken | None = None

    @property
    def partner(self) -> Partner:
        key = self.request.auth
        assert isinstance(key, PartnerKey)  # nobody else comes past HasScope
        return key.partner

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and self.keeps_answers and hasattr(self, "post"):
            act = self.post

            def once(request: Request, *args: Any, **kwargs: Any) -> Response:
                return idempotency.once(
                    request,
                    self.partner,
                    lambda: act(request, *args, **kwargs),
                    now=timezone.now(),
                )

            self.post = once  # what DRF calls next

    def customer(self, reference: str) -> Customer:
        """The customer of this id or `kind:value`, if the partner may see them. Raises NotFound."""
        found = partners.find_customer(self.partner, reference)
        if found is None:
            raise exceptions.NotFound(_("No such customer."))
        return found

    def page(
        self,
        request: Request,
        rows: QuerySet[Any],
        tell: type[BaseSerializer[Any]] | Callable[[list[Any]], list[dict[str, Any]]],
        pages: type[Pages] = Pages,
    ) -> Response:
        """One page of the rows, as the parameters ask; `tell` says what is told of them."""
        pager = pages()
        found = list(pager.paginate_queryset(rows, request, view=self) or [])
        told = tell(found, many=True).data if isinstance(tell, type) else tell(found)
        return pager.get_paginated_response(told)

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
