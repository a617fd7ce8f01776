"""Product pictures drawn from the category and the colour: the demo shop needs no image files."""

from crm.models import Product

COLORS = {
    "black": "#2b2f36",
    "white": "#f5f6f8",
    "blue": "#3f6fd8",
    "red": "#d9483b",
    "green": "#3d9a6a",
    "silver": "#b9c0ca",
    "pink": "#e68aa8",
    "grey": "#7d8794",
}
# Drawn on a field of 100 x 100; {c} is the product's colour, {d} a darker line.
SHAPES = {
    "phone": '<rect x="33" y="14" width="34" height="72" rx="6" fill="{c}" stroke="{d}"/>'
    '<rect x="36" y="21" width="28" height="54" rx="2" fill="#dfe8f5"/>'
    '<circle cx="50" cy="80.5" r="2.6" fill="{d}"/>',
    "laptop": '<rect x="22" y="26" width="56" height="38" rx="4" fill="{c}" stroke="{d}"/>'
    '<rect x="26" y="30" width="48" height="30" rx="1" fill="#dfe8f5"/>'
    '<path d="M14 68h72l-5 7H19z" fill="{c}" stroke="{d}"/>',
    "tablet": '<rect x="24" y="16" width="52" height="68" rx="6" fill="{c}" stroke="{d}"/>'
    '<rect x="28" y="21" width="44" height="58" rx="2" fill="#dfe8f5"/>',
    "headphones": '<path d="M24 60V50a26 26 0 0 1 52 0v10" fill="none" stroke="{d}"'
    ' stroke-width="5"/><rect x="18" y="54" width="15" height="26" rx="7" fill="{c}" stroke="{d}"/>'
    '<rect x="67" y="54" width="15" height="26" rx="7" fill="{c}" stroke="{d}"/>',
    "watch": '<path d="M40 12h20l2 18H38zM38 70h24l-2 18H40z" fill="{c}" stroke="{d}"/>'
    '<rect x="31" y="30" width="38" height="40" rx="10" fill="{c}" stroke="{d}"/>'
    '<rect x="36" y="35" width="28" height="30" rx="6" fill="#dfe8f5"/>',
    "shoes": '<path d="M16 62c0-9 3-22 6-26 6 7 14 8 20 4 6 12 17 16 32 18 7 1 11 4 11 9v5H16z"'
    ' fill="{c}" stroke="{d}"/><path d="M16 72h69v6H20c-3 0-4-3-4-6z" fill="#fff" stroke="{d}"/>',
    "jacket": '<path d="M38 18l12 6 12-6 16 10 8 30-11 3-5-16v38H30V45l-5 16-11-3 8-30z"'
    ' fill="{c}" stroke="{d}"/><path d="M50 24v59" stroke="{d}" fill="none"/>',
    "dress": '<path d="M40 15v10c0 7-4 10-3 17l-15 42h56L63 42c1-7-3-10-3-17V15l-4 6H44z"'
    ' fill="{c}" stroke="{d}"/><path d="M37 42h26" stroke="{d}" fill="none"/>',
    "coffee_machine": '<path d="M24 18h52v20H62v6H40v-6H36v42h40v6H24z" fill="{c}" stroke="{d}"/>'
    '<path d="M46 56h24v10a8 8 0 0 1-8 8h-8a8 8 0 0 1-8-8z" fill="#fff" stroke="{d}"/>',
    "rice_cooker": '<rect x="20" y="36" width="60" height="44" rx="14" fill="{c}" stroke="{d}"/>'
    '<path d="M22 38c2-12 14-16 28-16s26 4 28 16z" fill="{c}" stroke="{d}"/>'
    '<rect x="40" y="54" width="20" height="14" rx="3" fill="#dfe8f5"/>',
    "kettle": '<path d="M32 28h32l6 52H26z" fill="{c}" stroke="{d}"/>'
    '<path d="M66 34c18-2 20 26 3 32" fill="none" stroke="{d}" stroke-width="5"/>'
    '<path d="M32 34L20 42l9 8" fill="{c}" stroke="{d}"/><path d="M40 22h16" stroke="{d}"'
    ' stroke-width="5"/>',
    "vacuum": '<path d="M60 12L44 66" stroke="{d}" stroke-width="5"/>'
    '<rect x="46" y="26" width="24" height="26" rx="8" fill="{c}" stroke="{d}"'
    ' transform="rotate(16 58 39)"/><path d="M24 78l6-12h26l6 12z" fill="{c}" stroke="{d}"/>',
    "skincare": '<rect x="32" y="36" width="36" height="48" rx="6" fill="{c}" stroke="{d}"/>'
    '<rect x="40" y="18" width="20" height="18" rx="3" fill="#e8ecf2" stroke="{d}"/>'
    '<rect x="38" y="52" width="24" height="16" rx="2" fill="#fff"/>',
    "toothbrush": '<rect x="43" y="44" width="14" height="44" rx="7" fill="{c}" stroke="{d}"/>'
    '<path d="M50 44V26" stroke="{d}" stroke-width="5"/>'
    '<rect x="43" y="10" width="14" height="17" rx="4" fill="#e8f2ff" stroke="{d}"/>',
}
OTHER = '<path d="M24 34l26-14 26 14v34L50 82 24 68zM24 34l26 14 26-14M50 48v34" fill="{c}"'
OTHER += ' stroke="{d}"/>'


def draw(product: Product, category: str) -> str:
    """An SVG of 400 x 400 of this product."""
    color = COLORS.get(product.colors[0] if product.colors else "silver", "#b9c0ca")
    shape = SHAPES.get(category, OTHER).replace("{c}", color).replace("{d}", "#39414d")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="400" height="400">'
        '<rect width="100" height="100" fill="#f0f3f8"/>'
        '<ellipse cx="50" cy="88" rx="30" ry="4" fill="#dbe2ec"/>'
        f'<g stroke-width="1.6" stroke-linejoin="round">{shape}</g></svg>'
    )


def drawing(product: Product) -> str | None:
    """The drawing that the shop shows of a product without a picture of its own."""
    if product.image and not product.image.startswith("/shop/image/"):
        return None
    return draw(product, product.category.slug if product.category else "")
