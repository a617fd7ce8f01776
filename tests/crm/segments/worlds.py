"""Random lives of a few customers, told through the doors that real ones come in by."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import strategies as st

from crm import consent, customers, orders, segments, timeline
from crm.models import Category, Customer, Feedback, Interest, Mention, Opinion, Product, Score
from crm.models.opinions import Feeling
from tests.factories import NOON, make_topic

KINDS = ["crm.product_viewed", "chatbot.message_received", "campaigns.message_sent"]
OPS = ["=", "!=", ">", ">=", "<", "<="]
DAYS = st.sampled_from([1, 2, 7, [0, 3], [2, 5]])
few, ops = st.integers(0, 3), st.sampled_from(OPS)
values = st.sampled_from(["gold", "silver", "5", 5, 7.5, True, "金"])


def rule(**parts):
    """A rule of fixed or drawn parts; None leaves a part out."""
    drawn = {k: v if isinstance(v, st.SearchStrategy) else st.just(v) for k, v in parts.items()}
    return st.fixed_dictionaries(drawn).map(
        lambda made: {k: v for k, v in made.items() if v is not None}
    )


maybe_days = st.none() | DAYS
comparable = values.filter(lambda value: not isinstance(value, bool))
leaves = st.one_of(
    rule(
        field="country",
        op=st.sampled_from(["=", "!=", "<", ">="]),
        value=st.sampled_from(["FR", "ES", "中国"]),
    ),
    rule(
        field="name",
        op=st.sampled_from(["contains", "starts with"]),
        value=st.sampled_from(["a", "A", "1"]),
    ),
    rule(field="country", op="in", value=st.just(["FR", "中国"])),
    rule(field=st.sampled_from(["email", "country"]), op="exists"),
    rule(field="is_known", op=st.sampled_from(["=", "!="]), value=st.booleans()),
    rule(field=st.sampled_from(["days_since_seen", "days_since_first_seen"]), op=ops, value=few),
    rule(
        trait=st.sampled_from(["plan", "deep.plan", "等级"]),
        op=st.sampled_from(["=", "!="]),
        value=values,
    ),
    rule(trait=st.sampled_from(["plan", "deep.plan"]), op=ops, value=comparable),
    rule(
        trait="plan",
        op=st.sampled_from(["contains", "starts with"]),
        value=st.sampled_from(["g", "ol", "5"]),
    ),
    rule(trait=st.sampled_from(["plan", "deep.plan", "deep", "never"]), op="exists"),
    rule(trait="plan", op="in", value=st.sampled_from([["gold", "5"], [5, 7.5]])),
    rule(event=st.sampled_from(KINDS), op=ops, count=few, days=maybe_days),
    rule(event=KINDS[0], op=ops, count=few, days=maybe_days, name=st.none() | st.just("shown")),
    rule(
        event=KINDS[0],
        op=ops,
        count=few,
        days=maybe_days,
        where=rule(
            property="sku", op=st.sampled_from(["=", "!=", "exists"]), value=st.just("a")
        ).map(lambda c: [c]),
    ),
    rule(event=KINDS[0], sum="price", op=ops, value=st.sampled_from([0, 2, 5.5]), days=maybe_days),
    rule(
        event=KINDS[0], average="price", op=ops, value=st.sampled_from([0, 2, 5.5]), days=maybe_days
    ),
    rule(event=KINDS[0], last=st.just("days"), op=ops, value=few, days=maybe_days),
    rule(
        orders=st.sampled_from(["count", "days_since_last"]),
        op=ops,
        value=few,
        days=maybe_days,
        category=st.none() | st.just("phone"),
    ),
    rule(
        orders="total",
        op=ops,
        value=st.sampled_from([0, 100, 150.5]),
        days=maybe_days,
        product=st.none() | st.just("P1"),
    ),
    rule(
        orders="average",
        op=ops,
        value=st.sampled_from([0, 100]),
        days=maybe_days,
        currency=st.none() | st.just("CNY"),
    ),
    rule(score="rfm", op=ops, value=few),
    rule(score="rfm", label=st.sampled_from(["champions", "lost"])),
    rule(consent="email", topic=st.none() | st.just("offers"), granted=st.booleans()),
    rule(chat="messages", intent=st.none() | st.just("complaint"), days=maybe_days),
    rule(message="sent", op="=", count=0, days=maybe_days),
    rule(feedback=st.sampled_from(["any", "nps"]), days=maybe_days),
    rule(feedback="nps", op=ops, value=few, days=maybe_days),
    rule(
        opinion=st.sampled_from(
            [{"aspect": "delivery"}, {"aspect": "price", "sentiment": "negative"}]
            + [{"word": "slow"}, {"word": "慢", "sentiment": "negative"}, {"sentiment": "positive"}]
        ),
        op=ops,
        count=few,
        days=maybe_days,
    ),
    rule(
        interest=st.sampled_from(["category", "brand"]),
        value=st.sampled_from(["phone", "acme"]),
        weight=st.sampled_from([0, 1, 2.5]),
    ),
    rule(random=st.just({"percent": 50, "salt": "x"})),
)
rules = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
)
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["event", "event", "order", "refund", "traits", "country", "consent", "score",
             "feedback", "opinion", "interest", "merge", "unmerge", "new", "clock", "clock", "drain", "keep up"]
        ),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=14,
)  # fmt: skip


class World:
    """Takes steps. What it does to customers goes through the doors that leave touches."""

    def __init__(self):
        self.now, self.count, self.merges = NOON, 0, []
        category = Category.objects.create(slug="phone", name_en="Phone", name_zh="手机")
        Product.objects.create(sku="P1", title_en="P1", price=100, category=category)
        make_topic()
        self.people = [self.born() for _ in range(4)]

    def born(self):
        self.count += 1
        return customers.resolve(
            {"anonymous_id": f"v{self.count}"},
            source="test",
            at=self.now - timedelta(days=self.count % 4),
        )

    def take(self, what, who, how):
        self.count += 1
        person = Customer.objects.get(pk=self.people[who % len(self.people)].pk)
        if person.merged_into_id and what not in ("unmerge", "clock", "drain", "keep up"):
            person = person.merged_into
        getattr(self, f"do_{what.replace(' ', '_')}")(person, how)

    def do_event(self, person, how):
        data = [
            {"sku": "a", "price": 2},
            {"sku": "b", "price": "3.5"},
            {"price": None, "intent": "complaint"},
        ][how % 3]
        timeline.record_many(
            [
                timeline.Entry(
                    customer_id=person.pk,
                    kind=KINDS[how % 3] if how < 6 else KINDS[0],
                    name="shown" if how % 2 else "",
                    data=data,
                    happened_at=self.now + timedelta(days=how % 4 - 2),  # also what is yet to come
                    message_id=str(self.count),
                    source="test",
                )
            ],
            received_at=self.now,
        )

    def do_order(self, person, how):
        sku = "P1" if how % 2 else "P2"
        data = {
            "order_id": f"O{self.count}",
            "products": [{"sku": sku, "price": 50 * (how % 4), "quantity": 1}],
        }
        orders.complete(person, data, source="test", at=self.now - timedelta(days=how % 5 - 1))

    def do_refund(self, person, how):
        if order := person.orders.filter(is_refund=False).first():
            orders.refund(person, {"order_id": order.number}, source="test", at=self.now)

    def do_traits(self, person, how):
        person.traits = [
            {},
            {"plan": "gold"},
            {"plan": 5},
            {"plan": "5", "等级": "金"},
            {"deep": {"plan": 7.5}},
            {"plan": True},
            {"plan": None},
        ][how % 7]
        person.save()
        segments.touches.touch_fields(person, "traits")

    def do_country(self, person, how):
        person.country = ["FR", "ES", "中国", ""][how % 4]
        person.save()
        segments.touches.touch_fields(person, "country")

    def do_consent(self, person, how):
        consent.change(
            person,
            channel="email",
            topic=make_topic(),
            is_granted=how % 2 == 0,
            source="test",
            evidence={},
            at=self.now,
        )

    def do_score(self, person, how):
        Score.objects.update_or_create(
            customer=person, name="rfm",
            defaults={"value": how % 4, "label": ["champions", "lost"][how % 2], "version": "1", "at": self.now},
        )  # fmt: skip
        segments.touch([person.pk], "score:rfm") if how % 3 else segments.touch_everybody(
            "score:rfm"
        )

    def do_feedback(self, person, how):
        Feedback.objects.create(
            customer=person, kind=["nps", "csat"][how % 2], score=how % 4 if how < 8 else None,
            source="test", key=str(self.count), at=self.now - timedelta(days=how % 3 - 1),
        )  # fmt: skip
        segments.touch([person.pk], "feedback")

    def do_opinion(self, person, how):
        label = Feeling.values[how % 3]
        said = Opinion.objects.create(
            customer=person, source="review", key=str(self.count), text=["Slow!", "太慢", "fine"][how % 3],
            language="en", label=label, at=self.now - timedelta(days=how % 4 - 1),
        )  # fmt: skip
        if how < 8:
            Mention.objects.create(
                opinion=said, customer=person, aspect=["delivery", "price"][how % 2],
                label=label, at=said.at,
            )  # fmt: skip
        segments.touch([person.pk], "opinions")

    def do_interest(self, person, how):
        Interest.objects.update_or_create(
            customer=person, kind=["category", "brand"][how % 2], value=["phone", "acme"][how // 2 % 2],
            defaults={"weight": how % 4, "last_at": self.now, "at": self.now},
        )  # fmt: skip
        segments.touch([person.pk], "interest:category", "interest:brand")

    def do_merge(self, person, how):
        other = Customer.objects.get(pk=self.people[how % len(self.people)].pk)
        if (
            other.pk != person.pk
            and other.merged_into_id is None
            and not other.merged_from.exists()
        ):
            with suppress(customers.NotMergeable):  # staff parted them before
                self.merges.append(
                    customers.merge(person, other, evidence="test", source="test", at=self.now)
                )

    def do_unmerge(self, person, how):
        if self.merges:
            customers.unmerge(self.merges.pop(), at=self.now)

    def do_new(self, person, how):
        self.people.append(self.born())

    def do_clock(self, person, how):
        self.now += [
            timedelta(minutes=1),
            timedelta(hours=13),
            timedelta(days=1),
            timedelta(days=3),
        ][how % 4]

    def do_drain(self, person, how):
        segments.drain_all(now=self.now)

    def do_keep_up(self, person, how):
        segments.keep_up(now=self.now)
