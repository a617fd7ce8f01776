"""The demo shop: what a customer sees, served by the same doors as every other channel."""

from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import F, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.decisions import offers, showing
from crm import customers, orders, timeline
from crm.events import ProductAdded, ProductViewed
from crm.models import CartItem, Category, Customer, Feedback, Product
from crm.pictures import storage
from marketing.shop import pictures, visitor
from recommendations import serving

SHELF = 24
MOST_OF_ONE = 99
BANNER = "home-banner"  # the placement above the shelves
LISTS = ("home", "cart")  # pages with a list of recommendations: the placement is the page's name


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The front page: a list for this visitor with reasons, and the shelves."""
    chosen = request.GET.get("category", "")
    products = Product.objects.for_sale().select_related("category", "brand")
    if chosen:
        products = products.filter(category__slug=chosen)
    return _page(
        request,
        "shop/home.html",
        categories=Category.objects.order_by("pk"),
        chosen=chosen,
        offer=_offer(request) if not chosen else None,
        recommended=_recommended(request, placement="home") if not chosen else [],
        hidden=_hidden(request),
        products=products.order_by("price")[:SHELF] if chosen else _mixed(products),
    )


@require_safe
def product(request: HttpRequest, sku: str) -> HttpResponse:
    found = get_object_or_404(Product.objects.select_related("category", "brand"), sku=sku)
    now = timezone.now()
    if impression := request.GET.get("from", ""):
        if impression.isdigit():
            serving.click(int(impression), now)
        return redirect("product", sku=sku)
    token = visitor.token_of(request)
    if request.method == "GET":
        viewer = visitor.make(token, language=_language(), at=now)
        # One view a minute: reloading is not interest.
        key = f"{viewer.pk}:{sku}:{now:%Y%m%d%H%M}"
        timeline.record(viewer, ProductViewed(sku=sku), at=now, key=key, source="shop")
        request.COOKIES[visitor.COOKIE] = token
    reviews = Feedback.objects.filter(product=found, kind=Feedback.Kind.REVIEW).exclude(text="")
    language, shopper = _language(), visitor.find(request)
    return _page(
        request,
        "shop/product.html",
        product=found,
        together=[
            _card(r, language)
            for r in serving.bought_together(found, n=4, now=now, customer=shopper)
        ],
        similar=[
            _card(r, language) for r in serving.similar(found, n=4, now=now, customer=shopper)
        ],
        looks=[
            _card(r, language) for r in serving.looks_like(found, n=4, now=now, customer=shopper)
        ],
        reviews=reviews.order_by("-at")[:6],
    )


@require_safe
def cart(request: HttpRequest) -> HttpResponse:
    return _page(
        request,
        "shop/cart.html",
        recommended=_recommended(request, placement="cart"),
        hidden=_hidden(request),
    )


@require_POST
def add(request: HttpRequest, sku: str) -> HttpResponse:
    found = get_object_or_404(Product.objects.for_sale(), sku=sku)
    token, now = visitor.token_of(request), timezone.now()
    shopper = visitor.make(token, language=_language(), at=now)
    item, is_new = CartItem.objects.get_or_create(
        customer=shopper, product=found, defaults={"added_at": now}
    )
    if not is_new:
        CartItem.objects.filter(pk=item.pk, quantity__lt=MOST_OF_ONE).update(
            quantity=F("quantity") + 1
        )
    timeline.record(shopper, ProductAdded(sku=sku), at=now, key=uuid4().hex, source="shop")
    return _remembering(redirect("cart"), token)


@require_POST
def remove(request: HttpRequest, sku: str) -> HttpResponse:
    if shopper := visitor.find(request):
        CartItem.objects.filter(customer=shopper, product__sku=sku).delete()
    return redirect("cart")


@require_POST
def dislike(request: HttpRequest, sku: str) -> HttpResponse:
    """“Not for me”: the page comes again without the product, with a way to take it back."""
    found = get_object_or_404(Product, sku=sku)
    token, now, page = visitor.token_of(request), timezone.now(), _page_of_list(request)
    shopper = visitor.make(token, language=_language(), at=now)
    serving.dislike(shopper, found, placement=page, now=now)
    answer = redirect(f"{reverse(page)}?{urlencode({'hidden': sku})}#hidden")
    return _remembering(answer, token)


@require_POST
def take_back(request: HttpRequest, sku: str) -> HttpResponse:
    found, page = get_object_or_404(Product, sku=sku), _page_of_list(request)
    if shopper := visitor.find(request):
        serving.take_back_dislike(shopper, found, placement=page, now=timezone.now())
    return redirect(page)


@require_POST
def check_out(request: HttpRequest) -> HttpResponse:
    """Order what is in the cart. No money moves in the demo shop."""
    token, now = visitor.token_of(request), timezone.now()
    shopper = visitor.make(token, language=_language(), at=now)
    email = request.POST.get("email", "").strip()
    try:
        if email:
            _introduce(shopper, email, request.POST.get("name", ""))
    except ValidationError:
        return _page(
            request,
            "shop/cart.html",
            status=400,
            error=_("“%(email)s” is not an e-mail address.") % {"email": email[:80]},
        )
    order = orders.check_out(shopper, number=f"SO{now:%y%m%d%H%M%S}{shopper.pk}", at=now)
    if order is None:
        return redirect("cart")
    return _remembering(_page(request, "shop/thanks.html", order=order), token)


@require_safe
def offer(request: HttpRequest, decision: UUID) -> HttpResponse:
    """The way from an offer to what it offers; a visitor's own decision is rewarded."""
    shopper = visitor.find(request)
    if shopper is None or request.method != "GET":
        return redirect("home")
    found = showing.clicked(decision, shopper, now=timezone.now())
    if found and found.action and found.action.product:
        return redirect("product", sku=found.action.product.sku)
    return redirect(f"{reverse('home')}#shelves")


