"""Phone numbers that are known already get the spelling that new ones get."""

import re

from django.db import migrations

MOBILE_OF_CHINA = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")


def _spelt(value):
    if value.startswith("00"):
        value = "+" + value.lstrip("0")
    mobile = MOBILE_OF_CHINA.fullmatch(value)
    return f"+86{mobile[1]}" if mobile else value


def respell(apps, schema_editor):
    Identity = apps.get_model("crm", "Identity")
    phones = Identity.objects.filter(kind="phone")
    taken = set(phones.values_list("value", flat=True))
    changed = []
    for identity in phones.iterator(chunk_size=5000):
        value = _spelt(identity.value)
        if value not in taken:  # two spellings of one number stay, for the duplicate finder
            taken.add(value)
            identity.value = value
            changed.append(identity)
    Identity.objects.bulk_update(changed, ["value"], batch_size=1000)


class Migration(migrations.Migration):
    dependencies = [("crm", "0003_identity_graph")]

    operations = [migrations.RunPython(respell, migrations.RunPython.noop)]
