from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        from campaigns import channels, mail, mailreports, panel, texting
        from campaigns.decisions import approving
        from campaigns.models.decisions import POLICY
        from crm import artifacts, portrait, segment_page

        channels.register("email", mail.Email())
        channels.register("sms", texting.Texts("sms"))
        channels.register("whatsapp", texting.Texts("whatsapp"))
        if settings.EMAIL_PROVIDER:
            mailreports.listen()
        artifacts.register_guard(POLICY, approving.why_not)
        segment_page.register_use(panel.of_segment)
        portrait.register(
            portrait.Panel("campaigns", "campaigns/portrait.html", panel.build, order=40)
        )