@require_safe
def image(request: HttpRequest, sku: str) -> HttpResponse:
    found = get_object_or_404(Product.objects.select_related("category"), sku=sku)
    slug = found.category.slug if found.category else ""
    response = HttpResponse(pictures.draw(found, slug), content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=86400"
    return response


@require_safe
def kept_picture(request: HttpRequest, name: str) -> FileResponse:
    """A picture that staff uploaded. Its name is its content's, so that it never changes."""
    try:
        file = storage().open(f"{name}.jpg")
    except FileNotFoundError:
        raise Http404 from None
    response = FileResponse(file, content_type="image/jpeg")
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _mixed(products: QuerySet[Product]) -> list[Product]:
    """The newest of every category in turn: a window, not a warehouse row."""
    by_category: dict[int | None, list[Product]] = {}
    for found in products.order_by("-pk")[: SHELF * 8]:
        by_category.setdefault(found.category_id, []).append(found)
    turns = zip_longest(*by_category.values())
    return [found for turn in turns for found in turn if found is not None][:SHELF]


def _introduce(shopper: Customer, email: str, name: str) -> None:
    """Keep the name and address somebody orders under. Another's address stays theirs."""
    validate_email(email)
    now = timezone.now()
    if customers.attach(shopper, "email", email, source="shop", at=now):
        shopper.email = customers.normalise("email", email)
    shopper.name = name.strip()[:200] or shopper.name
    shopper.is_known = True
    shopper.save(update_fields=["email", "name", "is_known"])


def _recommended(request: HttpRequest, *, placement: str) -> list[dict[str, Any]]:
    shopper, now = visitor.find(request), timezone.now()
    nobody = Customer(first_seen_at=now, last_seen_at=now)
    found = serving.recommend(shopper or nobody, n=8, now=now, placement=placement)
    if shopper is not None:
        found = serving.record_impressions(shopper, found, placement=placement, now=now)
    language = _language()
    return [_card(one, language) for one in found]


def _offer(request: HttpRequest) -> dict[str, Any] | None:
    """What was decided for this visitor today; looking makes nobody, and nobody gets an offer."""
    shopper, now = visitor.find(request), timezone.now()
    made = showing.shown(shopper, BANNER, now=now) if shopper else None
    if made is None or made.action is None:
        return None
    said = offers.decided(made, _language(), now=now)
    return said | {"product": made.action.product, "decision": made.public_id}


def _page_of_list(request: HttpRequest) -> str:
    """The page whose list the button stands in."""
    page = request.POST.get("placement", "")
    return page if page in LISTS else LISTS[0]


def _hidden(request: HttpRequest) -> Product | None:
    """The product that this visitor has just said “not for me” to, to offer a way back."""
    sku, shopper = request.GET.get("hidden", ""), visitor.find(request)
    found = Product.objects.filter(sku=sku).first() if sku and shopper else None
    if found is None or shopper is None:
        return None
    return found if found.pk in serving.disliked(shopper, now=timezone.now()) else None


def _card(one: serving.Recommended, language: str) -> dict[str, Any]:
    return {
        "product": one.product,
        "reason": one.reason(language),
        "impression": one.impression,
    }


def _page(
    request: HttpRequest, template: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    shopper = visitor.find(request)
    items = (
        list(CartItem.objects.filter(customer=shopper).select_related("product").order_by("pk"))
        if shopper
        else []
    )
    context |= {
        "cart": items,
        "cart_count": sum(item.quantity for item in items),
        "cart_total": sum(item.quantity * item.product.price for item in items),
        "shopper": shopper,
        "locale": "zh-CN" if _language().startswith("zh") else "en",
    }
    response = render(request, template, context, status=status)
    return _remembering(response, visitor.token_of(request)) if shopper else response


def _remembering(response: HttpResponse, token: str) -> HttpResponse:
    visitor.remember(response, token, secure=not settings.DEBUG)
    return response


def _language() -> str:
    return get_language() or "en"
