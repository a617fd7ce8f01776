"""The look of the staff pages: dates and figures, names of relations, styles that exist."""

import re
from datetime import datetime
from pathlib import Path

import pytest
import unfold
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import date_format
from django.utils.translation import override

from campaigns.models import Delivery
from crm.models import Event, Membership, Merge

ROOT = Path(__file__).resolve().parent.parent.parent
NOT_STAFF = ("shop", "base.html")
MADE_BY_SCRIPTS = {"chart", "past", "sheet", "address", "saved"}  # found by scripts, or of mails


@pytest.mark.parametrize(
    ("language", "at", "day"),
    [("en", "3 Feb 2026, 14:05", "3 Feb"), ("zh-hans", "2026年2月3日 14:05", "2月3日")],
)
def test_no_date_can_be_taken_for_another(language, at, day):
    moment = datetime(2026, 2, 3, 14, 5)  # noqa: DTZ001  (as a clock on the wall shows it)
    with override(language):
        for name in ("DATETIME_FORMAT", "SHORT_DATETIME_FORMAT"):
            assert date_format(moment, name) == at
        assert date_format(moment, "MONTH_DAY_FORMAT") == day
        assert intcomma(1234567) == "1,234,567"


def test_a_relation_is_called_what_it_leads_to_unless_it_has_a_name():
    with override("zh-hans"):
        for model in (Event, Membership, Delivery):
            assert str(model._meta.get_field("customer").verbose_name) == "客户"
        assert str(Merge._meta.get_field("winner").verbose_name) == "保留的客户"


def test_every_class_of_a_staff_page_is_in_a_style_sheet():
    """The look comes compiled: a class that it does not hold does nothing, and nobody sees why."""
    sheets = [Path(unfold.__file__).parent / "static/unfold/css/styles.css"]
    sheets += ROOT.glob("*/static/**/*.css")
    css = "".join(sheet.read_text() for sheet in sheets)
    styled = {name.replace("\\", "") for name in re.findall(r"\.((?:\\.|[\w-])+)", css)}
    bare = set()
    for page in (ROOT / "templates").rglob("*.html"):
        if page.relative_to(ROOT / "templates").parts[0] in NOT_STAFF:
            continue
        text = re.sub(r"{%.*?%}|{{.*?}}", " ", page.read_text())
        used = {name for names in re.findall(r'class="([^"]*)"', text) for name in names.split()}
        bare |= {f"{page.name}: {name}" for name in used - styled - MADE_BY_SCRIPTS}
    assert not bare
