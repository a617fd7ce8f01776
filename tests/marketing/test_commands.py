import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from crm.models import DeadLetter, Event, Product, Source
from tests.factories import NOON

pytestmark = pytest.mark.django_db
PRODUCTS = "sku,title_en,price\np1,Tea,3\np2,,4\n"


@pytest.fixture
def products(tmp_path):
    path = tmp_path / "products.csv"
    path.write_text(PRODUCTS)
    return path


def last_line(capsys):
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


class TestLoad:
    def test_it_ends_with_honest_counts(self, products, tmp_path, capsys):
        call_command("load", "products", str(products), rejects=tmp_path / "rejects.csv")
        report = last_line(capsys)
        assert (report["read"], report["created"], report["rejected"]) == (2, 1, 1)
        rejects = (tmp_path / "rejects.csv").read_text()
        assert "3,title_en is missing" in rejects

    def test_a_dry_run_counts_and_changes_nothing(self, products, capsys):
        call_command("load", "products", str(products), dry_run=True)
        assert last_line(capsys)["created"] == 1
        assert Product.objects.count() == 0

    def test_several_files_are_one_report(self, products, capsys):
        call_command("load", "products", str(products), str(products))
        report = last_line(capsys)
        assert (report["created"], report["unchanged"], report["rejected"]) == (1, 1, 2)

    def test_a_missing_file_is_an_explained_failure(self, tmp_path):
        with pytest.raises(CommandError, match="no such file"):
            call_command("load", "products", str(tmp_path / "nothing.csv"))

    def test_an_unknown_format_is_a_bad_argument(self):
        with pytest.raises(CommandError, match="invalid choice"):
            call_command("load", "poems", "x")


class TestEvents:
    @pytest.fixture
    def source(self):
        return Source.objects.create(name="shop", write_key="k", duplicates=3)

    def test_it_counts_what_a_source_sent(self, source, capsys):
        from tests.factories import make_customer

        ada = make_customer()
        for number, day in enumerate((NOON, NOON.replace(year=2027))):
            Event.objects.create(
                customer=ada,
                kind="crm.tracked",
                source="shop",
                message_id=str(number),
                data={},
                happened_at=day,
                received_at=day,
            )
        DeadLetter.objects.create(source=source, reason="r", payload="{}", received_at=NOON)
        call_command("events", "count", source="k")
        assert last_line(capsys) == {
            "source": "shop",
            "stored": 2,
            "duplicate": 3,
            "rejected": 1,
            "waiting": 2,
        }
        call_command("events", "count", source="shop", since="2027-01-01")
        assert last_line(capsys)["stored"] == 1

    def test_an_unknown_source_is_explained(self):
        with pytest.raises(CommandError, match="no source"):
            call_command("events", "count", source="nobody")

    @pytest.mark.usefixtures("source")
    @pytest.mark.parametrize("since", ["soon", "2026-13-01"])
    def test_a_time_that_is_none_is_explained(self, since):
        with pytest.raises(CommandError, match="not a time"):
            call_command("events", "count", source="k", since=since, stdout=StringIO())
