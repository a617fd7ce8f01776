import pytest
from django.utils import timezone

from crm.loaders import online_retail
from crm.loading import Report, UnusableFile
from crm.models import Customer, Event, Order, Product

pytestmark = pytest.mark.django_db
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
LINE = "536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n"


@pytest.fixture
def load(tmp_path):
    def load(text, header=HEADER, encoding="utf-8"):
        path = tmp_path / "retail.csv"
        path.write_bytes((header + text).encode(encoding))
        with (tmp_path / "rejects.csv").open("w") as rejects:
            report = Report(rejects=rejects)
            online_retail.load(path, report, now=timezone.now())
        return report, (tmp_path / "rejects.csv").read_text()

    return load


def test_a_line_becomes_a_customer_an_order_and_an_event(load):
    report, _ = load(LINE)
    assert (report.read, report.created) == (1, 1)
    order = Order.objects.get()
    assert (str(order.total), order.currency, order.customer.country) == (
        "15.30",
        "GBP",
        "United Kingdom",
    )
    assert order.customer.first_seen_at == order.placed_at == order.customer.last_seen_at
    assert Event.objects.get().kind == "crm.order_placed"


def test_the_same_file_twice_creates_nothing(load):
    load(LINE)
    report, _ = load(LINE)
    assert (report.created, report.unchanged) == (0, 1)
    assert Order.objects.count() == Event.objects.count() == Customer.objects.count() == 1


def test_a_line_that_stands_twice_is_named(load):
    report, rejects = load(LINE + LINE)
    assert (report.created, report.rejected) == (1, 1)
    assert "repeats line 2" in rejects


def test_a_cancelled_invoice_takes_from_the_revenue(load):
    cancelled = "C536379,85123A,HEART,-2,2010-12-02 09:00:00,2.55,17850,United Kingdom\n"
    load(LINE + cancelled)
    refund = Order.objects.get(is_refund=True)
    assert str(refund.total) == "-5.10"
    assert Order.objects.sales().count() == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINE.replace("17850", ""), "CustomerID is missing"),
        (LINE.replace(",6,", ",-6,"), "Quantity -6 is negative outside a cancelled invoice"),
        (LINE.replace(",6,", ",0,"), "Quantity is 0"),
        (LINE.replace(",6,", ",six,"), "Quantity: 'six' is not a number"),
        (LINE.replace("2.55", "-1"), "UnitPrice: -1 is negative"),
        (LINE.replace("2010-12-01 08:26:00", "yesterday"), "InvoiceDate: 'yesterday'"),
        (LINE.replace("2010-12-01 08:26:00", "2010-13-01"), "InvoiceDate: '2010-13-01'"),
        (LINE.replace("85123A", ""), "StockCode is missing"),
        ("C" + LINE, "Quantity 6 is positive in a cancelled invoice"),
    ],
)
def test_a_bad_line_is_rejected_with_its_number_and_the_rest_goes_on(load, line, reason):
    report, rejects = load(line + LINE.replace("536365", "1"))
    assert (report.created, report.rejected) == (1, 1)
    assert rejects.startswith("2,")
    assert reason in rejects


def test_an_order_of_two_customers_is_the_first_ones(load):
    report, rejects = load(LINE + LINE.replace("17850", "17851").replace("85123A", "X"))
    assert report.rejected == 1
    assert "belongs to another customer" in rejects


def test_postage_is_money_but_nothing_to_recommend(load):
    load(LINE.replace("85123A", "POST"))
    assert Product.objects.get().is_active is False


def test_the_second_edition_of_the_data_is_read_too(load):
    header = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    report, _ = load(LINE.replace("17850", "17850.0"), header=header)
    assert report.created == 1


def test_a_row_with_too_many_cells_is_rejected(load):
    report, rejects = load(LINE.replace("Kingdom", "Kingdom,extra"))
    assert report.rejected == 1
    assert "9 cells, not 8" in rejects


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (HEADER.replace("Country", "Country,Mood"), "unknown column 'Mood'"),
        (HEADER.replace(",Country", ""), "column Country is missing"),
    ],
)
def test_columns_that_do_not_fit_refuse_the_file(load, header, reason):
    with pytest.raises(UnusableFile, match=reason):
        load(LINE, header=header)


def test_a_broken_encoding_says_after_which_line(load):
    with pytest.raises(UnusableFile, match="not UTF-8"):
        load(LINE.replace("HEART", "CŒUR"), encoding="cp1252")
