"""The report's own error rates: planted ones are recovered, and what nobody proposed is counted in."""

import numpy as np
import pytest

from p20kit.linkage.estimates import Captures, error_rates, one_to_one_shift

NOBODY = Captures(0, 0, 0, 0, 1)


def test_rates_are_those_of_the_probabilities_and_their_intervals_hold_them():
    found = error_rates(np.r_[np.full(900, 0.999), np.full(100, 0.9)], np.r_[np.full(40, 0.5)], 0, NOBODY)
    assert found["false_match"]["count"] == pytest.approx(10.9)
    assert found["false_match"]["rate"] == pytest.approx(0.0109)
    assert found["missed_match"]["rate"] == pytest.approx(20 / (1000 - 10.9 + 20))
    for rate in (found["false_match"], found["missed_match"]):
        assert 0 <= rate["low"] < rate["rate"] < rate["high"] < 1


def test_no_error_expected_is_not_no_error():
    rate = error_rates(np.ones(500), np.zeros(0), 0, NOBODY)["false_match"]
    assert (rate["rate"], rate["low"]) == (0, 0)
    assert rate["high"] == pytest.approx(1 / 500)


def test_of_two_tied_pairs_one_is_missed():
    sure = np.ones(100)
    without, with_ties = (error_rates(sure, np.zeros(0), n, NOBODY)["missed_match"]["count"] for n in (0, 8))
    assert with_ties - without == 4


def test_an_identifier_tells_what_the_other_rules_do_not_propose():
    # Of 1,000 matches an identifier found, 50 were proposed by no other rule: so of those without, one in twenty.
    captures = Captures(by_identifier=1_000, identifier_only=50, date_only=200, other_only=200, date_and_other=550)
    assert captures.unproposed[0] == pytest.approx(50, rel=0.05)


def test_two_kinds_of_rules_tell_what_neither_proposes():
    rng = np.random.default_rng(34)
    date, other = rng.random(20_000) < 0.95, rng.random(20_000) < 0.9
    captures = Captures(0, 0, int((date & ~other).sum()), int((other & ~date).sum()), int((date & other).sum()))
    assert captures.unproposed[0] == pytest.approx(100, rel=0.1)


def test_free_records_make_a_pair_likelier_but_not_without_bound():
    assert one_to_one_shift(500, (1_000, 1_000)) == pytest.approx(2)
    assert one_to_one_shift(1_000, (1_000, 10_000)) < one_to_one_shift(1_000, (1_000, 1_000)) < 5
