from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MarketingConfig(AppConfig):
    name = "marketing"

    def ready(self) -> None:
        from django.contrib import admin

        from marketing import checks  # noqa: F401  (registers the system checks)

        admin.site.index_title = _("Home")
