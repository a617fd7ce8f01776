"""Events by month on PostgreSQL: what one table promised is promised by many."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO
from threading import Barrier, Thread

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from crm import customers, outbox, partitions, tasks, timeline, told
from crm.models import Event
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db
by_month = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite keeps events in one table"
)
LAST_MONTH = NOON - timedelta(days=31)
LONG_AGO = datetime(1971, 3, 5, tzinfo=UTC)


@pytest.fixture
def ada():
    return make_customer("Ada")


def entry(customer, key, at=NOON, kind="crm.page", **more):
    return timeline.Entry(
        customer_id=customer.pk,
        kind=kind,
        data={"n": key},
        happened_at=at,
        message_id=key,
        source="shop",
        **more,
    )


def tell(*entries, at=NOON, **more):
    timeline.record_many(entries, received_at=at, **more)


def asked(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def homes():
    """Key of each event -> the partition that it is in."""
    return dict(asked("SELECT message_id, tableoid::regclass::text FROM crm_event"))


def keys():
    return {row[0] for row in asked("SELECT message_id FROM crm_event_key")}


def make(now=NOON, **more):
    if not partitions.exist():
        return {}
    connection.check_constraints()  # what this transaction wrote is not waiting for its end
    return partitions.make(now, **more)


def test_nothing_points_at_events_by_foreign_key():
    """Its key in PostgreSQL is (id, happened_at): a foreign key to the id alone cannot be."""
    pointing = [
        field
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.fields
        if field.related_model is Event
    ]
    assert pointing == []


def test_what_was_told_is_known_by_its_key(ada):
    tell(entry(ada, "a"), entry(ada, "b"))
    assert told.known("shop", ["a", "b", "c"]) == {"a", "b"}
    assert told.known("elsewhere", ["a"]) == told.known("shop", []) == set()
    assert told.event("shop", "b").data == {"n": "b"}
    with pytest.raises(Event.DoesNotExist):
        told.event("shop", "c")


def test_a_retry_in_another_month_is_the_same_event(ada):
    tell(entry(ada, "a"), entry(ada, "a", at=LAST_MONTH), entry(ada, "b"))
    tell(entry(ada, "b", at=LONG_AGO), entry(ada, "c"), at=NOON + timedelta(days=90))
    assert list(Event.objects.order_by("id").values_list("message_id", "happened_at")) == [
        ("a", NOON),
        ("b", NOON),
        ("c", NOON),
    ]


def test_ids_grow_as_events_are_told_whatever_month_they_are_of(ada):
    make()
    moments = [NOON, LONG_AGO, LAST_MONTH, NOON + timedelta(days=31)]
    tell(*(entry(ada, str(n), at=at) for n, at in enumerate(moments)))
    tell(entry(ada, "4", at=LAST_MONTH))
    told_in_order = Event.objects.order_by("id").values_list("message_id", flat=True)
    assert list(told_in_order) == ["0", "1", "2", "3", "4"]
    assert len(set(Event.objects.values_list("id", flat=True))) == 5


def test_the_timeline_reads_over_months(ada):
    make()
    tell(entry(ada, "old", at=LONG_AGO), entry(ada, "new"), entry(ada, "mid", at=LAST_MONTH))
    assert [event.message_id for event in timeline.history(ada)] == ["new", "mid", "old"]


def test_what_waits_is_handed_over_once_from_whatever_month(ada, settings, monkeypatch):
    heard = []
    settings.EVENT_SUBSCRIPTIONS = {"crm.page": ["crm.tasks.keep_segments_up"]}
    monkeypatch.setattr(
        "crm.tasks.keep_segments_up.delay", lambda *, event_id: heard.append(event_id)
    )
    make()
    tell(entry(ada, "a", at=LONG_AGO), entry(ada, "b"), entry(ada, "c", at=LAST_MONTH))
    assert (outbox.dispatch(now=NOON), outbox.dispatch(now=NOON)) == (3, 0)
    assert heard == sorted(Event.objects.values_list("id", flat=True))


def test_events_of_all_months_follow_a_merge_and_come_back(ada):
    make()
    bob = make_customer("Bob")
    tell(entry(bob, "a", at=LONG_AGO), entry(bob, "b"), entry(ada, "c"))
    merge = customers.merge(ada, bob, evidence="staff", source="t", at=NOON, kind="staff")
    assert ada.events.count() == 3
    customers.unmerge(merge, at=NOON)
    assert (ada.events.count(), bob.events.count()) == (1, 2)


def test_the_task_may_run_on_either_database_and_twice(ada):
    connection.check_constraints()
    tasks.make_partitions()
    assert tasks.make_partitions() == {}


@by_month
class TestMonths:
    def test_who_is_erased_leaves_no_event_and_no_key(self, ada):
        bob = make_customer("Bob")
        make()
        tell(entry(ada, "a", at=LONG_AGO), entry(ada, "b"), entry(bob, "c"))
        ada.delete()
        assert set(homes()) == keys() == {"c"}

    def test_each_event_is_in_its_month_and_the_strange_in_the_default_partition(self, ada):
        make()
        tell(entry(ada, "now"), entry(ada, "then", at=LONG_AGO))
        tell(entry(ada, "far", at=NOON + timedelta(days=40_000)))
        month = f"crm_event_{NOON:%Y_%m}"
        assert homes() == {"now": month, "then": "crm_event_default", "far": "crm_event_default"}

    def test_a_month_begins_at_midnight_utc(self, ada):
        make()
        first = datetime(NOON.year, NOON.month, 1, tzinfo=UTC)
        tell(entry(ada, "a", at=first), entry(ada, "b", at=first - timedelta(microseconds=1)))
        assert homes()["a"] == f"crm_event_{NOON:%Y_%m}" != homes()["b"]

    def test_a_window_reads_its_month_alone(self, ada):
        make()
        start = datetime(NOON.year, NOON.month, 1, tzinfo=UTC)
        window = Event.objects.filter(
            happened_at__gte=start, happened_at__lt=start + timedelta(days=7)
        )
        plan = window.explain()
        assert f"crm_event_{NOON:%Y_%m}" in plan
        assert plan.count("Scan") - plan.count("Bitmap Index Scan") == 1

    def test_a_full_month_comes_out_of_the_default_partition_as_it_was(self, ada, monkeypatch):
        monkeypatch.setattr(partitions, "WORTH", 2)
        tell(entry(ada, "a", at=LONG_AGO), entry(ada, "b", at=LONG_AGO))
        tell(entry(ada, "c", at=LONG_AGO - timedelta(days=90)))
        before = list(Event.objects.order_by("id").values())
        assert make()[f"{LONG_AGO:%Y-%m}"] == 2
        assert make() == {}
        assert list(Event.objects.order_by("id").values()) == before
        assert homes()["a"] == f"crm_event_{LONG_AGO:%Y_%m}"
        assert homes()["c"] == "crm_event_default"
        tell(entry(ada, "a"))
        assert len(homes()) == 3

    def test_the_newest_full_months_come_first_and_no_more_than_asked(self, ada, monkeypatch):
        monkeypatch.setattr(partitions, "WORTH", 1)
        make()
        years = [LONG_AGO.replace(year=year) for year in (1971, 1972, 1973)]
        tell(*(entry(ada, str(n), at=at) for n, at in enumerate(years)))
        assert list(make(most=2)) == ["1973-03", "1972-03"]

    def test_an_event_whose_moment_is_corrected_is_not_lost(self, ada):
        make()
        tell(entry(ada, "a", at=LONG_AGO))
        Event.objects.update(happened_at=NOON)
        assert homes() == {"a": f"crm_event_{NOON:%Y_%m}"}
        assert told.event("shop", "a").happened_at == NOON

    def test_a_table_that_was_emptied_has_no_keys(self, ada):
        tell(entry(ada, "a"))
        connection.check_constraints()
        asked("TRUNCATE crm_event; SELECT 1")
        assert keys() == set()


@by_month
class TestRetiring:
    OLD = date(1971, 3, 1)

    @pytest.fixture(autouse=True)
    def _an_old_month(self, ada, monkeypatch):
        monkeypatch.setattr(partitions, "WORTH", 1)
        tell(entry(ada, "old", at=LONG_AGO))
        make()
        tell(entry(ada, "new"))
        connection.check_constraints()

    def run(self, *args):
        out = StringIO()
        call_command("partitions", *args, stdout=out)
        return out.getvalue()

    def test_it_says_first_what_it_would_do(self):
        said = self.run("retire", "--before", "1971-04")
        assert "crm_event_1971_03" in said
        assert f"crm_event_{NOON:%Y_%m}" not in said
        assert keys() == {"old", "new"}

    def test_a_month_that_is_dropped_takes_its_events_and_keys_along(self):
        self.run("retire", "--before", "1971-04", "--drop")
        assert set(homes()) == keys() == {"new"}
        assert partitions.older_than(self.OLD + timedelta(days=40)) == []

    def test_a_month_that_is_detached_is_a_table_that_keeps_nobody_from_being_erased(self, ada):
        self.run("retire", "--before", "1971-04", "--detach")
        assert asked("SELECT message_id FROM crm_event_1971_03_retired") == [("old",)]
        assert set(homes()) == keys() == {"new"}
        ada.delete()
        connection.check_constraints()

    def test_it_wants_to_be_told_which(self):
        with pytest.raises(CommandError, match="--before"):
            self.run("retire", "--drop")

    def test_the_default_partition_stays(self):
        default = next(part for part in partitions.current() if part.month is None)
        with pytest.raises(ValueError, match="stays"):
            partitions.retire(default, drop=True)

    def test_the_list_has_every_partition(self):
        assert len(self.run().splitlines()) == len(partitions.current())


@by_month
@pytest.mark.django_db(transaction=True)
class TestConnections:
    def test_two_who_tell_the_same_at_once_make_each_event_once(self, ada):
        start = Barrier(2)

        def send(at):
            start.wait()
            for batch in range(20):
                tell(*(entry(ada, f"{batch}-{n}", at=at) for n in range(50)))
            connection.close()

        threads = [Thread(target=send, args=[at]) for at in (NOON, LAST_MONTH)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Event.objects.count() == len(homes()) == len(keys()) == 1_000

    def test_there_and_back_again_nothing_is_lost(self, ada, settings):
        settings.EVENT_LISTENERS = {}  # tables of the apps above are gone in between
        make()
        tell(entry(ada, "a", at=LONG_AGO), entry(ada, "b"))
        before = list(Event.objects.order_by("id").values())
        named = asked("SELECT indexname FROM pg_indexes WHERE tablename = 'crm_event' ORDER BY 1")
        latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
        try:
            MigrationExecutor(connection).migrate([("crm", "0008_purchases_fold")])
            assert list(Event.objects.order_by("id").values()) == before
            tell(entry(ada, "a"), entry(ada, "c"))
            assert Event.objects.count() == 3
        finally:
            MigrationExecutor(connection).migrate(latest)
        assert [event.message_id for event in Event.objects.order_by("id")] == ["a", "b", "c"]
        again = asked("SELECT indexname FROM pg_indexes WHERE tablename = 'crm_event' ORDER BY 1")
        assert again == named
        tell(entry(ada, "c", at=LAST_MONTH), entry(ada, "d"))
        assert Event.objects.latest("id").message_id == "d"
        assert Event.objects.count() == 4
