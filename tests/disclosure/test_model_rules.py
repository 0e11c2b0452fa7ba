"""What a regression tells of a few individuals is found: base, categories, saturation, leverage, separation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy, protect, tabulate
from p20kit.errors import ModelInvalid
from p20kit.model_rules import leverages
from p20kit.models import model
from tests.disclosure.regressions import STRICT, fit, found, rules, students

# the base


def test_nineteen_are_too_few_and_twenty_are_enough() -> None:
    assert found(fit(students(19), "wage ~ gpa"), "base") == [
        ("model", "the base holds 19 individuals, fewer than 20")
    ]
    enough = students(20).assign(gpa=np.linspace(2, 4, 20))
    assert fit(enough, "wage ~ gpa").findings == ()
    stricter = model(enough, "wage ~ gpa", policy=CellPolicy(minimum_base=21))
    assert rules(stricter) == {"base"}


def test_ten_residual_degrees_of_freedom_are_enough_and_nine_are_not() -> None:
    frame = students(24)
    for i in range(13):
        frame[f"x{i}"] = np.random.default_rng(i).normal(size=24)
    many = " + ".join(f"x{i}" for i in range(12))
    assert "degrees of freedom" not in rules(fit(frame, f"wage ~ {many} + gpa"))
    assert ("model", "9 residual degrees of freedom are fewer than 10") in found(
        fit(frame, f"wage ~ {many} + x12 + gpa"), "degrees of freedom"
    )


def test_further_rows_of_a_person_are_refused() -> None:
    frame = students()
    with pytest.raises(ModelInvalid, match=r"1 rows are further rows.*DSA III\.G\.2\.b.*one row per person"):
        fit(pd.concat([frame, frame.iloc[[5]]]), "wage ~ gpa")


# categories


def test_a_category_of_five_is_found_and_one_of_six_is_not() -> None:
    frame = students()
    frame.loc[:4, "school"] = "Tiny"
    assert ("model[school]", "1 categories hold fewer than 6 individuals") in found(
        fit(frame, "wage ~ school + gpa"), "category"
    )
    frame.loc[:5, "school"] = "Tiny"
    assert fit(frame, "wage ~ school + gpa").findings == ()


def test_an_interaction_of_categories_is_looked_at_as_one() -> None:
    frame = students()
    few = frame.drop(frame.index[(frame["school"] == "West") & (frame["sex"] == "F")][:97])
    assert found(fit(few, "wage ~ sex * school + gpa"), "category") == [
        ("model[sex × school]", "1 categories hold fewer than 6 individuals")
    ]
    assert fit(few, "wage ~ sex + school + gpa").findings == ()


def test_an_indicator_in_numbers_is_a_category_too() -> None:
    frame = students()
    frame["chosen"] = (frame.index < 4).astype(float)
    assert [w for w, _ in found(fit(frame, "wage ~ chosen + gpa"), "category")] == ["model[chosen]"]
    frame["chosen"] = np.where(frame.index < 4, frame.index, 0) + 0.5
    assert [w for w, _ in found(fit(frame, "wage ~ chosen + gpa"), "category")] == ["model[chosen]"]


# saturation


def test_a_saturated_model_needs_twenty_in_every_cell() -> None:
    frame = students()
    assert fit(frame, "wage ~ sex * school").findings == ()
    lone = frame.drop(frame.index[(frame["school"] == "West") & (frame["sex"] == "F")][:81])
    what = "1 groups of fewer than 20 individuals have coefficients of their own"
    assert ("model[sex × school]", what) in found(fit(lone, "wage ~ sex * school"), "saturation")
    assert "saturation" not in rules(fit(lone, "wage ~ sex + school"))


def test_one_saturated_cell_is_found_where_the_rest_is_not() -> None:
    frame = students()
    frame["arm"] = np.where(frame.index < 15, "pilot", "usual")
    frame.loc[:14, "gpa"] = 3.0
    what = "1 groups of fewer than 20 individuals have coefficients of their own"
    assert [w for _, w in found(fit(frame, "wage ~ arm + gpa"), "saturation")] == [what] * 2
    frame.loc[:14, "gpa"] = np.linspace(2, 4, 15)
    fuller = fit(frame, "wage ~ arm * gpa")
    assert ("model[arm]", what) in found(fuller, "saturation")
    assert "saturation" not in rules(fit(frame, "wage ~ arm + gpa"))


def test_shares_that_follow_obey_the_threshold_on_both_sides() -> None:
    frame = students()
    frame["enrolled"] = 1
    for school, absent in (("North", 6), ("South", 6), ("West", 5)):
        frame.loc[frame.index[frame["school"] == school][:absent], "enrolled"] = 0
    few = "in 1 groups fewer than 6 individuals have the outcome, or fewer than 6 have it not"
    for kind in ("logit", "ols"):
        assert ("model[school]", few) in found(fit(frame, "enrolled ~ school", kind=kind), "attribute")
    frame.loc[frame.index[frame["school"] == "West"][:6], "enrolled"] = 0
    assert fit(frame, "enrolled ~ school", kind="logit").findings == ()


def test_an_outcome_of_five_in_all_is_found() -> None:
    frame = students()
    frame["enrolled"] = (frame.index % 120 == 0).astype(int)
    assert "attribute" in rules(fit(frame, "enrolled ~ gpa", kind="logit"))


def test_the_cells_of_a_saturated_model_are_attacked_with_what_was_released() -> None:
    frame = students()
    frame.loc[3:, "school"] = frame.loc[3:, "school"].replace("North", "South")
    frame.loc[:2, "school"] = "North"
    schools = protect(tabulate(frame, ["school"], name="schools"), STRICT)
    assert schools.to_frame()["count"].isna().sum() == 2
    frame["west"] = np.where(frame["school"] == "West", "yes", "no")
    assert fit(frame, "wage ~ west").findings == ()
    against = fit(frame, "wage ~ west", earlier=[schools])
    assert {"difference"} <= rules(against)


def test_numbers_may_saturate_a_model_too() -> None:
    frame = students().assign(level=np.tile([1.0, 2.0, 3.0], 200))
    frame["square"] = frame["level"] ** 2
    frame["enrolled"] = np.where(frame["level"] == 3, 0, frame["enrolled"])
    frame.loc[frame.index[frame["level"] == 3][:5], "enrolled"] = 1
    few = "in 1 groups fewer than 6 individuals have the outcome, or fewer than 6 have it not"
    assert ("model[level × square]", few) in found(fit(frame, "enrolled ~ level + square"), "attribute")
    assert "attribute" not in rules(fit(frame, "enrolled ~ level"))


def test_the_outcome_is_looked_at_where_a_number_divides_in_two() -> None:
    frame = students().assign(chosen=np.repeat([1.0, 0.0], 300))
    frame.loc[:299, "enrolled"] = 0
    frame.loc[:4, "enrolled"] = 1
    assert [where for where, _ in found(fit(frame, "enrolled ~ chosen + gpa"), "attribute")] == ["model[chosen]"]


def test_leverages_that_happen_to_be_whole_make_no_group_a_model_of_its_own() -> None:
    frame = students(32)
    for i in (1, 2, 4, 8, 16):
        frame[f"x{i}"] = (np.arange(32) // i % 2).astype(float)
    assert fit(frame, "wage ~ x1 + x2 + x4 + x8 + x16").findings == ()


def test_a_group_with_coefficients_of_its_own_needs_degrees_of_freedom_of_its_own() -> None:
    frame = students().assign(arm=np.where(np.arange(600) < 20, "pilot", "usual"))
    for i in range(10):
        frame[f"x{i}"] = np.random.default_rng(i).normal(size=600)
    own = fit(frame, "wage ~ arm * (" + " + ".join(f"x{i}" for i in range(10)) + ")")
    what = "1 groups with coefficients of their own leave fewer than 10 degrees of freedom"
    assert found(own, "degrees of freedom") == [("model[arm]", what)]


# single persons, and models that are sure


def test_a_person_who_settles_their_own_fitted_value_is_found() -> None:
    frame = students()
    frame["income"] = np.random.default_rng(1).normal(50, 5, 600)
    assert fit(frame, "wage ~ income").findings == ()
    frame.loc[0, "income"] = 1e6
    what = "1 individuals each determine more than half of their own fitted value"
    assert found(fit(frame, "wage ~ income"), "leverage") == [("model", what)]


def test_leverage_is_that_of_the_design_and_that_of_the_fit() -> None:
    """The last of a steep Poisson model weighs most in its fit; one far out in a logit hardly, and is alone."""
    generator = np.random.default_rng(5)
    steep = pd.DataFrame({"P20ID": [f"P{i}" for i in range(20)], "x": np.linspace(0, 6, 20)})
    steep["y"] = np.round(np.exp(3 * steep["x"]))
    assert leverages(np.column_stack([np.ones(20), steep["x"]])).max() < 0.2
    assert "leverage" in rules(fit(steep, "y ~ x", kind="poisson"))
    assert "leverage" not in rules(fit(steep, "y ~ x"))
    far = pd.DataFrame({"P20ID": [f"P{i}" for i in range(60)], "x": [*generator.normal(0, 1, 59), 14.0]})
    far["y"] = [*(generator.random(59) < 1 / (1 + np.exp(-far["x"][:59] / 2))).astype(int), 1]
    assert "leverage" in rules(fit(far, "y ~ x", kind="logit"))
    assert "leverage" not in rules(fit(far.iloc[:59], "y ~ x", kind="logit"))


def test_leverages_are_the_diagonal_of_the_hat_matrix() -> None:
    matrix = np.column_stack([np.ones(9), np.arange(9.0), np.arange(9.0) ** 2])
    hat = matrix @ np.linalg.inv(matrix.T @ matrix) @ matrix.T
    np.testing.assert_allclose(leverages(matrix), np.diag(hat), atol=1e-9)


def test_an_outcome_made_of_its_regressors_is_found() -> None:
    frame = students()
    frame["bonus"] = frame["wage"] * 0.1
    assert "fit" in rules(fit(frame, "wage ~ bonus"))


def test_separation_is_found() -> None:
    frame = students()
    frame["enrolled"] = (frame["gpa"] > 3).astype(int)
    assert "separation" in rules(fit(frame, "enrolled ~ gpa", kind="logit"))
    frame["absences"] = np.where(frame["sex"] == "F", 0, frame["absences"])
    assert {"separation", "attribute"} <= rules(fit(frame, "absences ~ sex", kind="poisson"))


def test_a_category_in_which_everyone_is_the_same_is_found() -> None:
    frame = students()
    frame.loc[frame["school"] == "West", "wage"] = 30_000
    assert ("model[school]", "in 1 groups everyone has the same outcome") in found(
        fit(frame, "wage ~ school + gpa"), "attribute"
    )
