"""Rules to start from, for whoever opens the editor for the first time."""

from typing import Any

SUGGESTIONS: list[tuple[str, str, str, dict[str, Any]]] = [
    (
        "lapsed-big-spenders",
        "Lapsed big spenders",
        "久未购买的大客户",
        {
            "all": [
                {"orders": "total", "op": ">=", "value": 1000},
                {"orders": "days_since_last", "op": ">", "value": 90},
            ]
        },
    ),
    (
        "complained-likely-to-churn",
        "Complained in chat this week and likely to churn",
        "本周在聊天中投诉且可能流失",
        {
            "all": [
                {"chat": "messages", "intent": "complaint", "op": ">=", "count": 1, "days": 7},
                {"score": "churn_90", "op": ">=", "value": 0.5},
            ]
        },
    ),
    (
        "new-without-order",
        "New this month without an order",
        "本月新来但尚未下单",
        {
            "all": [
                {"field": "days_since_first_seen", "op": "<=", "value": 30},
                {"orders": "count", "op": "=", "value": 0},
            ]
        },
    ),
    (
        "abandoned-cart",
        "Put something in the cart this week, bought nothing",
        "本周加入购物车但未购买",
        {
            "all": [
                {"event": "crm.product_added", "op": ">=", "count": 1, "days": 7},
                {"orders": "count", "op": "=", "value": 0, "days": 7},
            ]
        },
    ),
    (
        "not-written-to",
        "May get offers and was not written to for two weeks",
        "可接收优惠且两周内未联系",
        {
            "all": [
                {"consent": "email", "topic": "offers"},
                {"message": "sent", "op": "=", "count": 0, "days": 14},
            ]
        },
    ),
    (
        "happy-regulars",
        "Regulars who rate us well",
        "评价良好的常客",
        {
            "all": [
                {"orders": "count", "op": ">=", "value": 3, "days": 365},
                {"feedback": "any", "op": ">=", "value": 4},
                {"not": {"feedback": "any", "op": "<=", "value": 2, "days": 180}},
            ]
        },
    ),
]
