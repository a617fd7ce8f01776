from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = _("Customers")

    def ready(self) -> None:
        # The app registry must be ready first.
        from crm import (
            activity,
            identity_panel,
            lookups,  # noqa: F401  (registers itself)
            outlook,
            portrait,
            profile,
            segment_page,
            voice,
        )
        from crm.insight import group

        for panel in (
            portrait.Panel("summary", "crm/summary.html", profile.summary, 10),
            portrait.Panel("outlook", "crm/outlook.html", outlook.panel, 20, loads_later=True),
            portrait.Panel("voice", "crm/voice.html", voice.build, 30, loads_later=True),
            portrait.Panel(
                "identity", "crm/identity.html", identity_panel.identity, 85, loads_later=True
            ),
            portrait.Panel("activity", "crm/activity.html", activity.page, 90),
        ):
            portrait.register(panel)
        segment_page.register(
            segment_page.Panel(
                "insight", "crm/segment_insight.html", group.panel, 50, loads_later=True
            )
        )
