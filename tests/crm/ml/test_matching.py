"""Two records of one person are found in spite of typing errors; two people of one name are not."""

import numpy as np
import pytest

from crm.ml import matching
from crm.ml.matching import AGREES, DIFFERS, MISSING, NEAR, Matcher, Record, compare
from tests.contracts import EstimatorContract

FAMILY = ["王", "李", "张", "刘", "陈", "smith", "miller", "garcia", "schmidt", "rossi"]
GIVEN = ["伟", "芳", "娜", "敏", "静", "anna", "ben", "carla", "david", "eva"]
CITIES = ["上海", "北京", "berlin", "boston"]


def people(count, rng):
    """Records with few names, so that names are shared by chance as in life."""
    return [
        Record(
            email=f"p{n}.{rng.integers(1000)}@{rng.choice(['gmail.com', 'x.org'])}",
            phone=f"+8613{rng.integers(10**8):09d}" if rng.random() < 0.7 else "",
            name=f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}",
            address=f"{rng.choice(['main', 'mill', 'church', '南京路'])} {rng.integers(300)}",
            city=str(rng.choice(CITIES)),
            postcode=f"{rng.integers(40):05d}",
        )
        for n in range(count)
    ]


def again(person, rng):
    """The same person as another form recorded them: moved, retyped, or with another address."""
    email, name, phone = person.email, person.name, person.phone
    if rng.random() < 0.5:
        email = (
            email.replace("@", "+shop@")
            if rng.random() < 0.5
            else f"new{rng.integers(10**6)}@y.org"
        )
    if rng.random() < 0.25:
        place = int(rng.integers(len(name)))
        name = name[:place] + name[place + 1 :]
    if rng.random() < 0.3:
        phone = ""
    address = person.address if rng.random() < 0.7 else f"new {rng.integers(300)}"
    return Record(email, phone, name, address, person.city, person.postcode)


def world(seed, count=1500, twice=300):
    rng = np.random.default_rng(seed)
    records = people(count, rng)
    records += [again(person, rng) for person in records[:twice]]
    truth = {(n, count + n) for n in range(twice)}
    hashes, owners = [], []
    for owner, record in enumerate(records):
        for key in matching.keys(record):
            hashes.append(hash(key))
            owners.append(owner)
    hashes, owners = np.array(hashes), np.array(owners)
    keep = matching.small_blocks(hashes)
    pairs = matching.blocked(hashes[keep], owners[keep])
    levels = np.array([compare(records[a], records[b]) for a, b in pairs], dtype=np.int8)
    drawn = rng.integers(0, len(records), size=(3000, 2))
    strangers = np.array([compare(records[a], records[b]) for a, b in drawn], dtype=np.int8)
    return records, truth, pairs, levels, strangers


def quality(found, truth):
    right = len(found & truth)
    return right / max(len(found), 1), right / len(truth)


def test_it_finds_more_and_errs_less_than_the_same_name():
    records, truth, pairs, levels, strangers = world(seed=11)
    chance = Matcher().fit(levels, strangers, len(records)).probability(levels)
    found = {(int(a), int(b)) for (a, b), p in zip(pairs, chance, strict=True) if p >= 0.5}
    precision, recall = quality(found, truth)
    by_name = {}
    for place, record in enumerate(records):
        by_name.setdefault(record.name, []).append(place)
    same = {(a, b) for group in by_name.values() for a in group for b in group if a < b}
    plain_precision, plain_recall = quality(same, truth)
    assert precision >= 0.95
    assert recall >= 0.85
    assert recall > plain_recall
    assert precision > plain_precision


def test_the_documented_weights_do_well_where_there_is_too_little_to_learn_from():
    _, truth, pairs, levels, strangers = world(seed=5, count=120, twice=20)
    matcher = Matcher().fit(levels[:50], strangers[:50], 140)
    chance = matcher.probability(levels)
    found = {(int(a), int(b)) for (a, b), p in zip(pairs, chance, strict=True) if p >= 0.5}
    precision, recall = quality(found, truth)
    assert precision >= 0.9
    assert recall >= 0.75


def test_reasons_add_up_to_the_score():
    records, _, _, levels, strangers = world(seed=3, count=600, twice=100)
    matcher = Matcher().fit(levels, strangers, len(records))
    prior = np.log(matcher.prior_ / (1 - matcher.prior_))
    for row in levels[:50]:
        total = prior + sum(reason["weight"] for reason in matcher.reasons(row.tolist()))
        assert 1 / (1 + np.exp(-total)) == pytest.approx(
            matcher.probability(row[None, :])[0], abs=0.01
        )


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("a@x.org", "a@x.org", AGREES),
        ("ada.l@gmail.com", "adal+shop@googlemail.com", NEAR),
        ("ada.l@x.org", "adal@x.org", DIFFERS),
        ("a@x.org", "", MISSING),
    ],
)
def test_dots_and_tags_of_an_address_are_weak_evidence(one, other, level):
    assert compare(Record(email=one), Record(email=other))[0] == level


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [("李 雷", "雷 李", NEAR), ("ada lovelace", "ada lovelase", NEAR), ("ada", "bob", DIFFERS)],
)
def test_names_are_near_when_turned_round_or_mistyped(one, other, level):
    assert compare(Record(name=one), Record(name=other))[2] == level


def test_a_key_of_too_many_tells_nobody_apart():
    hashes = np.array([7] * 100 + [8, 8])
    owners = np.arange(102)
    keep = matching.small_blocks(hashes)
    assert matching.blocked(hashes[keep], owners[keep]).tolist() == [[100, 101]]


def test_each_pair_is_compared_once_however_many_keys_it_shares():
    pairs = matching.blocked(np.array([1, 1, 2, 2, 2]), np.array([5, 3, 3, 5, 9]))
    assert pairs.tolist() == [[3, 5], [3, 9], [5, 9]]


class TestContract(EstimatorContract):
    @pytest.fixture
    def estimator(self):
        return Matcher()

    @pytest.fixture(scope="class")
    def data(self):
        return world(seed=1, count=500, twice=80)[3:]

    def fit(self, estimator, data):
        return estimator.fit(*data, 580)

    def answer(self, estimator, data):
        return estimator.probability(data[0])
