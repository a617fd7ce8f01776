"""A graph is read whole: every error names its node and its field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.journeys import conditions
from campaigns.journeys.graph import BadGraph, parse
from tests.campaigns.journeys.world import entry, graph, leave, mail, wait


def problems(raw):
    with pytest.raises(BadGraph) as error:
        parse(raw)
    return {(one.node, one.field): one.reason for one in error.value.problems}


def test_a_good_graph_is_read():
    read = parse(graph(entry(), wait(), mail(), leave()))
    assert [node.kind for node in read.nodes.values()] == ["entry", "wait", "message", "exit"]
    assert read.entry.ways == ("pause",)


@pytest.mark.parametrize("raw", [None, [], {}, {"nodes": []}, {"nodes": "x"}, {"nodes": {}}])
def test_what_is_no_graph_says_so(raw):
    assert ("", "nodes") in problems(raw)


@pytest.mark.parametrize(
    ("node", "place"),
    [
        (wait(minutes=0), ("pause", "minutes")),
        (wait(minutes=True), ("pause", "minutes")),
        (wait(minutes="60"), ("pause", "minutes")),
        (wait(minutes=366 * 24 * 60 + 1), ("pause", "minutes")),
        (wait() | {"mode": "nap"}, ("pause", "mode")),
        (wait() | {"kind": "nap"}, ("pause", "kind")),
        (wait() | {"kind": ["wait"]}, ("pause", "kind")),
        (wait() | {"name": "x" * 81}, ("pause", "name")),
        (wait() | {"name": 3}, ("pause", "name")),
        (wait() | {"mode": "until", "at": "25:00"}, ("pause", "at")),
        (wait() | {"mode": "until", "at": "09:00", "weekday": 7}, ("pause", "weekday")),
        (wait() | {"mode": "event", "event": ""}, ("pause", "event")),
        (wait() | {"mode": "event", "event": "crm.order_placed"}, ("pause", "otherwise")),
        (wait(to=""), ("pause", "next")),
        (wait(to="nowhere"), ("pause", "next")),
        (wait(to="entry"), ("pause", "next")),
        ({"id": "pause", "kind": "split", "mode": "random", "percent": 100}, ("pause", "percent")),
        ({"id": "pause", "kind": "split", "mode": "rule"}, ("pause", "rule")),
        ({"id": "pause", "kind": "message", "next": "mail"}, ("pause", "template")),
        ({"id": "pause", "kind": "message", "template": 1, "next": "mail"}, ("pause", "channel")),
        ({"id": "pause", "kind": "action", "mode": "tag", "next": "mail"}, ("pause", "name_of")),
        (
            {
                "id": "pause",
                "kind": "action",
                "mode": "trait",
                "name_of": "x",
                "value": {},
                "next": "mail",
            },
            ("pause", "value"),
        ),
        ({"id": "Pause!"}, ("", "nodes[1].id")),
        ("pause", ("", "nodes[1]")),
    ],
)
def test_each_error_names_node_and_field(node, place):
    assert place in problems(graph(entry(), node, mail(), leave()))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"trigger": "moon"}, "trigger"),
        ({"event": ""}, "event"),
        ({"where": "x"}, "where"),
        ({"where": [{"property": "sku"}]}, "where[0]"),
        ({"where": [{"property": "sku", "op": "~", "value": 1}]}, "where[0]"),
        ({"rule": "x"}, "rule"),
        ({"trigger": "segment"}, "segment"),
        ({"trigger": "recurring", "at": "9", "every": "day", "segment": "x"}, "at"),
        ({"trigger": "recurring", "at": "09:00", "every": "year", "segment": "x"}, "every"),
        ({"trigger": "recurring", "at": "09:00", "every": "week", "segment": "x"}, "weekday"),
        ({"trigger": "recurring", "at": "09:00", "every": "day"}, "segment"),
    ],
)
def test_the_entry_says_what_it_lacks(change, field):
    assert ("entry", field) in problems(graph(entry() | change, wait(), mail(), leave()))


@pytest.mark.parametrize(
    ("shares", "field"),
    [
        (None, "shares"),
        ([], "shares"),
        ([{"weight": 1, "next": "mail"}], "shares"),
        ([{"weight": 1, "next": "mail"}] * 11, "shares"),
        ([{"weight": 1, "next": "mail"}, {"weight": 0, "next": "mail"}], "shares[1]"),
        ([{"weight": 1001, "next": "mail"}, {"weight": 1, "next": "mail"}], "shares[0]"),
        ([{"weight": True, "next": "mail"}, {"weight": 1, "next": "mail"}], "shares[0]"),
        ([{"weight": 1.5, "next": "mail"}, "mail"], "shares[1]"),
        ([{"weight": 1, "next": "mail"}, {"weight": 1}], "shares[1]"),
        ([{"weight": 1, "next": "mail"}, {"weight": 1, "next": "nowhere"}], "shares[1]"),
        ([{"weight": 1, "next": "mail"}, {"weight": 1, "next": "entry"}], "shares[1]"),
    ],
)
def test_a_split_by_shares_says_what_it_lacks(shares, field):
    split = {"id": "s", "kind": "split", "mode": "shares", "shares": shares}
    assert ("s", field) in problems(graph(entry(to="s"), split, mail(), leave()))


def test_a_round_through_one_of_several_ways_needs_a_wait():
    ways = [{"weight": 1, "next": "mail"}, {"weight": 1, "next": "end"}]
    split = {"id": "s", "kind": "split", "mode": "shares", "shares": ways}
    assert any(
        "round" in reason
        for reason in problems(graph(entry(to="s"), split, mail(to="s"), leave())).values()
    )


def test_all_errors_are_told_at_once():
    found = problems(graph(entry(to="gone"), wait(minutes=0), mail(to="away"), leave()))
    assert {("entry", "next"), ("pause", "minutes"), ("mail", "next")} <= found.keys()


def test_nodes_that_no_way_leads_to_are_named():
    assert ("mail", "id") in problems(graph(entry(to="end"), mail(), leave()))


def test_there_is_one_entry():
    assert ("", "nodes") in problems(graph(wait(), mail(), leave()))
    two = graph(entry(), wait(), mail(), leave(), entry() | {"id": "another"})
    assert ("", "nodes") in problems(two)


def test_ids_are_unique():
    assert ("pause", "id") in problems(graph(entry(), wait(), wait(), mail(), leave()))


def test_a_round_needs_a_wait():
    found = problems(graph(entry(to="mail"), mail(to="second"), mail("second", to="mail")))
    assert "mail → second → mail" in found[("mail", "next")]
    parse(graph(entry(to="mail"), mail(to="pause"), wait(to="mail")))


def test_a_hundred_nodes_are_enough():
    many = [wait(f"w{i}", to=f"w{i + 1}") for i in range(100)]
    assert ("", "nodes") in problems(graph(entry(to="w0"), *many, leave("w100")))


def test_what_can_be_met_without_a_rest():
    split = {
        "id": "split",
        "kind": "split",
        "mode": "random",
        "percent": 50,
        "next": "pause",
        "otherwise": "end",
    }
    read = parse(graph(entry(to="split"), split, wait(), mail(), leave()))
    assert {node.id for node in read.ahead(["entry"])} == {"entry", "split", "pause", "end"}


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [
        ("=", "tea", True),
        ("!=", "tea", False),
        ("contains", "e", True),
        ("contains", "x", False),
        (">", 1, False),
    ],
)
def test_conditions_on_texts(op, value, holds):
    assert conditions.fits({"sku": "tea"}, [{"property": "sku", "op": op, "value": value}]) is holds


@given(st.one_of(st.integers(-100, 100), st.text(max_size=3), st.none(), st.lists(st.text())))
def test_conditions_never_fail(value):
    for op in conditions.OPERATORS:
        met = conditions.fits({"x": value}, [{"property": "x", "op": op, "value": 3}])
        assert met in (True, False)
        assert value is not None or not met


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["nodes", "id", "kind", "next", "mode"]), inner, max_size=5
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_comes_is_refused_in_words(raw):
    for one in (raw, {"nodes": [raw]}, {"nodes": raw}):
        with pytest.raises(BadGraph):
            parse(one)
