from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecommendationsConfig(AppConfig):
    name = "recommendations"
    verbose_name = _("Recommendations")

    def ready(self) -> None:
        from crm import portrait
        from recommendations import panel

        portrait.register(
            portrait.Panel(
                "recommendations",
                "recommendations/portrait.html",
                panel.build,
                order=30,
                loads_later=True,
            )
        )
