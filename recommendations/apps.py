from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop


class RecommendationsConfig(AppConfig):
    name = "recommendations"
    verbose_name = _("Recommendations")

    def ready(self) -> None:
        from crm import learned, portrait
        from recommendations import panel

        learned.register_names(
            {
                "ratings": gettext_noop("Expected ratings"),
                "recommender": gettext_noop("Recommendations"),
            }
        )
        portrait.register(
            portrait.Panel(
                "recommendations",
                "recommendations/portrait.html",
                panel.build,
                order=30,
                loads_later=True,
            )
        )
