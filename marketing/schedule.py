"""What runs by the clock. Each task may also be run by hand: `manage.py` has its command."""

from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {
    "hand waiting events over": {"task": "crm.tasks.dispatch_events", "schedule": 30.0},
    "find what is due to be sent": {"task": "campaigns.tasks.sweep", "schedule": 30.0},
}
