"""REST: customers are read, added and changed by partners who may, and found by nobody else."""

from datetime import timedelta

import pytest

from crm import consent, customers, segments, timeline
from crm.events import ConsentChanged
from crm.models import (
    Consent,
    ConsentChange,
    Customer,
    Membership,
    Scope,
    Score,
    Segment,
)
from tests.factories import NOON, make_customer, make_partner, make_topic
from tests.rest import Caller, is_problem

pytestmark = pytest.mark.django_db


def at(customer, rest=""):
    return f"customers/{customer.public_id}/{rest}"


def known(name, user_id):
    customer = make_customer(name)
    customers.attach(customer, "user_id", user_id, source="shop", at=NOON)
    return customer


class TestOne:
    def test_it_says_who_they_are(self, call):
        ada = known("Ada", "u1")
        segment = Segment.objects.create(slug="regulars", kind="static")
        Membership.objects.create(segment=segment, customer=ada, entered_at=NOON)
        body = call.get(at(ada)).json()
        assert (body["id"], body["name"], body["email"]) == (str(ada.public_id), "Ada", ada.email)
        assert {"kind": "user_id", "value": "u1", "verified_at": None} in body["identifiers"]
        assert body["segments"] == ["regulars"]

    def test_whoever_was_merged_is_found_as_who_they_are(self, call):
        ada, visitor = make_customer("Ada"), make_customer("")
        customers.merge(ada, visitor, evidence="test", source="shop", at=NOON)
        assert call.get(at(visitor)).json()["id"] == str(ada.public_id)

    def test_who_has_it_already_is_told_so(self, call):
        ada = make_customer()
        etag = call.get(at(ada))["ETag"]
        again = call("get", at(ada), If_None_Match=etag)
        assert (again.status_code, again.content) == (304, b"")
        ada.name = "Ada L."
        ada.save()
        assert call("get", at(ada), If_None_Match=etag).status_code == 200

    def test_the_queries_are_few(self, call, django_assert_max_num_queries):
        ada = known("Ada", "u1")
        with django_assert_max_num_queries(6):
            call.get(at(ada))


class TestAList:
    def test_a_walk_meets_everybody_once(self, call):
        people = [make_customer(f"P{n}") for n in range(7)]
        met, path = [], "customers/"
        answer = call.get(path, page_size=3)
        while True:
            body = answer.json()
            met += [one["id"] for one in body["results"]]
            if body["next"] is None:
                break
            make_customer("Newcomer") if len(met) == 3 else None
            answer = call.client.get(body["next"], headers={"Authorization": f"Bearer {call.text}"})
        assert met[:7] == [str(one.public_id) for one in people]
        assert len(met) == len(set(met)) == 8

    def test_the_links_are_headers_too(self, call):
        for n in range(3):
            make_customer(f"P{n}")
        answer = call.get("customers/", page_size=2)
        assert answer["Link"] == f'<{answer.json()["next"]}>; rel="next"'
        assert answer.json()["previous"] is None

    def test_it_is_narrowed(self, call):
        ada, bo = make_customer("Ada", language="en"), make_customer("Bo", language="zh-hans")
        segment = Segment.objects.create(slug="regulars", kind="static")
        Membership.objects.create(segment=segment, customer=bo, entered_at=NOON)

        def found(**query):
            return [one["id"] for one in call.get("customers/", **query).json()["results"]]

        assert found(language="en") == [str(ada.public_id)]
        assert found(segment="regulars") == [str(bo.public_id)]
        assert found(email=bo.email.upper()) == [str(bo.public_id)]
        assert found(seen_after=(NOON + timedelta(days=1)).isoformat()) == []

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ({"langauge": "en"}, "/langauge"),
            ({"language": "xx"}, "/language"),
            ({"seen_after": "yesterday"}, "/seen_after"),
            ({"email": "\0"}, "/email"),
            ({"country": ""}, "/country"),
            ({"is_known": "maybe"}, "/is_known"),
            ({"page_size": "501"}, "/page_size"),
            ({"page_size": "٣"}, "/page_size"),
            ({"language": ["en", "zh-hans"]}, "/language"),
        ],
    )
    def test_what_cannot_be_asked_is_an_error(self, call, query, pointer):
        errors = is_problem(call("get", "customers/", query=query), 400, "invalid")
        assert [where for where, _ in errors] == [pointer]

    def test_a_cursor_that_is_none_is_not_found(self, call):
        is_problem(call.get("customers/", cursor="nonsense"), 404, "not_found")

    def test_the_queries_do_not_grow(self, call, django_assert_max_num_queries):
        for n in range(20):
            known(f"P{n}", f"u{n}")
        with django_assert_max_num_queries(5):
            call.get("customers/")


