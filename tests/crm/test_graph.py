"""The knowledge graph is a view: what joins two rows, in few queries, said in two languages."""

import pytest

from crm import baskets, graph, timeline
from crm.graph import Edge, Node, Path, UnknownNode
from crm.models import Interest, Membership, Segment
from tests.factories import NOON, make_brand, make_category, make_customer, make_order, make_product

pytestmark = pytest.mark.django_db


def node(row):
    return Node(type(row).__name__.lower(), str(row.pk))


@pytest.fixture
def world():
    """Ada bought a phone; Bob bought it, too, and a case. The cable is of the same brand."""
    ada, bob = make_customer("Ada"), make_customer("Bob")
    phone = make_product("PHONE", title_en="Phone", title_zh="手机", brand=make_brand())
    case = make_product("CASE", title_en="Case", title_zh="手机壳", category=make_category("case"))
    cable = make_product("CABLE", title_en="Cable", title_zh="数据线", brand=phone.brand)
    make_order(ada, phone)
    make_order(bob, phone, case)
    return {"ada": ada, "bob": bob, "phone": phone, "case": case, "cable": cable}


def reasons(start, end, language="en"):
    found = graph.paths(node(start), node(end))
    called = graph.names({one for path in found for one in path.nodes}, language)
    return [graph.because(path, called, language) for path in found]


class TestNeighbours:
    def test_a_customer_is_joined_to_purchases_views_segments_and_conversations(self, world):
        ada = world["ada"]
        loyal = Segment.objects.create(slug="loyal", name_en="Loyal", kind="static")
        Membership.objects.create(segment=loyal, customer=ada, entered_at=NOON)
        timeline.record_many(
            [
                timeline.Entry(
                    customer_id=ada.pk,
                    kind=kind,
                    data=data,
                    happened_at=NOON,
                    message_id=kind,
                    source="test",
                )
                for kind, data in (
                    ("crm.product_viewed", {"sku": "CASE"}),
                    ("crm.product_viewed_not", {"sku": "CABLE"}),
                    ("chatbot.message_received", {"conversation": "c0ffee"}),
                )
            ],
            received_at=NOON,
        )
        edges = graph.neighbours([node(ada)])
        assert {(edge.kind, edge.target) for edge in edges} == {
            ("bought", node(world["phone"])),
            ("viewed", node(world["case"])),
            ("member_of", node(loyal)),
            ("said", Node("conversation", "c0ffee")),
        }

    def test_a_product_is_joined_to_buyers_brand_category_and_what_goes_with_it(
        self, world, monkeypatch
    ):
        pair = baskets.Pair(world["phone"].pk, world["case"].pk, 9, 90, 0.5, 2.0, 1e-9)
        monkeypatch.setattr(baskets, "around", lambda *_, **__: [pair])
        edges = graph.neighbours([node(world["phone"])])
        assert [(edge.kind, edge.other(node(world["phone"]))) for edge in edges] == [
            ("bought", node(world["ada"])),
            ("bought", node(world["bob"])),
            ("made_by", node(world["phone"].brand)),
            ("together", node(world["case"])),
        ]

    def test_a_customer_is_joined_to_what_they_asked_about_in_the_chat(self, world):
        ada, brand, category = world["ada"], world["phone"].brand, world["case"].category
        for kind, row, evidence in (
            ("brand", brand, {"asked": 1}),
            ("category", category, {"asked": 2, "viewed": 3}),
            ("feature", brand, {"asked": 1}),
        ):
            Interest.objects.create(
                customer=ada,
                kind=kind,
                value=row.slug,
                weight=1,
                evidence=evidence,
                last_at=NOON,
                at=NOON,
            )
        other = make_category("lamp")
        Interest.objects.create(
            customer=ada,
            kind="category",
            value=other.slug,
            weight=1,
            evidence={"viewed": 9},
            last_at=NOON,
            at=NOON,
        )
        asked = [edge for edge in graph.neighbours([node(ada)]) if edge.kind == "mentioned"]
        assert [edge.target for edge in asked] == [node(brand), node(category)]
        called = graph.names({asked[1].source, asked[1].target}, "en")
        said = graph.sentence(Path((asked[1].source, asked[1].target), (asked[1],)), called, "en")
        assert said == f"Ada asked about {category.name_en} in the chat"

    def test_a_pair_is_one_edge_whichever_rule_it_comes_from(self, world, monkeypatch):
        phone, case = world["phone"].pk, world["case"].pk
        rules = [
            baskets.Pair(*two, 9, 90, 0.5, 2.0, 1e-9) for two in ((phone, case), (case, phone))
        ]
        monkeypatch.setattr(
            baskets, "around", lambda ids, **_: [rule for rule in rules if rule.left in ids]
        )
        edges = graph.neighbours([node(world["phone"]), node(world["case"])])
        assert [edge.kind for edge in edges].count("together") == 1

    def test_refunds_and_cancelled_orders_join_nobody(self, world):
        carl = make_customer("Carl")
        make_order(carl, world["phone"], status="cancelled")
        make_order(carl, world["case"], quantity=-1)
        assert graph.neighbours([node(carl)]) == []

    def test_no_node_shows_more_than_its_share(self, world, monkeypatch):
        monkeypatch.setattr(graph, "DEGREE", 3)
        for _ in range(6):
            make_order(make_customer(), world["phone"])
        bought = [e for e in graph.neighbours([node(world["phone"])]) if e.kind == "bought"]
        assert len(bought) == 3

    def test_queries_do_not_grow_with_the_nodes(self, world, django_assert_num_queries):
        people = [node(make_customer()) for _ in range(20)]
        with django_assert_num_queries(6):
            graph.neighbours(people)


