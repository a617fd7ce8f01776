"""What runs by the clock. Each task may also be run by hand: `manage.py` has its command."""

from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    "hand waiting events over": {"task": "crm.tasks.dispatch_events", "schedule": 30.0},
    "look after campaigns": {"task": "campaigns.tasks.sweep", "schedule": 30.0},
    "answer chats that a crash left waiting": {
        "task": "chatbot.tasks.answer_waiting",
        "schedule": 30.0,
    },
    "refresh segments": {"task": "crm.tasks.refresh_segments", "schedule": crontab(minute="*/15")},
    "train": {"task": "marketing.tasks.train_all", "schedule": crontab(hour="3", minute="10")},
}
