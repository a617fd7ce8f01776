"""What every customer bought, folded into one row, and whose row is no longer so."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customers import Customer


class PurchaseSummary(models.Model):
    """The purchases of a customer in one currency, of which amounts may be added.

    Made of the orders alone (crm/scores/folding.py), and brought up to every change of them.
    """

    customer = models.ForeignKey(  # a million checks would cost more than the fold itself
        Customer,
        models.CASCADE,
        related_name="purchase_summaries",
        db_constraint=False,
        db_index=False,
    )
    currency = models.CharField(_("currency"), max_length=3)
    first_day = models.DateField(null=True)  # null: only ever sent something back
    last_day = models.DateField(null=True)
    days = models.PositiveIntegerField()  # on which they bought
    sales = models.PositiveIntegerField()
    money = models.FloatField()  # it is ranked, never charged

    class Meta:
        verbose_name = _("purchase summary")
        verbose_name_plural = _("purchase summaries")
        constraints = [
            models.UniqueConstraint(fields=["customer", "currency"], name="purchases_once")
        ]

    def __str__(self) -> str:
        return f"#{self.customer_id}: {self.days} d, {self.money:g} {self.currency}"


class PurchaseChange(models.Model):
    """Orders of this customer changed since the last fold. Written by triggers of the database.

    So no writer can forget it, whether it saves, updates in bulk, copies or deletes. A row for
    each change, never one that is shared, as with Touch.
    """

    customer_id = models.BigIntegerField(null=True)  # null: everybody
    order_id = models.BigIntegerField(null=True)  # a new order; null: any other change

    class Meta:
        verbose_name = _("purchase change")
        verbose_name_plural = _("purchase changes")

    def __str__(self) -> str:
        return f"#{self.customer_id}"


class CutPoints(models.Model):
    """What customers are scored by, until it is drawn anew (crm/scores/cuts.py). One row."""

    currency = models.CharField(_("currency"), max_length=3)
    exceeded = models.JSONField()  # {column of the summary: values for a score of 2, 3, 4 and 5}
    buyers = models.PositiveIntegerField()  # of whom they were drawn
    folded = models.PositiveIntegerField(default=0)  # customers whose purchases changed since
    drawn_at = models.DateTimeField()

    class Meta:
        verbose_name = _("cut points")
        verbose_name_plural = _("cut points")

    def __str__(self) -> str:
        return f"{self.drawn_at:%Y-%m-%d} {self.currency}"
