# ruff: noqa: E501  (HTML for mail programs)
"""The words of the demo store's messages, in both languages."""

_PRODUCTS = """
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
{% for product in recommendations limit: 3 %}
  <tr>
    {% if product.image %}<td width="96" style="padding:12px 16px 12px 0;border-top:1px solid #e2e8f0;">
      <a href="{{ product.url }}"><img src="{{ product.image }}" width="80" alt="" style="border-radius:8px;display:block;"></a>
    </td>{% endif %}
    <td style="padding:12px 0;border-top:1px solid #e2e8f0;font-size:15px;line-height:1.5;">
      <a href="{{ product.url }}" style="color:#0f172a;font-weight:600;text-decoration:none;">{{ product.title }}</a><br>
      <span style="color:#64748b;">{{ product.reason }}</span>
    </td>
    <td align="right" style="padding:12px 0;border-top:1px solid #e2e8f0;white-space:nowrap;font-weight:600;">{{ product.currency }} {{ product.price }}</td>
  </tr>
{% endfor %}
</table>
"""

_COUPON = """
{%% if coupon %%}
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0" border="0" style="margin:8px 0 20px;">
  <tr><td align="center" style="background:#f0fdfa;border:1px dashed #0f766e;border-radius:10px;padding:16px;">
    <span style="font:700 20px/1.4 Consolas,Menlo,monospace;color:#0f766e;letter-spacing:1px;">{{ coupon.code }}</span><br>
    <span style="color:#334155;font-size:14px;">{{ coupon.text }} · %s {{ coupon.valid_to }}</span>
  </td></tr>
</table>
{%% endif %%}
"""

_BUTTON = """
<p style="margin:24px 0 8px;"><a href="{{ shop.url }}/" style="display:inline-block;background:#0f766e;color:#ffffff;text-decoration:none;font-weight:600;padding:12px 24px;border-radius:10px;">%s</a></p>
"""

TEMPLATES = [
    {
        "name": "Welcome",
        "subject_en": "Welcome, {{ customer.first_name | default: 'and thank you' }}",
        "body_en": "<h1>Good to have you here</h1>"
        "<p>Hello {{ customer.name | default: 'there' }},</p>"
        "<p>thank you for joining {{ shop.name }}. This is for your first order:</p>"
        + _COUPON % "until"
        + _BUTTON % "Look around",
        "subject_zh": "{{ customer.name | default: '朋友' }}，欢迎加入",
        "body_zh": "<h1>很高兴认识你</h1>"
        "<p>{{ customer.name | default: '朋友' }}，你好：</p>"
        "<p>感谢加入 {{ shop.name }}。这是送你首单的礼物：</p>"
        + _COUPON % "有效期至"
        + _BUTTON % "去逛逛",
    },
    {
        "name": "Picked for you",
        "subject_en": "{{ customer.first_name | default: 'Hello' }}, three things you may like",
        "body_en": "<h1>Picked for you</h1>"
        "<p>Hello {{ customer.name | default: 'there' }}, going by what you looked at and bought, "
        "we think these are worth a look:</p>" + _PRODUCTS + _BUTTON % "See more",
        "subject_zh": "{{ customer.name | default: '你好' }}，这三样你可能会喜欢",
        "body_zh": "<h1>为你挑选</h1>"
        "<p>{{ customer.name | default: '朋友' }}，根据你看过和买过的，这几样值得一看：</p>"
        + _PRODUCTS
        + _BUTTON % "查看更多",
    },
    {
        "name": "We miss you",
        "subject_en": "It has been a while, {{ customer.first_name | default: 'friend' }}",
        "body_en": "<h1>It has been a while</h1>"
        "<p>Hello {{ customer.name | default: 'there' }}, here is something for your next visit, "
        "and what is new since you were here:</p>"
        + _COUPON % "until"
        + _PRODUCTS
        + _BUTTON % "Come back in",
        "subject_zh": "{{ customer.name | default: '朋友' }}，好久不见",
        "body_zh": "<h1>好久不见</h1>"
        "<p>{{ customer.name | default: '朋友' }}，这是送你下次光临的礼物，还有你离开后的新品：</p>"
        + _COUPON % "有效期至"
        + _PRODUCTS
        + _BUTTON % "回来看看",
    },
]

COUPONS = [  # code, category, English, Chinese, days that it is valid
    ("WELCOME10", None, "10 % off your next order", "下一单立减 10%", 90),
    ("PHONE200", "phone", "200 off any phone", "手机立减 200 元", 60),
    ("KITCHEN15", "kitchen", "15 % off everything for the kitchen", "厨房用品 85 折", 45),
]
