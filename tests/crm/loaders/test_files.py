"""Customers, products, orders, events and MovieLens from files."""

import gzip
import json

import pytest
from django.utils import timezone

from crm.loaders import customers_csv, events_jsonl, movielens, orders_csv, products_csv
from crm.loading import Report, UnusableFile
from crm.models import Consent, ConsentChange, Customer, Event, Feedback, Order, Product
from tests.factories import make_topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def load(tmp_path):
    def load(loader, text, name="file.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with (tmp_path / "rejects.csv").open("w") as rejects:
            report = Report(rejects=rejects)
            loader.load(path, report, now=timezone.now())
        counts = (report.created, report.updated, report.unchanged, report.rejected)
        assert report.read == sum(counts)
        return counts, (tmp_path / "rejects.csv").read_text()

    return load


class TestCustomers:
    HEADER = "user_id,email,name,language,trait.plan,consent.email.offers\n"

    def test_a_row_becomes_a_customer_with_traits_and_consent(self, load):
        make_topic("offers")
        counts, _ = load(customers_csv, self.HEADER + "u1,Ada@Example.org,Ada,zh,gold,yes\n")
        assert counts == (1, 0, 0, 0)
        ada = Customer.objects.get()
        assert (ada.email, ada.language, ada.traits) == (
            "ada@example.org",
            "zh-hans",
            {"plan": "gold"},
        )
        assert Consent.objects.get().is_granted
        assert ConsentChange.objects.get().evidence == {"file": "file.csv"}

    def test_the_same_file_again_changes_nothing_and_another_updates(self, load):
        make_topic("offers")
        row = self.HEADER + "u1,ada@example.org,Ada,zh,gold,yes\n"
        load(customers_csv, row)
        assert load(customers_csv, row)[0] == (0, 0, 1, 0)
        assert load(customers_csv, row.replace(",Ada,", ",Ada L,"))[0] == (0, 1, 0, 0)
        assert ConsentChange.objects.count() == 1

    def test_an_empty_cell_leaves_what_is_known(self, load):
        load(customers_csv, "user_id,name\nu1,Ada\n")
        assert load(customers_csv, "user_id,name\nu1,\n")[0] == (0, 0, 1, 0)
        assert Customer.objects.get().name == "Ada"

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            (",,Ada,zh,,", "user_id and email are both missing"),
            ("u2,not-an-address,Ada,zh,,", "email: 'not-an-address'"),
            ("u2,,Ada,klingon,,", "language: 'klingon'"),
            ("u2,,Ada,zh,,perhaps", "consent.email.offers: 'perhaps'"),
        ],
    )
    def test_a_bad_row_is_rejected_and_leaves_no_trace(self, load, row, reason):
        make_topic("offers")
        counts, rejects = load(customers_csv, f"{self.HEADER}{row}\nu1,,Good,en,,\n")
        assert counts == (1, 0, 0, 1)
        assert reason in rejects
        assert Customer.objects.get().name == "Good"

    def test_an_address_of_somebody_else_is_rejected(self, load):
        text = "user_id,email\nu1,ada@example.org\nu2,ADA@example.org\n"
        counts, rejects = load(customers_csv, text)
        assert counts == (1, 0, 0, 1)
        assert "belongs to another customer" in rejects

    def test_an_unknown_column_refuses_the_file(self, load):
        with pytest.raises(UnusableFile, match="unknown column 'mood'"):
            load(customers_csv, "user_id,mood\nu1,good\n")

    def test_a_column_that_stands_twice_refuses_the_file(self, load):
        with pytest.raises(UnusableFile, match="stands twice"):
            load(customers_csv, "user_id,name,name\nu1,a,b\n")


class TestProducts:
    def test_products_are_created_updated_and_left(self, load):
        text = (
            "sku,title_en,title_zh,price,category,colors,stock\np1,Tea,茶,3.5,Drinks,red|green,4\n"
        )
        assert load(products_csv, text)[0] == (1, 0, 0, 0)
        assert load(products_csv, text)[0] == (0, 0, 1, 0)
        assert load(products_csv, text.replace("3.5", "4"))[0] == (0, 1, 0, 0)
        tea = Product.objects.get()
        assert (tea.colors, tea.stock, tea.category.slug) == (["red", "green"], 4, "drinks")

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("p1,,1,1", "title_en is missing"),
            ("p1,Tea,-1,1", "price: -1 is negative"),
            ("p1,Tea,cheap,1", "price: 'cheap'"),
            ("p1,Tea,1,-2", "stock: -2 is negative"),
            ("p1,Tea,1e30,1", "out of range"),
            ("p1,Tea,NaN,1", "out of range"),
        ],
    )
    def test_a_bad_product_is_rejected(self, load, row, reason):
        counts, rejects = load(products_csv, f"sku,title_en,price,stock\n{row}\n")
        assert counts == (0, 0, 0, 1)
        assert reason in rejects


