# ruff: noqa: E501  (HTML for mail programs)
"""What the ready-made journeys say, in both languages: templates that speak of the event.

Each value has a default, for who comes in by an event that does not tell it.
"""

from dataclasses import dataclass

from campaigns.models import Template

_LINE = """<tr>{{% if {one}.image %}}<td width="96" style="padding:12px 16px 12px 0;border-top:1px solid #e2e8f0;"><a href="{{{{ {one}.url }}}}"><img src="{{{{ {one}.image }}}}" width="80" alt="" style="border-radius:8px;display:block;"></a></td>{{% endif %}}<td style="padding:12px 0;border-top:1px solid #e2e8f0;font-size:15px;line-height:1.5;"><a href="{{{{ {one}.url }}}}" style="color:#0f172a;font-weight:600;text-decoration:none;">{{{{ {one}.title }}}}</a>{more}</td><td align="right" style="padding:12px 0;border-top:1px solid #e2e8f0;white-space:nowrap;font-weight:600;">{{{{ {one}.currency }}}} {{{{ {one}.price }}}}</td></tr>"""
_TABLE = (
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">{}</table>'
)
_BUTTON = '<p style="margin:24px 0 8px;"><a href="{{{{ {url} | default: shop.url }}}}" style="display:inline-block;background:#0f766e;color:#ffffff;text-decoration:none;font-weight:600;padding:12px 24px;border-radius:10px;">{label}</a></p>'
_OLD = '{% if event.product.old_price %}<br><span style="color:#64748b;text-decoration:line-through;">{{ event.product.currency }} {{ event.product.old_price }}</span>{% endif %}'
_PRODUCT = (
    "{% if event.product %}"
    + _TABLE.format(_LINE.format(one="event.product", more=_OLD))
    + "{% endif %}"
)
_CART = (
    "{% if event.cart %}"
    + _TABLE.format(
        "{% for line in event.cart limit: 5 %}"
        + _LINE.format(
            one="line", more="{% if line.quantity > 1 %} × {{ line.quantity }}{% endif %}"
        )
        + "{% endfor %}"
    )
    + "{% else %}"
    + _PRODUCT
    + "{% endif %}"
)


@dataclass(frozen=True)
class Words:
    subject_en: str
    body_en: str
    subject_zh: str
    body_zh: str


def _mail(title: str, lead: str, middle: str, label: str, url: str = "event.product.url") -> str:
    return f"<h1>{title}</h1><p>{lead}</p>{middle}" + _BUTTON.format(url=url, label=label)


WORDS = {
    "cart": Words(
        "{{ customer.first_name | default: 'Hello' }}, your cart is waiting",
        _mail(
            "Still thinking about it?",
            "You put {{ event.product.title | default: 'something' }} into your cart. It is still there:",
            _CART,
            "Back to the cart",
            "shop.url",
        ),
        "{{ customer.name | default: '你好' }}，购物车在等你",
        _mail(
            "还在考虑吗？",
            "你把 {{ event.product.title | default: '喜欢的商品' }} 放进了购物车，它们还在：",
            _CART,
            "回到购物车",
            "shop.url",
        ),
    ),
    "price": Words(
        "{{ event.product.title | default: 'Something you looked at' }} costs less now",
        _mail(
            "A lower price",
            "{{ event.product.title | default: 'Something you looked at' }} is {% if event.product.saving %}{{ event.product.currency }} {{ event.product.saving }} {% endif %}cheaper than when you looked at it:",
            _PRODUCT,
            "See it",
        ),
        "{{ event.product.title | default: '你看过的商品' }} 降价了",
        _mail(
            "降价了",
            "{{ event.product.title | default: '你看过的商品' }} 比你看的时候便宜了{% if event.product.saving %} {{ event.product.currency }} {{ event.product.saving }}{% endif %}：",
            _PRODUCT,
            "去看看",
        ),
    ),
    "stock": Words(
        "{{ event.product.title | default: 'What you looked for' }} is back",
        _mail(
            "Back in stock",
            "{{ event.product.title | default: 'What you looked for' }} can be bought again:",
            _PRODUCT,
            "See it",
        ),
        "{{ event.product.title | default: '你找过的商品' }} 到货了",
        _mail(
            "重新到货",
            "{{ event.product.title | default: '你找过的商品' }} 又可以买到了：",
            _PRODUCT,
            "去看看",
        ),
    ),
    "browse": Words(
        "Still looking at {{ event.product.title | default: 'it' }}?",
        _mail(
            "Have another look",
            "You looked at {{ event.product.title | default: 'a few things' }} lately. Here it is again:",
            _PRODUCT,
            "See it",
        ),
        "还在看 {{ event.product.title | default: '它' }} 吗？",
        _mail(
            "再看一眼",
            "你最近看过 {{ event.product.title | default: '几样商品' }}，在这里：",
            _PRODUCT,
            "去看看",
        ),
    ),
}


def template_for(code: str, name: str) -> Template | None:
    """The template of a ready-made journey, made when it is first needed; None: it has none.

    One of the same name that is there is used as staff have left it.
    """
    words = WORDS.get(code)
    if words is None:
        return None
    return Template.objects.get_or_create(name=name, defaults=vars(words))[0]