class TestSomebodyNew:
    def test_they_are_there(self, call):
        said = {"user_id": "u1", "name": "艾达", "email": "Ada@Example.org", "language": "zh-hans"}
        answer = call.post("customers/", said | {"traits": {"tier": "gold"}})
        assert answer.status_code == 201
        ada = Customer.objects.get()
        assert answer["Location"] == f"/api/v1/{at(ada)}"
        assert answer["ETag"] == call.get(at(ada))["ETag"]
        assert (ada.name, ada.email, ada.language) == ("艾达", "ada@example.org", "zh-hans")
        assert (ada.traits, ada.is_known) == ({"tier": "gold"}, True)
        assert customers.find("user_id", "u1") == ada

    def test_somebody_s_identifier_is_not_given_again(self, call):
        ada = known("Ada", "u1")
        answer = call.post("customers/", {"user_id": "u1", "name": "Eve"})
        is_problem(answer, 409, "exists")
        assert str(ada.public_id) in answer.json()["message"]
        assert Customer.objects.count() == 1

    @pytest.mark.parametrize(
        ("said", "pointer"),
        [
            ({"name": "Ada"}, ""),
            ({"user_id": "u", "nmae": "Ada"}, "/nmae"),
            ({"email": "no address"}, "/email"),
            ({"user_id": "u", "timezone": "Mars/Base"}, "/timezone"),
            ({"user_id": "u", "language": "fr"}, "/language"),
            ({"user_id": "u", "name": "x" * 201}, "/name"),
            ({"user_id": "u", "traits": []}, "/traits"),
            ({"user_id": {"a": 1}}, "/user_id"),
            ([], ""),
        ],
    )
    def test_what_is_wrong_is_named(self, call, said, pointer):
        errors = is_problem(call.post("customers/", said), 400, "invalid")
        assert [where for where, _ in errors] == [pointer]
        assert not Customer.objects.exists()

    def test_a_partner_who_sees_some_adds_nobody(self, client):
        some = Caller(client, make_partner("Some"), Scope.CUSTOMERS_WRITE)
        is_problem(some.post("customers/", {"user_id": "u1"}), 403, "permission_denied")
        is_problem(
            some.post("customers/bulk/", {"customers": [{"user_id": "u1"}]}),
            403,
            "permission_denied",
        )
        assert not Customer.objects.exists()


class TestChanging:
    def test_what_is_left_out_stays(self, call):
        ada = make_customer("Ada", traits={"tier": "gold", "shoe": 38})
        answer = call.patch(at(ada), {"country": "CN", "traits": {"shoe": 39, "tier": None}})
        assert answer.status_code == 200
        ada.refresh_from_db()
        assert (ada.name, ada.country, ada.traits) == ("Ada", "CN", {"shoe": 39})

    def test_the_rules_that_read_it_look_again(self, call):
        rule = {"field": "country", "op": "=", "value": "CN"}
        chinese = Segment.objects.create(slug="chinese", kind="rule", rule=rule)
        segments.refresh(chinese, now=NOON)
        ada = make_customer("Ada")
        call.patch(at(ada), {"country": "CN"})
        segments.drain_all(now=NOON)
        assert list(segments.members_of(chinese)) == [ada]

    def test_an_address_of_somebody_else_is_not_taken(self, call):
        ada, bo = make_customer("Ada"), make_customer("Bo")
        customers.attach(bo, "email", bo.email, source="shop", at=NOON)
        is_problem(call.patch(at(ada), {"email": bo.email, "name": "Eve"}), 409, "exists")
        ada.refresh_from_db()
        assert (ada.name, ada.email) != ("Eve", bo.email)

    def test_a_state_that_is_past_is_not_written_over(self, call):
        ada = make_customer("Ada")
        etag = call.get(at(ada))["ETag"]
        assert call.patch(at(ada), {"name": "Ada L."}, If_Match=etag).status_code == 200
        is_problem(call.patch(at(ada), {"name": "Adam"}, If_Match=etag), 412, "changed")
        ada.refresh_from_db()
        assert ada.name == "Ada L."


