"""Customers as JSON objects, by the rules of the CSV: the same checks, the same few statements."""

from typing import Any

from crm.loaders import parsing
from crm.loaders.customers_csv import Checked, CustomerWriter
from crm.loading import Refused

TEXTS = ("user_id", "email", "phone", "name", "language", "country", "timezone")
LARGEST_TRAITS = 200


class CustomerObjects(CustomerWriter):
    """Rows `{user_id, email, phone, name, language, country, timezone, traits}`; null says
    nothing."""

    def _check(self, line: int, row: Any) -> Checked | Refused:
        try:
            texts, traits = _texts(row), _traits(row)
        except parsing.BadValue as bad:
            return Refused(line, row, str(bad))
        checked = super()._check(line, texts)
        if isinstance(checked, Checked) and traits:
            checked.values["traits"] = traits
        return checked


def _texts(row: Any) -> dict[str, str]:
    if not isinstance(row, dict):
        raise parsing.BadValue("the row is not a JSON object")
    texts = {}
    for name, value in row.items():
        if name == "traits" or value is None:
            continue
        if name not in TEXTS:
            raise parsing.BadValue(f"{name[:80]}: unknown field")
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise parsing.BadValue(f"{name}: not text")
        texts[name] = str(value)
    return texts


def _traits(row: dict[str, Any]) -> dict[str, Any]:
    traits = row.get("traits") or {}
    if not isinstance(traits, dict):
        raise parsing.BadValue("traits: not a JSON object")
    if len(traits) > LARGEST_TRAITS:
        raise parsing.BadValue(f"traits: more than {LARGEST_TRAITS}")
    return traits
