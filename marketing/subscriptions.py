"""Who reacts to what: the whole flow of events on one screen.

Left: the kind of event. Right: the tasks that are handed its id.
"""

SUBSCRIPTIONS: dict[str, list[str]] = {
    "crm.order_placed": ["crm.tasks.refresh_customer"],
    "crm.order_refunded": ["crm.tasks.refresh_customer"],
    "crm.consent_changed": ["crm.tasks.refresh_customer"],
}
