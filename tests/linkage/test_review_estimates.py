"""Clerical review: what the answers of reviewers are worth, held against a truth that was planted."""

import numpy as np
import pandas as pd
import pytest

from p20kit.linkage import Linked
from p20kit.linkage.review import Sample, draw
from p20kit.linkage.review_answers import differing, settled
from p20kit.linkage.review_estimates import agreement, estimate

THRESHOLD = 0.9


def planted(seed: int, unproposed: float = 0.0) -> tuple[Linked, dict[str, bool]]:
    """A match whose model is too sure of itself, and which of its pairs are matches."""
    rng = np.random.default_rng(seed)
    odds = np.r_[rng.uniform(3.2, 16, 3_000), rng.uniform(-6, 3.1, 600)]
    # Of pairs the model gives a weight w, as many are matches as it would give two thirds of w.
    match = rng.random(len(odds)) < 1 / (1 + np.exp2(-odds / 1.5))
    pairs = pd.DataFrame(
        {"left_id": [f"L{i:04}" for i in range(len(odds))], "right_id": [f"R{i:04}" for i in range(len(odds))]}
    ).assign(match_weight=odds, match_probability=1 / (1 + np.exp2(-odds)), rule="")
    report = {
        "method": {"threshold": THRESHOLD},
        "estimates": {"unproposed": unproposed, "unproposed_at_most": 1.5 * unproposed},
        "quality": {"tied_pairs_left_unlinked": 0, "tied_records": [0, 0]},
    }
    link = pairs["match_probability"] >= THRESHOLD
    return Linked(pairs[link], pairs[~link], report, {}), dict(zip(pairs["left_id"], match.tolist(), strict=True))


def judged_truly(sample: Sample, match: dict[str, bool]) -> dict[str, dict[int, str]]:
    return {"ada": {i: "match" if match[one] else "no match" for i, one in enumerate(sample.pairs["left_id"])}}


def test_kappa_is_the_one_of_the_textbook():
    # Of 50 both said yes to 20 and no to 15; one said yes alone to 5, the other to 10.
    one = dict(enumerate(["match"] * 25 + ["no match"] * 25))
    other = dict(enumerate(["match"] * 20 + ["no match"] * 5 + ["match"] * 10 + ["no match"] * 15))
    found = agreement({"ada": one, "ben": other})
    assert found["kappa"] == pytest.approx(0.4) and (found["pairs"], found["same"]) == (50, 35)
    assert found["table"]["match"] == {"match": 20, "no match": 5, "cannot tell": 0}
    assert agreement({"ada": one, "ben": one})["kappa"] == pytest.approx(1)
    assert agreement({"ada": one}) is None and agreement({"ada": {0: "match"}, "ben": {1: "match"}}) is None
    assert agreement({"ada": {0: "match"}, "ben": {0: "match"}})["kappa"] is None


def test_where_two_differ_nothing_is_settled():
    said = {"ada": {0: "match", 1: "match", 2: "no match"}, "ben": {0: "match", 1: "no match"}}
    assert [settled(said, pair) for pair in range(4)] == ["match", "cannot tell", "no match", None]


def test_a_third_settles_only_what_two_differ_on():
    said = {"ada": {0: "match", 1: "match", 2: "match"}, "ben": {0: "match", 1: "no match", 2: "no match"}}
    third = {0: "no match", 1: "no match"}
    assert [settled(said, pair, third) for pair in range(4)] == ["match", "no match", "cannot tell", None]


def test_what_a_third_settles_narrows_the_interval_and_what_it_was_before_is_stated():
    made, match = planted(2)
    sample = draw(made, pairs=200, seed=2)
    ada = judged_truly(sample, match)["ada"]
    ben = {pair: ("no match" if answer == "match" else "match") if pair % 9 == 0 else answer
           for pair, answer in ada.items()}  # fmt: skip
    two = {"ada": ada, "ben": ben}
    before = estimate(sample, two)
    assert before["adjudication"] is None and "third" not in before["basis"]
    apart = differing(two.values())
    eve = {pair: "cannot tell" if pair == apart[0] else ada[pair] for pair in apart}
    after = estimate(sample, two, {"eve": eve})
    told = after["adjudication"]
    assert (told["differed"], told["settled"]) == (len(apart), len(apart) - 1)
    for key in ("precision", "recall_proposed", "recall"):
        assert told["before"][key] == before[key]
        assert before[key]["low"] < after[key]["low"] and after[key]["high"] < before[key]["high"]
    assert after["agreement"] == before["agreement"] and "a third said" in after["basis"]
    assert sum(s["undecided"] for s in after["strata"]) == 1


