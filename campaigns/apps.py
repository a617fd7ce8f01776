from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        from campaigns import channels, panel
        from crm import portrait, segment_page

        channels.register("email", channels.Email())
        segment_page.register_use(panel.of_segment)
        portrait.register(
            portrait.Panel("campaigns", "campaigns/portrait.html", panel.build, order=40)
        )
