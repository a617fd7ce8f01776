from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _

OURS = ("crm", "recommendations", "campaigns", "chatbot")


def name_relations() -> None:
    """A relation without a name of its own is called what it leads to, in the reader's language.

    Django would make its name of the attribute: “customer”, whoever reads.
    """
    for label in OURS:
        for model in apps.get_app_config(label).get_models():
            for field in model._meta.concrete_fields:
                target = getattr(field.related_model, "_meta", None)
                if target is not None and field.name == target.model_name:
                    field.verbose_name = target.verbose_name


class MarketingConfig(AppConfig):
    name = "marketing"

    def ready(self) -> None:
        from django.contrib import admin

        from crm import pictures
        from marketing import checks  # noqa: F401  (registers the system checks)
        from marketing.shop.pictures import drawing

        admin.site.index_title = _("Home")
        name_relations()
        pictures.register_drawer(drawing)
