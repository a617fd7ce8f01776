from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        from campaigns import channels, mail, mailreports, panel, texting
        from campaigns.decisions import approving
        from campaigns.models.placements import POLICY
        from crm import artifacts, portrait, segment_page, webhooks

        channels.register("email", mail.Email())
        channels.register("sms", texting.Texts("sms"))
        channels.register("whatsapp", texting.Texts("whatsapp"))
        if settings.EMAIL_PROVIDER:
            mailreports.listen()
        artifacts.register_guard(POLICY, approving.why_not)
        segment_page.register_use(panel.of_segment)
        webhooks.register_kinds(
            {
                "campaigns.message_sent": _("was sent a message"),
                "campaigns.message_opened": _("opened a message"),
                "campaigns.message_clicked": _("clicked in a message"),
                "campaigns.message_bounced": _("a message to them came back"),
                "campaigns.message_complained": _("complained of a message"),
                "campaigns.message_replied": _("answered a message"),
                "campaigns.journey_step": _("came to a step of a journey"),
            }
        )
        portrait.register(
            portrait.Panel("campaigns", "campaigns/portrait.html", panel.build, order=40)
        )
