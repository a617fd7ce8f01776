from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

NAMES = {
    "ratings": gettext_noop("Expected ratings"),
    "recommender": gettext_noop("Recommendations"),
}
KINDS = {
    "als": gettext_noop("tastes in few numbers (ALS)"),
    "bpr": gettext_noop("tastes in few numbers (BPR)"),
    "content": gettext_noop("what is written about products"),
    "ease": gettext_noop("products chosen together (EASE)"),
    "history": gettext_noop("time to buy again"),
    "item-knn": gettext_noop("products alike by who chose them"),
    "knn-baseline": gettext_noop("ratings of products alike"),
    "popularity": gettext_noop("what sells"),
    "linear-transitions": gettext_noop("what usually comes next, solved for"),
    "rarity": gettext_noop("what few have chosen yet"),
    "sequential": gettext_noop("what usually comes next"),
    "svd": gettext_noop("expected ratings (SVD)"),
    "svdpp": gettext_noop("expected ratings (SVD++)"),
    "session-knn": gettext_noop("customers on the same path"),
    "truncated-svd": gettext_noop("leading directions of taste (SVD)"),
    "user-knn": gettext_noop("customers of like taste"),
}


class RecommendationsConfig(AppConfig):
    name = "recommendations"
    verbose_name = _("Recommendations")

    def ready(self) -> None:
        if settings.SPARK_MASTER:
            from recommendations.ml import factors
            from recommendations.spark import SparkFactoriser

            factors.factorise_with(SparkFactoriser(settings.SPARK_MASTER))
        from crm import learned, portrait, product_page
        from recommendations import interleavings, panel, product_panel, rivals

        rivals.register(interleavings.running)
        learned.register_names(NAMES)
        learned.register_kinds(KINDS)
        portrait.register(
            portrait.Panel(
                "recommendations",
                "recommendations/portrait.html",
                panel.build,
                order=30,
                loads_later=True,
            )
        )
        product_page.register(
            product_page.Panel(
                "recommendations",
                "recommendations/product_panel.html",
                product_panel.build,
                order=10,
                loads_later=True,
            )
        )