def test_intervals_cover_the_planted_truth():
    covered = dict.fromkeys(("precision", "recall_proposed", "recall"), 0)
    width = []
    for seed in range(100):
        made, match = planted(seed, unproposed=40.0)
        right = sum(match[one] for one in made.links["left_id"])
        missed = sum(match[one] for one in made.unlinked["left_id"])
        truth = {
            "precision": right / len(made.links),
            "recall_proposed": right / (right + missed),
            "recall": right / (right + missed + 50),
        }
        sample = draw(made, pairs=200, seed=seed)
        found = estimate(sample, judged_truly(sample, match))
        for key, value in truth.items():
            covered[key] += found[key]["low"] <= value <= found[key]["high"]
        width.append(found["precision"]["high"] - found["precision"]["low"])
    assert min(covered.values()) >= 90, covered
    assert np.mean(width) < 0.08


def test_every_pair_judged_leaves_no_doubt():
    made, match = planted(3)
    sample = draw(made, pairs=len(match))
    found = estimate(sample, judged_truly(sample, match))
    right = sum(match[one] for one in made.links["left_id"]) / len(made.links)
    assert found["precision"] == pytest.approx({"rate": right, "low": right, "high": right})


def test_matches_that_stand_in_no_pair_are_missed_too():
    made, match = planted(3, unproposed=40.0)
    made.report["quality"] |= {"tied_pairs_left_unlinked": 6, "tied_records": [3, 4]}
    sample = draw(made, pairs=len(match))
    found = estimate(sample, judged_truly(sample, match))
    right = sum(match[one] for one in made.links["left_id"])
    assert found["recall_proposed"]["rate"] == pytest.approx(right / sum(match.values()))
    assert found["recall"]["rate"] == pytest.approx(right / (sum(match.values()) + 40 + 3))
    # Between 40 / 1.5 and 40 * 1.5 are expected; what comes of an expected number is Poisson's, and of 3 ties 0 to 3.
    assert found["unseen"]["low"] == pytest.approx(40 / 1.5 - 1.96 * (40 / 1.5) ** 0.5, rel=1e-3)
    assert found["unseen"]["high"] == pytest.approx(60 + 1.96 * 60**0.5 + 1 + 3, rel=1e-3)
    assert found["recall"]["low"] < found["recall"]["rate"] < found["recall"]["high"] < 1


def test_pairs_that_are_not_decided_widen_the_interval():
    made, match = planted(4)
    sample = draw(made, pairs=200)
    said = judged_truly(sample, match)
    sure = estimate(sample, said)["precision"]
    ben = {pair: "no match" if pair % 5 == 0 else answer for pair, answer in said["ada"].items()}
    torn = estimate(sample, said | {"ben": ben})
    assert torn["precision"]["low"] < sure["low"] - 0.1 and torn["precision"]["high"] >= sure["high"]
    assert sum(s["undecided"] for s in torn["strata"]) == sum(
        said["ada"][pair] != answer for pair, answer in ben.items()
    )
    assert 0.3 < torn["agreement"]["kappa"] < 0.9


def test_nothing_is_estimated_before_every_stratum_was_seen():
    made, match = planted(5)
    sample = draw(made, pairs=120)
    whole = judged_truly(sample, match)["ada"]
    last = max(sample.pairs.groupby("stratum").apply(lambda own: own.index.min()))
    before = estimate(sample, {"ada": {pair: answer for pair, answer in whole.items() if pair < last}})
    assert before["precision"] is None and before["recall"] is None and before["strata"]
    after = estimate(sample, {"ada": {pair: answer for pair, answer in whole.items() if pair <= last}})
    assert after["precision"]["low"] < after["precision"]["rate"] <= after["precision"]["high"]
