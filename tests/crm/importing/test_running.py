"""An import reads every row once, whatever dies when, and says what became of each."""

import csv
import gzip
import io
import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from crm.importing import files, reading, rejects, running
from crm.loaders.customers_csv import CustomerWriter
from crm.loaders.order_lines import LineWriter
from crm.loading import Report, Writer
from crm.models import Customer, Event, Identity, Import, Order, OrderLine, Product
from tests.factories import NOON

pytestmark = pytest.mark.django_db
ORDERS = "order,customer,placed_at,sku,quantity,unit_price\n"


def bring(content, form="customers", **fields):
    data = content if isinstance(content, bytes) else content.encode()
    source = files.accept([data], name="file.csv", form=form, by=None, now=NOON)
    for name, value in fields.items():
        setattr(source, name, value)
    source.save()
    return source


def run(source, clock=timezone.now):
    running.start(source, now=NOON)
    running.run(source.pk, clock=clock)
    source.refresh_from_db()
    return source


def counts(source):
    return (source.created, source.updated, source.unchanged, source.rejected)


def reasons(source):
    return [(reject.line, reject.reason) for reject in source.rejects.order_by("pk")]


def test_a_file_is_kept_under_a_name_of_ours_and_deleted_when_done():
    source = files.accept(
        [b"email\na@x.org\n"], name="../../etc/x", form="customers", by=None, now=NOON
    )
    kept = Path(django_settings.MEDIA_ROOT) / source.path
    assert kept.parent.name == "imports"
    assert kept.exists()
    assert run(source).state == "done"
    assert not kept.exists()


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_a_chinese_sheet_is_read_in_the_encoding_of_its_office(encoding):
    text = "姓名;邮箱;手机号\n李雷;li@example.com;138 1234 5678\n韩梅梅;han@example.com;\n"
    source = run(bring(text.encode(encoding)))
    assert counts(source) == (2, 0, 0, 0)
    assert Customer.objects.get(email="li@example.com").name == "李雷"
    assert Identity.objects.get(kind="phone").value == "+8613812345678"


def test_the_preview_says_what_would_become_of_each_row_and_changes_nothing():
    Customer.objects.all().delete()
    run(bring("email,name\nold@x.org,Old\n"))
    source = bring("email,name\nnew@x.org,New\nold@x.org,Older\nold@x.org,Older\nwrong,X\n")
    before = Customer.objects.count()
    found = running.preview(source, now=NOON)
    outcomes = ["created", "updated", "unchanged", "rejected"]
    assert [verdict.outcome for verdict in found] == outcomes
    assert "'wrong' is not an address" in found[-1].reason
    assert Customer.objects.count() == before
    assert counts(run(source)) == (1, 1, 1, 1)


def test_a_file_without_names_is_mapped_by_hand():
    source = bring("a@x.org,Ada\nb@x.org,Bob\n")
    assert not source.has_header
    source.mapping = {"0": "email", "1": "name"}
    source.save()
    assert counts(run(source)) == (2, 0, 0, 0)


class TestBadFiles:
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "empty"),
            (b" \n", "empty"),
            (b"PK\x03\x04" + b"x" * 100, "not_text"),
            (gzip.compress(b"a,b\n", mtime=0)[:-9], None),
            (b"\x1f\x8bnot gzip at all", "broken_gzip"),
            (",".join(f"c{n}" for n in range(1000)).encode() + b"\n", "too_wide"),
        ],
    )
    def test_what_cannot_be_read_is_refused_and_not_kept(self, content, why):
        folder = Path(django_settings.MEDIA_ROOT) / "imports"
        if why is None:  # cut short: what there is, is read
            assert bring(content).size <= 4
            return
        with pytest.raises(files.Refused, match=why):
            bring(content)
        assert not list(folder.iterdir())

    def test_a_bomb_is_inflated_up_to_the_limit_and_no_further(self, monkeypatch):
        monkeypatch.setattr(files, "LARGEST", 10_000)
        with pytest.raises(files.TooLarge):
            bring(gzip.compress(b"a,b\n" * 10_000_000))
        assert not list((Path(django_settings.MEDIA_ROOT) / "imports").iterdir())

    def test_gzip_is_unpacked(self):
        assert counts(run(bring(gzip.compress(b"email\na@x.org\n")))) == (1, 0, 0, 0)

    def test_each_bad_row_is_rejected_with_its_line_and_the_rest_goes_in(self):
        rows = [
            "email,name",
            "good@x.org,Good",
            "three,cells,here",
            "nul@x.org,a\0b",
            f"big@x.org,{'x' * 150_000}",
            '"two@x.org","a name',
            'of two lines"',
            "last@x.org,Last",
        ]
        source = run(bring("\n".join(rows) + "\n"))
        assert source.state == "done"
        assert source.created == 3
        assert [line for line, _ in reasons(source)] == [3, 4, 5]
        assert Customer.objects.get(email="two@x.org").name == "a name\nof two lines"

    def test_ten_megabytes_without_a_line_end_do_not_fill_the_memory(self):
        source = run(bring("email,name\n" + "x" * 10_000_000 + "\ngood@x.org,Good\n"))
        assert source.state == "done"
        assert Customer.objects.filter(email="good@x.org").exists()
        assert source.rejected >= 1

    def test_bytes_that_are_not_in_the_encoding_reject_their_row_only(self):
        text = "email,name\nli@x.org,李\n".encode() * 60_000
        source = bring(text + b"bad@x.org,\xff\xfe\n", mapping={"0": "email", "1": "name"})
        found = run(source)
        assert found.encoding == "utf-8-sig"
        assert [reason for _, reason in reasons(found)][-1] == "is not in the encoding of the file"

    def test_a_header_alone_is_an_import_of_nothing(self):
        source = run(bring("email,name\n"))
        assert (source.state, counts(source)) == ("done", (0, 0, 0, 0))


