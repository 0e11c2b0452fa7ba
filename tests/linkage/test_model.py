"""The model: it recovers planted m and u, and Splink loads it and gives the same weights."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from p20kit import synthetic
from p20kit.linkage import LinkageRefused, Linked, Method, link_many, link_pair
from p20kit.linkage.comparison import ELSE, Comparison, Level
from p20kit.linkage.splink import open_linker
from p20kit.linkage.training import train
from p20kit.linkage.vectors import Patterns
from tests.linkage.agencies import STATE_ROLES

M = ([0.9, 0.07, 0.03], [0.8, 0.2], [0.95, 0.04, 0.01], [0.97, 0.03])
U = ([0.002, 0.01, 0.988], [0.01, 0.99], [0.0005, 0.05, 0.9495], [0.5, 0.5])
MATCHES, POSSIBLE = 10_000, 1_000_000


def comparisons() -> tuple[Comparison, ...]:
    def named(i: int, n: int) -> Comparison:
        levels = [Level(f"c{i} = {j}", f"level {j}") for j in range(n - 1)]
        return Comparison(f"c{i}", (Level(f"c{i} is null", "missing", missing=True), *levels, Level(ELSE, "else")))

    return tuple(named(i, len(m)) for i, m in enumerate(M))


def drawn(rng: np.random.Generator, shares: tuple[list[float], ...], pairs: int) -> np.ndarray:
    levels = np.stack([1 + rng.choice(len(s), pairs, p=s) for s in shares], axis=1)
    levels[rng.random(levels.shape) < 0.1] = 0
    return levels


def counted(levels: np.ndarray) -> Patterns:
    distinct, pairs = np.unique(levels, axis=0, return_counts=True)
    return Patterns(np.arange(len(distinct)), distinct, pairs)


def test_training_recovers_planted_m_u_and_prior():
    rng = np.random.default_rng(34)
    strangers = counted(drawn(rng, U, 500_000))
    # As blocking has it: of strangers and matches those stay that agree in the strongest way on one of three.
    pairs = np.concatenate([drawn(rng, M, MATCHES), drawn(rng, U, POSSIBLE - MATCHES)])
    candidates = counted(pairs[(pairs[:, :3] == 1).any(axis=1)])
    trained = train(comparisons(), candidates, strangers, {}, 0.5 * MATCHES, POSSIBLE)
    assert trained.prior * POSSIBLE == pytest.approx(MATCHES, rel=0.05)
    for found, planted in zip(trained.m, M, strict=True):
        assert found[1:] == pytest.approx(planted, abs=0.01)
    for found, planted in zip(trained.u, U, strict=True):
        assert found[1:] == pytest.approx(planted, rel=0.1)


def test_a_comparison_learned_elsewhere_is_taken_as_it_is():
    rng = np.random.default_rng(34)
    strangers, candidates = counted(drawn(rng, U, 100_000)), counted(drawn(rng, M, 1_000))
    known = {("c1", "level 0"): 0.6, ("c1", "else"): 0.4, ("c0", "level 0"): 0.1}
    trained = train(comparisons(), candidates, strangers, {}, 500, POSSIBLE, known)
    assert trained.m[1][1:] == pytest.approx([0.6, 0.4])
    assert trained.m[0][1] > 0.8, "half of a comparison is not known"


@pytest.fixture(scope="module")
def files() -> tuple[pd.DataFrame, pd.DataFrame]:
    world = synthetic.universe(students=2_000, wage_earners=500, college_students=2_000, seed=5)
    return world.matching("SDE"), world.matching("CSCU")


@pytest.fixture(scope="module")
def linked(files: tuple[pd.DataFrame, pd.DataFrame]) -> Linked:
    return link_pair(*files, roles=STATE_ROLES, names=("SDE", "CSCU"))


def again(files: tuple[pd.DataFrame, pd.DataFrame], model: dict[str, Any], **more: Any) -> Linked:
    return link_pair(*files, **{"roles": STATE_ROLES, "names": ("SDE", "CSCU"), "model": model, **more})


def test_a_kept_model_gives_the_same_links_and_is_not_trained_again(files, linked):
    other_sample = Method(seed=35, max_pairs=20_000)
    kept = again(files, json.loads(json.dumps(linked.model)), method=other_sample)
    pd.testing.assert_frame_equal(kept.links, linked.links)
    assert kept.model == linked.model and kept.report["model_sha256"] == linked.report["model_sha256"]
    assert (linked.report["model_kept"], kept.report["model_kept"]) == (False, True)
    trained = link_pair(*files, roles=STATE_ROLES, names=("SDE", "CSCU"), method=other_sample)
    assert trained.report["model_sha256"] != linked.report["model_sha256"]


def test_it_is_the_kept_model_that_weighs(files, linked):
    prior = linked.model["probability_two_random_records_match"]
    lighter = {**linked.model, "probability_two_random_records_match": prior / 4}
    both = linked.links.merge(again(files, lighter).links, on=["left_id", "right_id"])
    assert len(both) > 700
    assert (both["match_weight_x"] - both["match_weight_y"]).to_numpy() == pytest.approx(2.0, abs=1e-3)


def test_a_model_that_does_not_fit_the_files_is_refused_identifier_by_identifier(files, linked):
    fewer = {role: column for role, column in STATE_ROLES.items() if role != "sasid"}
    with pytest.raises(LinkageRefused, match="the identifier sasid: is weighed by the model and not held"):
        again(files, linked.model, roles=fewer)
    model = json.loads(json.dumps(linked.model))
    del model["comparisons"][-1]
    model["comparisons"][0]["comparison_levels"][1]["label_for_charts"] = "equal, of another version"
    with pytest.raises(LinkageRefused) as refusal:
        again(files, model)
    assert [(f.where, f.clause) for f in refusal.value.findings] == [
        ("the identifier first_name", "EM VII.B.1.c"),
        ("the identifier sasid", "EM VII.B.1.c"),
    ]
    with pytest.raises(LinkageRefused):
        again(files, {})


def test_kept_models_of_several_agencies_give_the_same_crosswalk():
    world = synthetic.universe(students=600, wage_earners=900, college_students=600, seed=5)
    three = {agency: world.matching(agency) for agency in ("SDE", "CSCU", "DOL")}
    first = link_many(three, roles=STATE_ROLES)
    kept = link_many(three, roles=STATE_ROLES, models=first.models, method=Method(seed=35))
    pd.testing.assert_frame_equal(kept.crosswalk, first.crosswalk)
    assert kept.models == first.models and all(own["model_kept"] for own in kept.report["pairs"].values())
    with pytest.raises(LinkageRefused):
        link_many(three, roles=STATE_ROLES, models={"SDE-CSCU": first.models["SDE-CSCU"]})


def test_splink_loads_the_model_and_gives_the_same_weights(files):
    sde, cscu = files
    linked = link_pair(sde, cscu, roles=STATE_ROLES, names=("SDE", "CSCU"), method=Method(threshold=0.5))
    linker = open_linker(linked.model, sde, cscu, roles=STATE_ROLES)
    predicted = linker.inference.predict(threshold_match_weight=-4).as_pandas_dataframe()
    theirs = pd.DataFrame(
        {
            "left_id": sde["GenericID"].to_numpy()[predicted["unique_id_l"]],
            "right_id": cscu["GenericID"].to_numpy()[predicted["unique_id_r"]],
            "theirs": predicted["match_weight"],
        }
    )
    both = linked.links.merge(theirs, on=["left_id", "right_id"], how="left")
    assert len(both) == len(linked.links) > 700
    assert both["theirs"].to_numpy() == pytest.approx(both["match_weight"].to_numpy(), abs=1e-4)
    chart = linker.visualisations.match_weights_chart().chart_dict
    assert "sasid" in str(chart)


PLANTED = synthetic.ErrorModel(
    sex_wrong=0.05, sasid_wrong=0.08, dob_digit=0.06, dob_day_month=0.0, sde_share=1.0, cscu_share=1.0
)


def test_training_recovers_what_was_planted_in_invented_agencies():
    world = synthetic.universe(students=6_000, wage_earners=500, college_students=6_000, seed=11, errors=PLANTED)
    sde, cscu = world.matching("SDE"), world.matching("CSCU")
    linked = link_pair(sde, cscu, roles=STATE_ROLES, names=("SDE", "CSCU"))
    found = {(c["identifier"], c["level"]): (c["m"], c["u"]) for c in linked.report["comparisons"]}
    assert found["SASID", "equal"][0] == pytest.approx(1 - PLANTED.sasid_wrong, abs=0.015)
    person = world.truth.set_index("generic_id")["person"]
    true = sde.assign(person=sde["GenericID"].map(person)).merge(
        cscu.assign(person=cscu["GenericID"].map(person)), on="person"
    )
    # Sex counts where first names differ: 255 of the 2,400, so what was planted is met within three standard errors.
    given = true[["FirstName_x", "FirstName_y"]].apply(lambda names: names.str.upper().str.split().str[0])
    differ = true[given["FirstName_x"] != given["FirstName_y"]]
    held = differ[differ[["Gender_x", "Gender_y"]].isin(["M", "F"]).all(axis=1)]
    learned, wrong = found["Sex", "equal"][0], PLANTED.sex_wrong
    assert learned == pytest.approx((held["Gender_x"] == held["Gender_y"]).mean(), abs=0.015)
    assert learned == pytest.approx((1 - wrong) ** 2 + wrong**2, abs=0.055)
    for column, identifier in (("DOB", "Date of birth"), ("FirstName", "First name")):
        left, right = (file[column].where(~file[column].isin(["", "U"])) for file in (sde, cscu))
        pairs = true[[f"{column}_x", f"{column}_y"]].mask(true.isin(["", "U"])).dropna()
        m, u = found[identifier, "equal"]
        assert m == pytest.approx((pairs.iloc[:, 0] == pairs.iloc[:, 1]).mean(), abs=0.015), identifier
        by_chance = left.value_counts(normalize=True) * right.value_counts(normalize=True)
        assert u == pytest.approx(by_chance.sum(), rel=0.05), identifier
    assert linked.report["prior"] * len(sde) * len(cscu) == pytest.approx(len(true), rel=0.05)
