"""Numbers, money and names as people read them."""

import pytest
from django.utils.translation import override

from crm.templatetags.catalogue import feature_name, money, whole_money
from crm.templatetags.insight import percent, times


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (2 / 3, "67 %"),
        (0.996, "100 %"),
        (0.0999, "10 %"),
        (0.0126, "1.3 %"),
        (0.0001, "< 0.1 %"),
        (0.0, "0 %"),
        (-0.031, "-3.1 %"),
        (None, "–"),
    ],
)
def test_a_share_is_rounded_not_cut(share, shown):
    assert percent(share) == shown


@pytest.mark.parametrize(("ratio", "shown"), [(2.55, "2.5 ×"), (0.01, "< 0.1 ×"), (0, "0.0 ×")])
def test_a_ratio_is_never_nought_where_there_is_some(ratio, shown):
    assert times(ratio) == shown


def test_what_is_expected_is_told_without_pennies():
    assert whole_money(44328.71, "CNY") == "¥44,329"
    assert whole_money(0.4, "GBP") == "£0"
    assert money(2.5, "SEK") == "SEK 2.50"
    assert money(-7.5, "GBP") == "−£7.50"


def test_features_are_words_in_both_languages():
    assert feature_name("noise_cancelling") == "noise cancelling"
    assert feature_name("of_this_shop_alone") == "of this shop alone"
    with override("zh-hans"):
        assert feature_name("noise_cancelling") == "降噪"
