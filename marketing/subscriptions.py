"""Who reacts to what: the whole flow of events on one screen.

Left: the kind of event. Right: the tasks that are handed its id.
"""

SUBSCRIPTIONS: dict[str, list[str]] = {
    "crm.order_placed": [
        "crm.tasks.refresh_interests_of",
        "crm.tasks.fold_rfm_after",
        "campaigns.tasks.reward_order",
        "campaigns.tasks.redeem_coupon",
    ],
    "crm.order_refunded": ["crm.tasks.fold_rfm_after"],
    "crm.feedback_given": ["crm.tasks.understand_feedback"],
    "campaigns.message_clicked": ["campaigns.tasks.reward_message"],
    "campaigns.unsubscribed": ["campaigns.tasks.reward_message"],
    "chatbot.message_received": ["chatbot.tasks.note_opinion"],
}

# Who listens to kinds that change while the product runs: the task, which is handed the ids of many
# events at once, and the function that says which kinds it wants to hear of now.
LISTENERS: dict[str, str] = {
    "campaigns.tasks.hear": "campaigns.journeys.kinds.wanted",
    "crm.tasks.tell_webhooks": "crm.webhooks.kinds.wanted",
}
