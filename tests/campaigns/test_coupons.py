from datetime import timedelta

import pytest
from django.db import IntegrityError

from campaigns.models import Coupon
from tests.factories import NOON, make_customer

pytestmark = pytest.mark.django_db
TODAY = NOON.date()
DAY = timedelta(days=1)


def coupon(code, **fields):
    values = {"text_en": "10 % off", "text_zh": "九折", "valid_to": TODAY}
    return Coupon.objects.create(code=code, **(values | fields))


def codes(customer, on=TODAY):
    return set(Coupon.objects.valid_for(customer, on=on).values_list("code", flat=True))


def test_theirs_and_everybodys_are_valid_and_others_are_not():
    ada, eve = make_customer("Ada"), make_customer("Eve")
    coupon("ALL")
    coupon("ADA", customer=ada)
    coupon("EVE", customer=eve)
    assert codes(ada) == {"ALL", "ADA"}
    assert codes(None) == {"ALL"}


def test_both_ends_are_days_on_which_it_is_valid():
    coupon("C", valid_from=TODAY - DAY, valid_to=TODAY + DAY)
    assert [bool(codes(None, on=TODAY + n * DAY)) for n in (-2, -1, 0, 1, 2)] == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_a_code_exists_once():
    coupon("C")
    with pytest.raises(IntegrityError):
        coupon("C")


def test_a_coupon_cannot_end_before_it_begins():
    with pytest.raises(IntegrityError):
        coupon("C", valid_from=TODAY + DAY)


def test_texts_are_given_in_both_languages():
    assert coupon("C").text_in("zh-hans") == "九折"
    assert coupon("D").text_in("en") == "10 % off"
