"""The look of the admin: its name, its colours, and what stands in the side bar."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _icon(request: Any) -> str:
    return static("shop/icon.svg")


def _list(title: Any, icon: str, model: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Rapport",
    "SITE_HEADER": "Rapport",
    "SITE_SUBHEADER": _("Customers, conversations, campaigns"),
    "SITE_SYMBOL": "forum",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon}],
    "SHOW_HISTORY": False,
    "SHOW_LANGUAGES": True,
    "DASHBOARD_CALLBACK": "marketing.dashboard.callback",
    "COLORS": {
        "primary": {
            "50": "#eef2ff",
            "100": "#e0e7ff",
            "200": "#c7d2fe",
            "300": "#a5b4fc",
            "400": "#818cf8",
            "500": "#6366f1",
            "600": "#4f46e5",
            "700": "#4338ca",
            "800": "#3730a3",
            "900": "#312e81",
            "950": "#1e1b4b",
        }
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [
                    {
                        "title": _("Home"),
                        "icon": "dashboard",
                        "link": reverse_lazy("admin:index"),
                    },
                    _list(_("Customers"), "group", "crm_customer"),
                    _list(_("Segments"), "category", "crm_segment"),
                    _list(_("Conversations"), "forum", "chatbot_conversation"),
                    _list(_("Campaigns"), "campaign", "campaigns_campaign"),
                ]
            },
            {
                "title": _("Shop"),
                "separator": True,
                "collapsible": True,
                "items": [
                    _list(_("Orders"), "receipt_long", "crm_order"),
                    _list(_("Products"), "inventory_2", "crm_product"),
                    _list(_("Feedback"), "reviews", "crm_feedback"),
                    _list(_("Coupons"), "sell", "campaigns_coupon"),
                ],
            },
            {
                "title": _("Content"),
                "separator": True,
                "collapsible": True,
                "items": [
                    _list(_("Templates"), "draft", "campaigns_template"),
                    _list(_("Answers"), "quiz", "chatbot_answer"),
                    _list(_("Examples"), "model_training", "chatbot_example"),
                    _list(_("Topics"), "topic", "crm_topic"),
                ],
            },
            {
                "title": _("Trails"),
                "separator": True,
                "collapsible": True,
                "items": [
                    _list(_("Artifacts"), "neurology", "crm_artifact"),
                    _list(_("Events"), "timeline", "crm_event"),
                    _list(_("Deliveries"), "outgoing_mail", "campaigns_delivery"),
                    _list(_("Event sources"), "key", "crm_source"),
                    _list(_("Dead letters"), "unsubscribe", "crm_deadletter"),
                ],
            },
        ],
    },
}
