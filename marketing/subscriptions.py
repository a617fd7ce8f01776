"""Who reacts to what: the whole flow of events on one screen.

Left: the kind of event. Right: the tasks that are handed its id.
"""

SUBSCRIPTIONS: dict[str, list[str]] = {}
