"""The likelihoods: honest slopes, equal rows counted once, the quick way equal to the plain one."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import gammaln

from crm.ml import likelihoods
from crm.ml.likelihoods import (
    fit_money,
    fit_purchases,
    money_likelihood,
    purchases_likelihood,
    repeats,
    spenders,
)

POINTS = [(0.3, 4.0, 0.8, 2.5), (2.0, 1.0, 0.1, 0.5)]


def shoppers(count=300, *, seed=0, whole=True):
    """Numbers of purchases, ages at the last and ages, some of them equal."""
    rng = np.random.default_rng(seed)
    age = rng.integers(30, 90, count).astype(float)
    x = rng.poisson(1.5, count).astype(float)
    recency = np.where(x > 0, np.floor(rng.random(count) * age), 0.0)
    return (x, recency, age) if whole else (x, recency / 7, age / 7)


def plain_purchases(parameters, x, recency, age):
    """The formula of the paper, row by row."""
    r, alpha, a, b = parameters
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    value += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    stayed = -(r + x) * np.log(alpha + age)
    left = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + recency)
    return (value + np.where(x > 0, np.logaddexp(stayed, left), stayed)).sum()


def plain_money(parameters, x, money):
    p, q, v = parameters
    value = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
    value += (p * x - 1) * np.log(money) + p * x * np.log(x) - (p * x + q) * np.log(v + x * money)
    return value.sum()


class TestPurchases:
    @pytest.mark.parametrize("whole", [True, False])
    @pytest.mark.parametrize("parameters", POINTS)
    def test_it_is_the_formula_of_the_paper(self, parameters, whole):
        rows = shoppers(whole=whole)
        value, _ = purchases_likelihood(np.array(parameters), repeats(*rows))
        assert value == pytest.approx(plain_purchases(parameters, *rows), rel=1e-12)

    @pytest.mark.parametrize("parameters", POINTS)
    def test_its_gradient_is_the_slope(self, parameters):
        rows, at = repeats(*shoppers(50)), np.array(parameters)
        off = check_grad(
            lambda p: purchases_likelihood(p, rows)[0],
            lambda p: purchases_likelihood(p, rows)[1],
            at,
        )
        assert off < 1e-3 * np.linalg.norm(purchases_likelihood(at, rows)[1])

    def test_equal_rows_are_counted_once(self):
        x, recency, age = shoppers(100)
        twice = repeats(*(np.tile(column, 2) for column in (x, recency, age)))
        once = repeats(x, recency, age)
        assert len(twice.weights) == len(once.weights)
        assert twice.total == 2 * once.total

    def test_a_thinned_table_counts_everybody_it_kept(self):
        rows = repeats(*shoppers(1000))
        thin = rows.thinned(4)
        assert thin.customers.sum() == thin.weights.sum()
        assert thin.total == pytest.approx(rows.total / 4, rel=0.2)

    def test_beginning_on_a_thinned_table_ends_at_the_same_place(self, monkeypatch):
        rows = shoppers(3000)
        _, likelihood = fit_purchases(*rows, ridge=1e-3)
        monkeypatch.setattr(likelihoods, "MANY", 100)
        monkeypatch.setattr(likelihoods, "FEW", 50)
        _, again = fit_purchases(*rows, ridge=1e-3)
        assert again == pytest.approx(float(likelihood), abs=1e-3)

    def test_who_has_no_age_is_left_out(self):
        x, recency, age = shoppers(50)
        with_nobody = (np.append(x, 0), np.append(recency, 0), np.append(age, -1))
        assert repeats(*with_nobody).total == 50


class TestMoney:
    def test_it_is_the_formula_of_the_paper(self):
        rng = np.random.default_rng(0)
        x, money = rng.integers(1, 9, 200).astype(float), rng.gamma(3, 9, 200)
        at = np.array([3.0, 4.0, 20.0])
        value, _ = money_likelihood(at, spenders(x, money))
        assert value == pytest.approx(plain_money(at, x, money), rel=1e-12)

    def test_its_gradient_is_the_slope(self):
        rng = np.random.default_rng(1)
        rows = spenders(rng.integers(1, 9, 50).astype(float), rng.gamma(3, 9, 50))
        at = np.array([3.0, 4.0, 20.0])
        off = check_grad(
            lambda p: money_likelihood(p, rows)[0], lambda p: money_likelihood(p, rows)[1], at
        )
        assert off < 1e-3 * np.linalg.norm(money_likelihood(at, rows)[1])

    def test_beginning_on_some_rows_ends_at_the_same_place(self, monkeypatch):
        rng = np.random.default_rng(2)
        x = rng.integers(1, 9, 3000).astype(float)
        money = rng.gamma(6 * x) / x / rng.gamma(4, 1 / 15, 3000)
        _, likelihood = fit_money(x, money, ridge=0.0)
        monkeypatch.setattr(likelihoods, "MANY", 100)
        monkeypatch.setattr(likelihoods, "FEW", 50)
        _, again = fit_money(x, money, ridge=0.0)
        assert again == pytest.approx(float(likelihood), abs=1e-3)