class TestRejects:
    def test_they_come_as_csv_with_the_row_as_it_stood(self):
        source = run(bring("邮箱,姓名\n坏,=HYPERLINK(1)\n"))
        lines = list(csv.reader(io.StringIO("".join(rejects.as_csv(source)).lstrip("\ufeff"))))
        assert lines[0] == ["line", "reason", "row"]
        assert lines[1][0] == "2"
        assert lines[1][2:] == ["坏", "'=HYPERLINK(1)"]

    @pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1"])
    def test_no_cell_is_run_by_a_spreadsheet(self, cell):
        assert rejects.harmless(cell) == f"'{cell}"

    def test_an_event_that_cannot_be_used_says_why(self):
        bad = '{"type":"track","event":"Order Completed","userId":"u","messageId":"1"}\n'
        source = run(
            bring(bad + bad.replace("Order Completed", "Seen").replace('"1"', '"2"'), "events")
        )
        assert counts(source) == (1, 0, 0, 1)
        assert reasons(source) == [(1, "order_id is missing")]
        assert Event.objects.count() == 1


class Died(BaseException):
    """The worker was killed."""


ORDER_FILE = ORDERS + "".join(
    f"o{number // 3},u{number // 6},2026-01-{1 + number % 28:02},p{number % 5},1,{number % 7}\n"
    for number in [*range(40), 3, 4, 5]
)


