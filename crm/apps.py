from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = _("Customers")

    def ready(self) -> None:
        from crm import portrait, profile  # the app registry must be ready first

        portrait.register(portrait.Panel("summary", "crm/summary.html", profile.summary, 10))
        portrait.register(portrait.Panel("activity", "crm/activity.html", profile.activity, 90))
