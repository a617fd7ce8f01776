"""Chinese is complete: nothing that staff or customers read is left in English."""

import re
from pathlib import Path

import pytest
from django.utils import translation

PO = Path("marketing/locale/zh_Hans/LC_MESSAGES/django.po")
ENTRY = re.compile(
    r'^msgid (?P<id>(?:".*"\n)+)(?:msgid_plural (?:".*"\n)+)?(?P<rest>(?:msgstr.*\n(?:".*"\n)*)+)',
    re.M,
)


def text(quoted):
    return "".join(re.findall(r'"(.*)"', quoted))


def entries():
    found = [(text(m["id"]), text(m["rest"])) for m in ENTRY.finditer(PO.read_text() + "\n")]
    return [(source, target) for source, target in found if source]


def test_every_message_is_translated():
    assert len(entries()) > 500
    assert [source for source, target in entries() if not target] == []
    assert "fuzzy" not in PO.read_text()


@pytest.mark.parametrize(("source", "target"), entries())
def test_a_translation_fills_in_the_same_values(source, target):
    def values(string):
        return set(re.findall(r"%\(\w+\)s", string))

    # A plural form may name the number where the singular said "one".
    assert values(source) <= values(target) or values(target) <= values(source)


def test_the_compiled_catalogue_is_up_to_date():
    source, target = next((s, t) for s, t in entries() if s == "Customers")
    with translation.override("zh-hans"):
        assert translation.gettext(source) == target
    mo = PO.with_suffix(".mo").read_bytes().decode("utf-8", "ignore")
    assert all(target.replace("\\n", "\n").replace('\\"', '"') in mo for _, target in entries())