class TestDeath:
    @pytest.mark.parametrize("death", range(1, 16))
    def test_an_import_goes_on_exactly_where_it_died(self, death, monkeypatch):
        """Killed at any of its steps, the end is as if it had never died."""
        monkeypatch.setattr("crm.loaders.orders_csv.OrderWriter.size", 10)
        whole = counts(run(bring(ORDER_FILE, "orders")))
        expected = picture()
        for model in (OrderLine, Event, Order, Identity, Customer, Product):
            model.objects.all().delete()
        source = bring(ORDER_FILE, "orders")
        steps = itertools.count(1)

        def dying(method):
            def step(*args, **kwargs):
                if next(steps) == death:
                    raise Died
                return method(*args, **kwargs)

            return step

        with monkeypatch.context() as during:
            during.setattr(running, "_hold", dying(running._hold))
            during.setattr(LineWriter, "_total", dying(LineWriter._total))
            during.setattr(LineWriter, "_tell", dying(LineWriter._tell))
            try:
                run(source)
            except Died:
                assert running.waiting(now=timezone.now()) == []  # the dead one's lease holds
        later = timezone.now() + running.LEASE * 2
        for waiting in running.waiting(now=later):
            running.run(waiting, clock=lambda: later)
        source.refresh_from_db()
        assert (source.state, counts(source)) == ("done", whole)
        assert source.as_report()["read"] == 43
        assert picture() == expected

    def test_two_workers_do_not_run_one_import_twice(self):
        source = bring("email\na@x.org\n")
        running.start(source, now=NOON)
        seen = []

        def other(writer, rows, report):
            seen.append(running.run(source.pk, clock=timezone.now))

        original = CustomerWriter.write
        with pytest.MonkeyPatch.context() as during:
            during.setattr(
                CustomerWriter, "write", lambda *args: (other(*args), original(*args))[1]
            )
            running.run(source.pk, clock=timezone.now)
        assert seen == [None]
        assert Customer.objects.count() == 1

    def test_a_cancelled_import_stops_and_keeps_what_is_written(self, monkeypatch):
        monkeypatch.setattr(CustomerWriter, "size", 1)
        source = bring("email\na@x.org\nb@x.org\nc@x.org\n")
        original = running._hold

        def hold(given, *args, **progress):
            original(given, *args, **progress)
            if Customer.objects.count() == 2:
                Import.objects.filter(pk=given.pk).update(state="cancelled")

        monkeypatch.setattr(running, "_hold", hold)
        assert run(source).state == "cancelled"
        assert Customer.objects.count() == 2

    def test_an_error_of_ours_stops_the_import_which_can_go_on_later(self, monkeypatch):
        source = bring("email\na@x.org\n")
        with monkeypatch.context() as during:
            during.setattr(CustomerWriter, "write", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                run(source)
        source.refresh_from_db()
        assert (source.state, source.error) == ("failed", "ZeroDivisionError")
        assert running.waiting(now=timezone.now() + running.LEASE * 2) == []
        assert counts(run(source)) == (1, 0, 0, 0)

    def test_cancelling_deletes_the_file(self):
        source = bring("email\na@x.org\n")
        assert running.cancel(source, now=NOON)
        assert not running.start(source, now=NOON)

    def test_files_that_nobody_came_back_for_are_deleted(self):
        bring("email\na@x.org\n")
        assert running.forget_old(now=NOON + timedelta(days=6)) == 0
        assert running.forget_old(now=NOON + timedelta(days=8)) == 1


def picture():
    """What the database says, without its own numbers."""
    lines = OrderLine.objects.order_by("order__number", "key")
    people = Customer.objects.order_by("identities__value")
    return (
        list(lines.values_list("order__number", "order__total", "key", "product__sku")),
        list(people.values_list("identities__value", "first_seen_at", "last_seen_at")),
        sorted(Event.objects.values_list("kind", "data__number", "happened_at")),
    )


CELLS = {
    "user_id": st.sampled_from(["", "1", "２", "2", "u 3", "x" * 300]),
    "email": st.sampled_from(["", "a@x.org", "Ａ@x.org", "B@X.org", "b@x.org ", "no", "c@x.org"]),
    "phone": st.sampled_from(["", "13800000001", "+86 138-0000-0001", "12", "-"]),
    "name": st.sampled_from(["", "Ada", "李雷", "a\\b", "=1", "tab\tin", 'quo"te', "two\nlines"]),
    "language": st.sampled_from(["", "en", "zh-CN", "klingon"]),
    "first_seen_at": st.sampled_from(["", "2026-01-01", "never"]),
    "trait.plan": st.sampled_from(["", "gold", "铜"]),
}
ROWS = st.lists(st.fixed_dictionaries(CELLS).map(lambda row: list(row.values())), max_size=12)
RAGGED = st.lists(st.lists(st.sampled_from(["a@x.org", "", "x"]), max_size=9), max_size=2)


class TestTwice(TestCase):
    """Import twice = import once."""

    @given(rows=ROWS, ragged=RAGGED, size=st.integers(1, 5))
    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )
    def test_the_second_time_creates_nothing_and_every_row_is_accounted_for(
        self, rows, ragged, size
    ):
        file = io.StringIO()
        csv.writer(file).writerows([list(CELLS), *rows, *ragged])
        read = sum(1 for row in csv.reader(io.StringIO(file.getvalue())) if row) - 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(CustomerWriter, "size", size)
            first = run(bring(file.getvalue()))
            known = world()
            again = run(bring(file.getvalue()))
        assert first.as_report()["read"] == again.as_report()["read"] == read
        assert again.created == 0
        assert world()[0] == known[0]
        assert first.rejects.count() == first.rejected

    @given(rows=ROWS)
    @settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
    def test_chunks_of_any_size_come_to_the_same(self, rows):
        worlds = []
        for size in (1, 3, 100):
            for model in (Identity, Customer):
                model.objects.all().delete()
            writer, report = CustomerWriter(now=NOON, file="x"), Report()
            numbered = [(n, dict(zip(CELLS, row, strict=True))) for n, row in enumerate(rows)]
            for start in range(0, len(rows), size):
                writer.write(writer.check(numbered[start : start + size]), report)
            worlds.append((world(), report.created, report.updated, report.rejected))
        assert worlds[0] == worlds[1] == worlds[2]


def world():
    people = Customer.objects.order_by("pk").values_list(
        "name", "email", "phone", "language", "traits"
    )
    owned = Identity.objects.order_by("kind", "value").values_list("kind", "value")
    return list(owned), list(people)


def test_a_hundred_thousand_lines_are_read_within_bounded_memory():
    import tracemalloc

    source = bring("email,name\n" + "a@x.org,Ada\n" * 100_000)
    tracemalloc.start()
    assert sum(1 for _ in reading.records(source)) == 100_000
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_every_writer_says_how_many_rows_it_takes():
    assert all(form.writer.size >= 500 for form in running.FORMATS.values())
    assert issubclass(CustomerWriter, Writer)
