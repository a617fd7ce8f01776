from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop


class ChatbotConfig(AppConfig):
    name = "chatbot"
    verbose_name = _("Chatbot")

    def ready(self) -> None:
        from campaigns import channels  # the app registry must be ready first
        from chatbot import listening, portrait
        from chatbot.channel import ChatChannel
        from crm import learned, needs, webhooks

        channels.register("chat", ChatChannel())
        learned.register_names({"intents": gettext_noop("What a message wants")})
        portrait.register()
        webhooks.register_kinds(
            {
                "chatbot.message_received": _("wrote in the chat"),
                "chatbot.handoff_requested": _("asked for a person in the chat"),
                "chatbot.conversation_rated": _("rated a chat"),
            }
        )
        needs.register_examples(listening.examples)
