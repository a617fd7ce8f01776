from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatbotConfig(AppConfig):
    name = "chatbot"
    verbose_name = _("Chatbot")

    def ready(self) -> None:
        from campaigns import channels  # the app registry must be ready first
        from chatbot import listening, portrait
        from chatbot.channel import ChatChannel
        from crm import needs

        channels.register("chat", ChatChannel())
        portrait.register()
        needs.register_examples(listening.examples)