class TestMany:
    def test_each_row_has_its_verdict(self, call):
        known("Ada", "u1")
        rows = [
            {"user_id": "u1", "name": "Ada L.", "traits": {"tier": "gold"}},
            {"user_id": "u2", "email": "bo@example.org"},
            {"user_id": "u1", "name": "Ada L."},
            {"name": "nobody"},
            {"user_id": "u3", "nmae": "x"},
            "none",
            {"user_id": "u4", "email": "bo@example.org"},
            {"user_id": True},
        ]
        answer = call.post("customers/bulk/", {"customers": rows})
        body = answer.json()
        assert [one["verdict"] for one in body["rows"]] == [
            "updated", "created", "unchanged", "rejected", "rejected", "rejected", "rejected",
            "rejected",
        ]  # fmt: skip
        assert [body[name] for name in ("created", "updated", "unchanged", "rejected")] == [
            1, 1, 1, 5,
        ]  # fmt: skip
        reasons = [one["reason"] for one in body["rows"]]
        assert reasons[4] == "nmae: unknown field"
        assert reasons[6].startswith("email:")
        assert customers.find("user_id", "u1").traits == {"tier": "gold"}

    def test_again_changes_nothing(self, call):
        rows = [{"user_id": f"u{n}", "name": "A", "traits": {"n": n}} for n in range(50)]
        assert call.post("customers/bulk/", {"customers": rows}).json()["created"] == 50
        assert call.post("customers/bulk/", {"customers": rows}).json()["unchanged"] == 50

    def test_the_queries_do_not_grow_with_the_rows(self, call, django_assert_max_num_queries):
        rows = [{"user_id": f"u{n}"} for n in range(500)]
        with django_assert_max_num_queries(25):
            call.post("customers/bulk/", {"customers": rows})

    def test_ten_thousand_are_the_most(self, call):
        rows = [{"user_id": f"u{n}"} for n in range(10_001)]
        errors = is_problem(call.post("customers/bulk/", {"customers": rows}), 400, "invalid")
        assert errors[0][0] == "/customers"


class TestTheTimeline:
    def test_the_newest_is_first_and_it_is_narrowed(self, call):
        ada = make_customer()
        for n in range(3):
            fact = ConsentChanged(channel="email", topic=f"t{n}", is_granted=True)
            timeline.record(ada, fact, at=NOON + timedelta(hours=n), key=str(n))
        rows = call.get(at(ada, "timeline/")).json()["results"]
        assert [one["data"]["topic"] for one in rows] == ["t2", "t1", "t0"]
        after = (NOON + timedelta(hours=1)).isoformat()
        rows = call.get(at(ada, "timeline/"), after=after, kind="crm.consent_changed").json()
        assert len(rows["results"]) == 2


