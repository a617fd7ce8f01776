"""The catalogue as numbers: what is written about each product."""

from typing import TYPE_CHECKING

from crm.models import Product

if TYPE_CHECKING:
    import numpy as np
    from scipy import sparse


def described() -> "tuple[np.ndarray, sparse.csr_matrix]":
    """Ids of all products, ascending, and their features (products, features). One query."""
    import numpy as np

    from recommendations.ml.content import describe

    products = list(Product.objects.select_related("category", "brand").order_by("pk"))
    texts = [f"{p.title_en} {p.title_zh} {p.description_en} {p.description_zh}" for p in products]
    features = describe(texts, [_attributes(product) for product in products])
    return np.array([product.pk for product in products], dtype=np.int64), features


def _attributes(product: Product) -> list[str]:
    said = [f"feature={feature}" for feature in product.features]
    said += [f"colour={colour}" for colour in product.colors]
    kind = product.category.slug if product.category is not None else ""
    if kind:
        said.append(f"category={kind}")
    if product.brand is not None:
        said.append(f"brand={product.brand.slug}")
    # Prices are alike in proportion, one band each doubling, and only among things of a kind.
    said.append(f"price={kind}:{int(product.price).bit_length()}")
    return said
