"""What the shop sells, named in both languages."""

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Bilingual(models.Model):
    """Something with a Chinese and an English name, and other words people use for it."""

    slug = models.SlugField(_("slug"), max_length=64, unique=True)
    name_en = models.CharField(_("English name"), max_length=100)
    name_zh = models.CharField(_("Chinese name"), max_length=100)
    aliases = models.JSONField(_("other words"), default=list, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name_in(get_language() or "en")

    def name_in(self, language: str) -> str:
        return self.name_zh if language.startswith("zh") else self.name_en


class Category(Bilingual):
    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")


class Brand(Bilingual):
    class Meta:
        verbose_name = _("brand")
        verbose_name_plural = _("brands")


class ProductQuerySet(models.QuerySet["Product"]):
    def for_sale(self) -> "ProductQuerySet":
        """Listed and not sold out; a stock of null is a stock nobody counts."""
        return self.filter(is_active=True).exclude(stock=0)


class Product(models.Model):
    sku = models.CharField(_("SKU"), max_length=64, unique=True)
    title_en = models.CharField(_("English title"), max_length=200)
    title_zh = models.CharField(_("Chinese title"), max_length=200, blank=True)
    description_en = models.TextField(_("English description"), blank=True)
    description_zh = models.TextField(_("Chinese description"), blank=True)
    category = models.ForeignKey(
        Category, models.PROTECT, null=True, blank=True, verbose_name=_("category")
    )
    brand = models.ForeignKey(Brand, models.PROTECT, null=True, blank=True, verbose_name=_("brand"))
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    stock = models.PositiveIntegerField(_("stock"), null=True, blank=True)
    colors = models.JSONField(_("colours"), default=list, blank=True)
    sizes = models.JSONField(_("sizes"), default=list, blank=True)
    features = models.JSONField(_("features"), default=list, blank=True)
    image = models.CharField(_("image"), max_length=300, blank=True)
    is_active = models.BooleanField(_("listed"), default=True)
    created_at = models.DateTimeField(_("created"), null=True, blank=True)

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        constraints = [
            models.CheckConstraint(condition=models.Q(price__gte=0), name="price_not_negative")
        ]

    def __str__(self) -> str:
        return self.title_in(get_language() or "en")

    def title_in(self, language: str) -> str:
        return (self.title_zh if language.startswith("zh") else "") or self.title_en
