"""What runs by the clock. Each task may also be run by hand: `manage.py` has its command."""

from typing import Any

from celery.schedules import crontab

# What takes minutes has a queue of its own, or a message to a customer would wait behind it.
SHORT, LONG = "celery", "long"
TAKES_LONG = (
    "marketing.tasks.train_all",
    "crm.tasks.run_import",
    "crm.tasks.look_after_imports",
    "crm.tasks.find_duplicates",
    "recommendations.tasks.look_at_pictures",
    "recommendations.tasks.retrain_after_news",
)

SCHEDULE: dict[str, dict[str, Any]] = {
    "hand waiting events over": {"task": "crm.tasks.dispatch_events", "schedule": 30.0},
    "send webhooks that are due": {
        "task": "crm.tasks.sweep_webhooks",
        "schedule": 30.0,
        "options": {"expires": 60},
    },
    "look after campaigns": {"task": "campaigns.tasks.sweep", "schedule": 30.0},
    "measure the control group": {
        "task": "campaigns.tasks.measure_control",
        "schedule": crontab(hour=4, minute=20),
    },
    "move people on in journeys": {
        "task": "campaigns.tasks.walk",
        "schedule": 10.0,
        "options": {"expires": 30},
    },
    "let people into journeys by the clock": {
        "task": "campaigns.tasks.let_in_by_the_clock",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "tell of cheaper products and of those that are back": {
        "task": "campaigns.tasks.watch_products",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "answer chats that a crash left waiting": {
        "task": "chatbot.tasks.answer_waiting",
        "schedule": 30.0,
    },
    "look after those who wait for staff": {
        "task": "chatbot.tasks.look_after_waiting",
        "schedule": 20.0,
        "options": {"expires": 60},
    },
    "look whom changes moved": {"task": "crm.tasks.drain_touches", "schedule": 30.0},
    "let segments follow the clock": {"task": "crm.tasks.keep_segments_up", "schedule": 60.0},
    "fold changed orders into RFM": {"task": "crm.tasks.fold_rfm", "schedule": 60.0},
    "go on with imports that a crash left": {
        "task": "crm.tasks.look_after_imports",
        "schedule": 60.0,
        "options": {"expires": 60},  # or they pile up behind an import of an hour
    },
    "fill all segments anew": {
        "task": "crm.tasks.refresh_segments",
        "schedule": crontab(hour="2", minute="10"),
    },
    "understand what customers say": {
        "task": "crm.tasks.understand_opinions",
        "schedule": 60.0,
    },
    "refresh interests": {
        "task": "crm.tasks.refresh_interests",
        "schedule": crontab(minute="*/5"),
    },
    "look at new pictures of products": {
        "task": "recommendations.tasks.look_at_pictures",
        "schedule": crontab(minute="*/5"),
        "options": {"expires": 300},
    },
    "look for people who are customers twice": {
        "task": "crm.tasks.find_duplicates",
        "schedule": crontab(hour="2", minute="40"),
    },
    "make the months of the timeline": {
        "task": "crm.tasks.make_partitions",
        "schedule": crontab(hour="1", minute="40"),
    },
    "learn recommendations anew after much has happened": {
        "task": "recommendations.tasks.retrain_after_news",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "take back policies whose trial is worse": {
        "task": "campaigns.tasks.look_after_trials",
        "schedule": crontab(minute="*/15"),
        "options": {"expires": 900},
    },
    "train": {"task": "marketing.tasks.train_all", "schedule": crontab(hour="3", minute="10")},
}