class TestOrders:
    HEADER = "order,customer,placed_at,sku,quantity,unit_price,status,currency\n"

    def test_lines_of_one_order_come_together(self, load):
        text = (
            self.HEADER + "o1,u1,2026-01-01,a,2,3.00,delivered,EUR\no1,u1,2026-01-01,b,1,4,,EUR\n"
        )
        assert load(orders_csv, text)[0] == (2, 0, 0, 0)
        assert load(orders_csv, text)[0] == (0, 0, 2, 0)
        order = Order.objects.get()
        assert (str(order.total), order.currency, order.lines.count()) == ("10.00", "EUR", 2)

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("o1,u1,2026-01-01,a,-2,3,delivered,", "quantity: -2 does not fit delivered"),
            ("o1,u1,2026-01-01,a,1,3,lost,", "status: 'lost'"),
            ("o1,,2026-01-01,a,1,3,,", "customer is missing"),
            ("o1,u1,never,a,1,3,,", "placed_at: 'never'"),
            ("o1,u1,2026-01-01,a,1.5,3,,", "not a whole number"),
        ],
    )
    def test_a_bad_line_is_rejected(self, load, row, reason):
        counts, rejects = load(orders_csv, f"{self.HEADER}{row}\n")
        assert counts == (0, 0, 0, 1)
        assert reason in rejects


class TestEvents:
    def line(self, **fields):
        return json.dumps({"type": "track", "event": "X", "userId": "u1", **fields}) + "\n"

    def test_lines_are_stored_once(self, load):
        text = self.line(messageId="1") + self.line(messageId="2") + "\n"
        assert load(events_jsonl, text, "e.jsonl")[0] == (2, 0, 0, 0)
        assert load(events_jsonl, text, "e.jsonl")[0] == (0, 0, 2, 0)

    def test_a_line_without_an_id_is_the_same_line_the_second_time(self, load):
        load(events_jsonl, self.line(), "e.jsonl")
        assert load(events_jsonl, self.line(), "e.jsonl")[0] == (0, 0, 1, 0)

    def test_gzip_is_read(self, load):
        load(events_jsonl, gzip.compress(self.line().encode()), "e.jsonl.gz")
        assert Event.objects.count() == 1

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("{broken\n", "not JSON"),
            ("[1]\n", "not a JSON object"),
            ('{"type":"track","event":"X"}\n', "userId and anonymousId are both missing"),
        ],
    )
    def test_a_bad_line_is_rejected_with_its_number(self, load, text, reason):
        counts, rejects = load(events_jsonl, self.line() + text, "e.jsonl")
        assert counts == (1, 0, 0, 1)
        assert rejects.startswith("2,")
        assert reason in rejects


class TestMovieLens:
    def folder(self, tmp_path, ratings):
        (tmp_path / "movies.csv").write_text("movieId,title,genres\n1,Toy Story,Comedy\n")
        (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + ratings)
        report = Report()
        movielens.load(tmp_path, report, now=timezone.now())
        return report

    def test_films_are_products_and_stars_are_feedback(self, tmp_path):
        report = self.folder(tmp_path, "7,1,4.5,900000000\n")
        assert report.created == 1
        assert Feedback.objects.get().score == 4.5
        assert self.folder(tmp_path, "7,1,4.5,900000000\n").unchanged == 1

    @pytest.mark.parametrize("row", ["7,1,9,900000000", "7,99,4,900000000", "7,1,4,soon"])
    def test_a_bad_rating_is_rejected(self, tmp_path, row):
        assert self.folder(tmp_path, row + "\n").rejected == 1

    def test_a_folder_without_films_is_refused(self, tmp_path):
        with pytest.raises(UnusableFile, match="no movies"):
            movielens.load(tmp_path, Report(), now=timezone.now())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnusableFile, match="no such file"):
        products_csv.load(tmp_path / "nothing.csv", Report(), now=timezone.now())
