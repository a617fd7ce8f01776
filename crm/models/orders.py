"""What customers bought, sent back, and have in their cart."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.catalogue import Product
from crm.models.customers import Customer


class OrderQuerySet(models.QuerySet["Order"]):
    def sales(self) -> "OrderQuerySet":
        """Orders that count as bought: not refunds, not cancelled, not waiting for money."""
        return self.filter(is_refund=False).exclude(status__in=Order.NOT_PAID)

    def revenue(self) -> "OrderQuerySet":
        """Sales, and the refunds that take from them (their totals are negative)."""
        return self.exclude(status__in=Order.NOT_PAID)


class Order(models.Model):
    class Status(models.TextChoices):
        PENDING_PAYMENT = "pending_payment", _("waiting for payment")
        PROCESSING = "processing", _("processing")
        SHIPPED = "shipped", _("shipped")
        DELIVERED = "delivered", _("delivered")
        CANCELLED = "cancelled", _("cancelled")
        RETURNING = "returning", _("return requested")
        REFUNDED = "refunded", _("refunded")

    NOT_PAID = (Status.CANCELLED, Status.PENDING_PAYMENT)

    number = models.CharField(_("number"), max_length=64, unique=True)
    customer = models.ForeignKey(
        Customer, models.CASCADE, related_name="orders", verbose_name=_("customer"), db_index=False
    )
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.PROCESSING)
    is_refund = models.BooleanField(_("refund"), default=False)
    total = models.DecimalField(_("total"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    placed_at = models.DateTimeField(_("placed"), db_index=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    eta = models.DateField(_("expected"), null=True, blank=True)
    carrier = models.CharField(_("carrier"), max_length=32, blank=True)
    address = models.TextField(_("address"), blank=True)
    source = models.CharField(_("source"), max_length=64)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [models.Index(fields=["customer", "placed_at"], name="order_of_customer")]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines", db_index=False)
    product = models.ForeignKey(Product, models.PROTECT, related_name="order_lines")
    quantity = models.IntegerField(_("quantity"))
    unit_price = models.DecimalField(_("unit price"), max_digits=12, decimal_places=2)
    key = models.CharField(max_length=64)  # the same line imported twice has the same key

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        constraints = [models.UniqueConstraint(fields=["order", "key"], name="order_line_once")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product_id}"


class CartItem(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="cart", db_index=False)
    product = models.ForeignKey(Product, models.CASCADE)
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    added_at = models.DateTimeField(_("added"))

    class Meta:
        verbose_name = _("cart item")
        verbose_name_plural = _("cart items")
        constraints = [
            models.UniqueConstraint(fields=["customer", "product"], name="cart_line_once")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product_id}"
