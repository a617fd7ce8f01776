"""The look of the admin: its name, its colours, and what stands in the side bar."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

# The look comes from a package without Chinese for these.
BORROWED = (
    gettext_noop("Choose file to upload"),
    gettext_noop("No results found"),
    gettext_noop("Reset filters"),
    gettext_noop("Add row"),
    gettext_noop("Apply Filters"),
    gettext_noop("Click to cancel"),
    gettext_noop("Click to download"),
    gettext_noop("Dark"),
    gettext_noop("Date"),
    gettext_noop("Expand row"),
    gettext_noop("Go back"),
    gettext_noop("Image preview"),
    gettext_noop("Light"),
    gettext_noop("Loading more results..."),
    gettext_noop("More actions"),
    gettext_noop("Next"),
    gettext_noop("No data"),
    gettext_noop("No recent searches"),
    gettext_noop("No results matching your query"),
    gettext_noop("Previous"),
    gettext_noop("Recent searches"),
    gettext_noop("Return to site"),
    gettext_noop("Run"),
    gettext_noop("Search apps and models..."),
    gettext_noop("Select action"),
    gettext_noop("Select action to run"),
    gettext_noop("Select all rows"),
    gettext_noop("Select record"),
    gettext_noop("Select value"),
    gettext_noop("System"),
    gettext_noop("Toggle password visibility"),
    gettext_noop("Type to search"),
)


def _icon(request: Any) -> str:
    return static("shop/icon.svg")


def _style(request: Any) -> str:
    return static("crm/admin.css")


def _list(title: Any, icon: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model}_changelist"),
        "active": lambda request: _view(request).startswith(f"{model}_"),
    }


def _page(title: Any, icon: str, view: str, permission: str) -> dict[str, Any]:
    """A page of its own, beside the lists; shown to those who may open it."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{view}"),
        "active": lambda request: _view(request) == view,
        "permission": lambda request: request.user.has_perm(permission),
    }


def _view(request: Any) -> str:
    """The name of the page that is open."""
    return request.resolver_match.url_name or "" if request.resolver_match else ""


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Rapport",
    "SITE_HEADER": "Rapport",
    "SITE_SUBHEADER": _("Customers, conversations, campaigns"),
    "SITE_SYMBOL": "forum",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon}],
    "STYLES": [_style],
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
                    _list(_("Possible duplicates"), "join", "crm_duplicatepair"),
                    _list(_("Segments"), "category", "crm_segment"),
                    _page(_("Insight"), "insights", "crm_insight", "crm.view_customer"),
                    _page(
                        _("What customers say"),
                        "record_voice_over",
                        "crm_opinions",
                        "crm.view_opinion",
                    ),
                    _list(_("Conversations"), "forum", "chatbot_conversation"),
                    _page(
                        _("Waiting for staff"),
                        "notifications_active",
                        "chatbot_waiting",
                        "chatbot.view_conversation",
                    ),
                    _list(_("Tickets"), "confirmation_number", "chatbot_ticket"),
                    _page(
                        _("Figures of the chat"),
                        "monitoring",
                        "chatbot_figures",
                        "chatbot.view_conversation",
                    ),
                    _list(_("Campaigns"), "campaign", "campaigns_campaign"),
                    _list(_("Journeys"), "route", "campaigns_journey"),
                    _list(_("Tasks for staff"), "task_alt", "campaigns_stafftask"),
                    _list(_("Control groups"), "group_off", "campaigns_controlgroup"),
                    _list(_("Placements"), "ads_click", "campaigns_placement"),
                    _list(_("Actions"), "touch_app", "campaigns_action"),
                ]
            },
            {
                "title": _("Shop"),
                "separator": True,
                "collapsible": True,
                "items": [
                    _list(_("Orders"), "receipt_long", "crm_order"),
                    _list(_("Products"), "inventory_2", "crm_product"),
                    _page(
                        _("Bought together"),
                        "shopping_basket",
                        "crm_bought_together",
                        "crm.view_segment",
                    ),
                    _page(
                        _("Health of recommendations"),
                        "recommend",
                        "recommendations_health",
                        "recommendations.view_impression",
                    ),
                    _page(_("Graph"), "hub", "crm_graph", "crm.view_customer"),
                    _list(_("Business rules"), "rule", "recommendations_businessrule"),
                    _list(_("Feedback"), "reviews", "crm_feedback"),
                    _list(_("Coupons"), "sell", "campaigns_coupon"),
                    _list(_("Coupon series"), "style", "campaigns_couponseries"),
                    _list(_("Redemptions"), "redeem", "campaigns_redemption"),
                    _list(_("Imports"), "upload_file", "crm_import"),
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
                    _page(
                        _("What the bot has to learn"),
                        "school",
                        "chatbot_learning",
                        "chatbot.view_conversation",
                    ),
                    _list(_("Canned answers"), "quickreply", "chatbot_cannedanswer"),
                    _list(_("Topics"), "topic", "crm_topic"),
                ],
            },
            {
                "title": _("Trails"),
                "separator": True,
                "collapsible": True,
                "items": [
                    _list(_("Artifacts"), "neurology", "crm_artifact"),
                    _list(_("Online tests"), "science", "recommendations_interleaving"),
                    _list(_("Impressions"), "visibility", "recommendations_impression"),
                    _list(_("Events"), "timeline", "crm_event"),
                    _list(_("Deliveries"), "outgoing_mail", "campaigns_delivery"),
                    _list(_("Provider reports"), "outbound", "campaigns_providerreport"),
                    _list(_("Decisions"), "alt_route", "campaigns_decision"),
                    _list(_("Vetoes"), "block", "campaigns_veto"),
                    _list(_("Event sources"), "key", "crm_source"),
                    _list(_("Partners"), "handshake", "crm_partner"),
                    _list(_("Partner keys"), "vpn_key", "crm_partnerkey"),
                    _list(_("Webhooks"), "webhook", "crm_webhook"),
                    _list(_("Webhook messages"), "send", "crm_webhookmessage"),
                    _list(_("Dead letters"), "unsubscribe", "crm_deadletter"),
                ],
            },
        ],
    },
}