class TestPaths:
    def test_the_shortest_way_comes_first(self, world):
        found = graph.paths(node(world["ada"]), node(world["case"]))
        assert [one.kind for one in found[0].nodes] == [
            "customer",
            "product",
            "customer",
            "product",
        ]

    def test_no_way_is_no_path(self, world):
        assert graph.paths(node(world["ada"]), node(make_product())) == []

    def test_a_path_is_no_longer_than_asked(self, world):
        assert graph.paths(node(world["ada"]), node(world["case"]), depth=2) == []
        assert len(graph.paths(node(world["ada"]), node(world["case"]), depth=3)) == 1

    def test_nothing_is_passed_twice(self, world):
        for path in graph.paths(node(world["ada"]), node(world["cable"])):
            assert len(set(path.nodes)) == len(path.nodes)

    def test_four_steps_ask_a_bounded_number_of_queries(self, world, django_assert_max_num_queries):
        for _ in range(30):
            make_order(make_customer(), world["phone"], world["case"])
        with django_assert_max_num_queries(4 * 12):
            graph.paths(node(world["ada"]), node(world["cable"]))


class TestWords:
    def test_others_who_bought_it_are_people_without_a_name(self, world):
        assert reasons(world["ada"], world["case"]) == [
            "because you bought Phone, and people who bought Phone bought Case"
        ]
        assert reasons(world["ada"], world["case"], "zh") == [
            "因为您买过手机，而买过手机的人也买了手机壳"
        ]

    def test_the_same_brand_is_a_reason(self, world):
        assert reasons(world["ada"], world["cable"]) == [
            "because you bought Phone, and Cable is made by Huawei, too"
        ]

    def test_a_rule_is_a_reason(self, world, monkeypatch):
        pair = baskets.Pair(world["phone"].pk, world["case"].pk, 9, 90, 0.5, 2.0, 1e-9)
        monkeypatch.setattr(
            baskets, "around", lambda products, **_: [pair] if pair.left in products else []
        )
        assert reasons(world["ada"], world["case"])[0] == (
            "because you bought Phone, and Case is often bought with it"
        )

    def test_a_path_is_told_edge_by_edge(self, world):
        path = graph.paths(node(world["ada"]), node(world["case"]))[0]
        called = graph.names(path.nodes, "zh-hans")
        assert graph.sentence(path, called, "zh-hans") == "Ada买过手机；Bob买过手机；Bob买过手机壳"

    def test_a_path_that_is_no_reason_is_not_made_one(self, world):
        brand = node(world["phone"].brand)
        edge = Edge("made_by", node(world["phone"]), brand)
        assert graph.because(Path((edge.source, brand), (edge,)), {}, "en") is None

    def test_every_edge_has_words_in_both_languages(self):
        assert {relation.kind for relation in graph.RELATIONS} | {"together"} == set(graph.SAYS)


class TestNames:
    @pytest.mark.parametrize(
        "text", ["", "customer", "planet:1", "customer:x", "customer:²", "product:" + "9" * 30]
    )
    def test_what_is_no_node_is_said(self, text):
        with pytest.raises(UnknownNode):
            graph.parse(text)

    def test_a_node_reads_as_it_is_written(self):
        assert str(graph.parse(" product:7 ")) == "product:7"

    def test_a_row_that_is_gone_has_no_name(self):
        assert graph.names([Node("customer", "999")], "en") == {}

    def test_names_ask_once_a_kind(self, world, django_assert_num_queries):
        with django_assert_num_queries(2):
            graph.names([node(row) for name, row in world.items()], "en")