class TestConsents:
    def test_an_answer_is_recorded_with_its_evidence(self, call):
        ada, offers = make_customer(), make_topic()
        said = {"channel": "email", "topic": offers.slug, "is_granted": True}
        answer = call.post(at(ada, "consents/"), said | {"evidence": "checkout box"})
        assert answer.json()["results"][0]["is_granted"] is True
        row = ConsentChange.objects.get(customer=ada)
        assert row.evidence == {"partner": call.partner.name, "said": "checkout box"}
        assert consent.may_contact(ada, channel="email", topic=offers)
        assert call.get(at(ada, "consents/")).json() == answer.json()

    @pytest.mark.parametrize(
        ("said", "pointer"),
        [
            ({"channel": "pigeon"}, "/channel"),
            ({"topic": "nothing"}, "/topic"),
            ({"evidence": ""}, "/evidence"),
        ],
    )
    def test_an_answer_needs_everything(self, call, said, pointer):
        ada, offers = make_customer(), make_topic()
        whole = {
            "channel": "email",
            "topic": offers.slug,
            "is_granted": True,
            "evidence": "a form",
        }
        errors = is_problem(call.post(at(ada, "consents/"), whole | said), 400, "invalid")
        assert errors[0][0] == pointer
        assert not Consent.objects.exists()


class TestInsight:
    def test_each_thing_has_its_reason_and_its_maker(self, call):
        ada = make_customer()
        segment = Segment.objects.create(slug="regulars", kind="static")
        Membership.objects.create(
            segment=segment, customer=ada, entered_at=NOON, reason={"by": "hand"}
        )
        Score.objects.create(
            customer=ada,
            name="churn",
            value=0.7,
            label="high",
            detail={"reasons": [["days_since_order", 90, 1.2]], "auc": 0.8},
            version="logistic 3",
            at=NOON,
        )
        body = call.get(at(ada, "insights/")).json()
        assert body["segments"][0]["reason"] == {"by": "hand"}
        churn = body["scores"][0]
        assert (churn["name"], churn["value"], churn["made_by"]) == ("churn", 0.7, "logistic 3")
        assert churn["detail"] == {"auc": 0.8}
        assert len(churn["reasons"]) == 1


class TestWhoMayWhat:
    def test_each_call_needs_its_scope(self, client):
        ada = make_customer()
        partner = make_partner(sees_everybody=True)
        reader = Caller(client, partner, Scope.CUSTOMERS_READ)
        assert reader.get(at(ada)).status_code == 200
        is_problem(reader.patch(at(ada), {"name": "Eve"}), 403, "permission_denied")
        is_problem(reader.post("customers/", {"user_id": "u"}), 403, "permission_denied")
        is_problem(reader.get(at(ada, "insights/")), 403, "permission_denied")
        writer = Caller(client, partner, Scope.CUSTOMERS_WRITE)
        is_problem(writer.get(at(ada)), 403, "permission_denied")

    def test_a_partner_sees_customers_of_their_segments_and_only_those_segments(self, client):
        mine, other = make_customer("Mine"), make_customer("Other")
        partner = make_partner("Some")
        theirs, hidden = (Segment.objects.create(slug=s, kind="static") for s in ("its", "hidden"))
        for segment in (theirs, hidden):
            Membership.objects.create(segment=segment, customer=mine, entered_at=NOON)
        Membership.objects.create(segment=hidden, customer=other, entered_at=NOON)
        partner.segments.add(theirs)
        some = Caller(client, partner, *Scope.values)
        rows = some.get("customers/").json()["results"]
        assert [(one["id"], one["segments"]) for one in rows] == [(str(mine.public_id), ["its"])]
        told = some.get(at(mine, "insights/")).json()["segments"]
        assert [one["segment"] for one in told] == ["its"]
        for rest in ("", "timeline/", "insights/", "consents/"):
            is_problem(some.get(at(other, rest)), 404, "not_found")
        is_problem(some.patch(at(other), {"name": "Eve"}), 404, "not_found")
        assert some.get("customers/", segment="hidden").json()["results"] == []

    def test_an_identifier_found_out_is_never_told_to_strangers(self, client):
        make_customer("Other", email="other@example.org")
        some = Caller(client, make_partner("Some"), *Scope.values)
        assert some.get("customers/", email="other@example.org").json()["results"] == []
