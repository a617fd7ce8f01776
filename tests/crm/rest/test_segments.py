"""REST: segments with their rules, members with their reasons, estimates for those who see all."""

import pytest
from django.utils import timezone

from crm import segments
from crm.models import Scope, Segment
from tests.factories import NOON, make_customer, make_partner
from tests.rest import Caller, is_problem

pytestmark = pytest.mark.django_db
CHINESE = {"field": "language", "op": "=", "value": "zh-hans"}


@pytest.fixture
def chinese():
    segment = Segment.objects.create(
        slug="chinese", name_en="Chinese", name_zh="中文", kind="rule", rule=CHINESE
    )
    make_customer("Ada", language="en")
    for name in ("Bo", "Li"):
        make_customer(name, language="zh-hans")
    segments.refresh(segment, now=NOON)
    return segment


def test_a_list_says_what_each_is(call, chinese):
    row = call.get("segments/").json()["results"][0]
    assert (row["id"], row["rule"], row["size"], row["kind"]) == ("chinese", CHINESE, 2, "rule")
    assert call.get("segments/", kind="static").json()["results"] == []


def test_one_says_whether_it_is_fresh(call, chinese):
    segments.refresh(chinese, now=timezone.now())
    answer = call.get("segments/chinese/")
    assert answer.json()["is_fresh"] is True
    assert call("get", "segments/chinese/", If_None_Match=answer["ETag"]).status_code == 304


def test_members_have_their_reasons(call, chinese, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        rows = call.get("segments/chinese/members/", page_size=1).json()
    assert len(rows["results"]) == 1
    assert rows["next"]
    assert rows["results"][0]["reason"]["because"]


def test_a_rule_is_counted(call, chinese):
    body = call.post("segments/estimate/", {"rule": CHINESE}).json()
    assert (body["size"], body["is_exact"], body["of"]) == (2, True, 3)


@pytest.mark.parametrize("rule", [{}, {"field": "nothing", "op": "=", "value": 1}, {"all": "x"}])
def test_a_rule_that_is_none_is_an_error(call, rule):
    errors = is_problem(call.post("segments/estimate/", {"rule": rule}), 400, "invalid")
    assert [where for where, _ in errors] == ["/rule"]


def test_a_partner_sees_their_own_segments_only(client, chinese):
    hidden = Segment.objects.create(slug="hidden", kind="static")
    partner = make_partner("Some")
    partner.segments.add(chinese)
    some = Caller(client, partner, *Scope.values)
    assert [one["id"] for one in some.get("segments/").json()["results"]] == ["chinese"]
    is_problem(some.get(f"segments/{hidden.slug}/"), 404, "not_found")
    is_problem(some.get(f"segments/{hidden.slug}/members/"), 404, "not_found")
    is_problem(some.post("segments/estimate/", {"rule": CHINESE}), 403, "permission_denied")
