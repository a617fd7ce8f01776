"""The addresses in our mails: a pixel, links, and the page on which people say no."""

import base64

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from campaigns import preferences, tokens, tracking
from campaigns.models import Delivery

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@never_cache
@require_safe
def open_pixel(request: HttpRequest, token: str) -> HttpResponse:
    try:
        tracking.opened(tokens.read_open(token), _visit(request))
    except (tokens.BadToken, tracking.UnknownDelivery) as error:
        raise Http404 from error
    return HttpResponse(PIXEL, content_type="image/gif")


@never_cache
@require_safe
def click(request: HttpRequest, token: str) -> HttpResponse:
    """Leads only to the address that stands in our table for this signed number."""
    try:
        delivery_id, link_id = tokens.read_click(token)
        target = tracking.clicked(delivery_id, link_id, _visit(request))
    except (tokens.BadToken, tracking.UnknownDelivery) as error:
        raise Http404 from error
    return HttpResponseRedirect(target)


@csrf_exempt  # RFC 8058: mail programs post here without a cookie; the token is the proof
@never_cache
def preferences_page(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows and never changes anything: scanners follow every link. POST acts."""
    delivery = _delivery_of(token)
    if request.method == "POST":
        return _act(request, delivery)
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD, POST"})
    return _show(request, delivery, saved="")


def _act(request: HttpRequest, delivery: Delivery) -> HttpResponse:
    now = timezone.now()
    if request.POST.get("List-Unsubscribe") == "One-Click":
        tracking.unsubscribed(delivery, source="one-click", everything=False, at=now)
        return HttpResponse("OK", content_type="text/plain")
    action = request.POST.get("action", "")
    if action == "everything":
        tracking.unsubscribed(delivery, source="preferences", everything=True, at=now)
    elif action == "save":
        wanted = set(request.POST.getlist("topics"))
        preferences.save(delivery, wanted=wanted, at=now)
    else:
        return HttpResponse("unknown action", status=400, content_type="text/plain")
    preferences.confirm(delivery, at=now)
    return _show(request, delivery, saved=action)


def _show(request: HttpRequest, delivery: Delivery, *, saved: str) -> HttpResponse:
    wanted = request.GET.get("lang", "")
    language = {"en": "en", "zh": "zh-hans"}.get(wanted, delivery.customer.language)
    with translation.override(language):
        return render(
            request,
            "campaigns/preferences.html",
            {
                "address": preferences.masked(delivery.address),
                "topics": preferences.topics_of(delivery),
                "language": language,
                "saved": saved,
            },
        )


def _delivery_of(token: str) -> Delivery:
    try:
        delivery_id = tokens.read_preferences(token)
    except tokens.BadToken as error:
        raise Http404 from error
    rows = Delivery.objects.select_related("customer", "campaign__topic")
    return get_object_or_404(rows, pk=delivery_id)


def _visit(request: HttpRequest) -> tracking.Visit:
    agent = request.headers.get("User-Agent", "")
    return tracking.Visit(method=request.method or "", user_agent=agent, at=timezone.now())
