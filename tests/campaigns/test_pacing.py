"""No more messages a second than the provider and the recipients' mail servers may get."""

from hypothesis import given
from hypothesis import strategies as st

from campaigns.pacing import PROVIDER, Pacing, Wish, allowed, filled


class Clocked:
    """Pacing with buckets of its own and a clock that is given."""

    def __init__(self, rate, domains):
        self.left, self.at = {}, {}
        self.pacing = Pacing(rate, domains, take=self.take)
        self.now = 0.0

    def take(self, wishes, rate):
        rates = {name: wish.rate for name, wish in wishes.items() if wish.rate}
        rates |= {PROVIDER: rate} if rate else {}
        for name, own in rates.items():
            left, passed = self.left.get(name, 1.0), self.now - self.at.get(name, 0.0)
            self.left[name], self.at[name] = filled(left, passed=passed, rate=own), self.now
        going = allowed(wishes, {name: self.left[name] for name in rates})
        for name in rates:
            self.left[name] -= sum(going.values()) if name == PROVIDER else going[name]
        return going

    def add(self, items):
        self.pacing.add(items)

    def release(self, now):
        self.now = now
        return self.pacing.release()

    def __len__(self):
        return len(self.pacing)


def paced(rate=0.0, **domains):
    domains = {name.replace("_", ".").replace("others", "*"): r for name, r in domains.items()}
    return Clocked(rate, domains)


def to(domain, number):
    return [(f"a{n}@{domain}", (domain, n)) for n in range(number)]


def test_without_limits_everything_goes_at_once_in_order():
    pacing = paced()
    pacing.add(to("a.org", 50))
    assert pacing.release(0.0) == [item for _, item in to("a.org", 50)]
    assert len(pacing) == 0


def test_the_rate_of_the_provider_holds_over_all_domains():
    pacing = paced(8)
    pacing.add(to("a.org", 40) + to("b.org", 40))
    released = [len(pacing.release(eighth / 8)) for eighth in range(31)]
    assert sum(released) == 31
    assert max(released) == 1


def test_a_slow_domain_keeps_no_other_waiting():
    pacing = paced(gmail_com=2)
    pacing.add(to("gmail.com", 10) + to("a.org", 30))
    first = pacing.release(0.0)
    assert first.count(("gmail.com", 0)) == 1
    assert sum(domain == "a.org" for domain, _ in first) == 30
    assert len(pacing) == 9
    assert len(pacing.release(1.0)) == 2


def test_the_star_is_for_each_of_the_others():
    pacing = paced(others=1)
    pacing.add(to("a.org", 5) + to("B.org", 5))
    assert sorted(domain for domain, _ in pacing.release(0.0)) == ["B.org", "a.org"]


def test_a_long_pause_is_not_made_up_for():
    pacing = paced(5)
    pacing.add(to("a.org", 100))
    assert len(pacing.release(3600.0)) == 5


@given(
    st.floats(0.5, 50),
    st.floats(0.5, 50),
    st.lists(st.floats(0.0, 2.0), min_size=1, max_size=30),
)
def test_in_no_stretch_of_time_more_go_than_the_rates_allow(rate, own, gaps):
    pacing, now, gone = paced(rate, a_org=own), 0.0, []
    pacing.add(to("a.org", 500) + to("b.org", 500))
    for gap in gaps:
        now += gap
        gone += [(now, domain) for domain, _ in pacing.release(now)]
    for start, _ in gone:
        for limit, of in ((rate, ("a.org", "b.org")), (own, ("a.org",))):
            here = [at for at, domain in gone if at >= start and domain in of]
            for end in here:
                number = sum(at <= end for at in here)
                assert number <= limit * (end - start) + max(1.0, limit) + 1e-6


def test_what_one_domain_may_not_send_is_not_kept_from_the_others():
    wishes = {"slow.org": Wish(2.0, 100), "a.org": Wish(None, 100)}
    going = allowed(wishes, {"slow.org": 2.0, PROVIDER: 50.0})
    assert going == {"slow.org": 2, "a.org": 48}


def test_a_domain_saves_up_nothing_while_the_provider_has_no_room():
    pacing = paced(10, slow_org=5)
    pacing.add(to("a.org", 300) + to("slow.org", 300))
    gone = [pacing.release(second) for second in range(60)]
    slow = [sum(domain == "slow.org" for domain, _ in some) for some in gone]
    assert max(slow) <= 5
    assert sum(slow) > 100
