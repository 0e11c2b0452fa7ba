"""Regressions: coefficients of enough individuals leave; what tells of a few of them is found."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from p20kit import CellPolicy, Table, protect, tabulate
from p20kit.errors import ModelInvalid, ModelUnsafe
from p20kit.model_rules import leverages
from p20kit.models import Model, model

STRICT = CellPolicy()


def students(persons: int = 600, seed: int = 34) -> pd.DataFrame:
    """Invent students whose wage and enrolment follow from their grades and sex."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame({"P20ID": [f"P{i:06d}" for i in range(persons)]})
    frame["sex"] = np.tile(["F", "M"], persons)[:persons]
    frame["school"] = np.repeat(["North", "South", "West"], -(-persons // 3))[:persons]
    frame["year"] = np.tile([2020, 2020, 2021], persons)[:persons]
    frame["gpa"] = generator.normal(3, 0.5, persons).round(2)
    frame["wage"] = (
        20_000 + 4_000 * frame["gpa"] + 1_500 * (frame["sex"] == "M") + generator.normal(0, 3_000, persons)
    )
    frame["enrolled"] = (generator.random(persons) < 1 / (1 + np.exp(3 - frame["gpa"]))).astype(int)
    frame["absences"] = generator.poisson(4, persons)
    return frame


def fit(frame: pd.DataFrame, formula: str, **options: object) -> Model:
    return model(frame, formula, policy=STRICT, **options)  # type: ignore[arg-type]


def rules(fitted: Model) -> set[str]:
    return {finding.rule for finding in fitted.findings}


def found(fitted: Model, rule: str) -> list[tuple[str, str]]:
    return [(finding.where, finding.what) for finding in fitted.findings if finding.rule == rule]


# what leaves


@pytest.mark.parametrize(
    ("formula", "kind"),
    [("wage ~ sex + gpa", "ols"), ("enrolled ~ gpa + sex", "logit"), ("absences ~ gpa + sex", "poisson")],
)
def test_a_model_of_enough_people_is_released_as_a_table_of_coefficients(formula: str, kind: str) -> None:
    fitted = fit(students(), formula, kind=kind)
    assert fitted.findings == ()
    frame = fitted.to_frame().set_index("term")
    assert list(frame.columns) == ["coefficient", "standard error", "p value", "lower 95 %", "upper 95 %"]
    assert frame.index[:3].tolist() == ["Intercept", *(["sex = M", "gpa"] if kind == "ols" else frame.index[1:3])]
    assert frame.loc["Individuals", "coefficient"] == 600
    assert frame.loc["Residual degrees of freedom", "coefficient"] == 597
    assert ("R-squared" in frame.index) is (kind == "ols")


def test_the_coefficients_are_those_of_least_squares() -> None:
    frame = students()
    design = np.column_stack([np.ones(600), frame["sex"] == "M", frame["gpa"]])
    expected, *_ = np.linalg.lstsq(design, frame["wage"], rcond=None)
    fitted = fit(frame, "wage ~ sex + gpa")
    np.testing.assert_allclose(fitted.estimates["coefficient"], expected, rtol=1e-9)
    robust = fit(frame, "wage ~ sex + gpa", robust=True).estimates
    np.testing.assert_allclose(robust["coefficient"], expected, rtol=1e-9)
    assert (robust["standard error"] != fitted.estimates["standard error"]).all()


def test_a_logit_of_one_category_gives_the_log_odds_one_can_count() -> None:
    frame = students()
    yes = frame.groupby("sex")["enrolled"].mean()
    odds = np.log(yes / (1 - yes))
    made = fit(frame, "enrolled ~ sex", kind="logit").estimates.set_index("term")["coefficient"]
    assert made["Intercept"] == pytest.approx(odds["F"], abs=1e-6)
    assert made["sex = M"] == pytest.approx(odds["M"] - odds["F"], abs=1e-6)


def test_four_significant_digits_leave_and_no_more() -> None:
    made = fit(students(), "wage ~ sex + gpa").to_frame().set_index("term")
    for value in made.loc[["Intercept", "sex = M", "gpa"]].drop(columns="p value").to_numpy().ravel():
        assert value == float(f"{value:.4g}")


def test_nothing_of_single_persons_is_kept_but_the_evidence() -> None:
    fitted = fit(students(), "wage ~ sex + gpa")
    assert list(fitted.basis.columns) == ["P20ID", "wage", "sex", "gpa"]
    assert len(fitted.estimates) == 3
    arrays = [v for k, v in vars(fitted).items() if k != "basis" and isinstance(v, np.ndarray | pd.Series)]
    assert arrays == []


def test_the_reference_is_the_most_frequent_category_or_the_one_named() -> None:
    frame = students()
    assert "C(year)" not in fit(frame, "wage ~ C(year)").to_frame()["term"].tolist()
    assert fit(frame, "wage ~ C(year)").estimates["term"].tolist() == ["Intercept", "year = 2021"]
    named = fit(frame, "wage ~ C(year)", reference={"year": "2021"})
    assert named.estimates["term"].tolist() == ["Intercept", "year = 2020"]
    crossed = fit(frame, "wage ~ sex:C(year)", reference={"sex": "M"}).estimates["term"].tolist()
    assert crossed[0] == "Intercept" and all("year = " in term and ":" not in term for term in crossed[1:])


@pytest.mark.parametrize(
    "made", [pl.from_pandas, lambda f: duckdb.from_df(f), lambda f: f.astype({"sex": "category"})]
)
def test_any_dataframe_will_do(made: object) -> None:
    frame = students(120)
    given = made(frame)  # type: ignore[operator]
    pd.testing.assert_frame_equal(
        model(given, "wage ~ sex + gpa", policy=STRICT).to_frame(), fit(frame, "wage ~ sex + gpa").to_frame()
    )


def test_people_with_a_missing_value_are_left_out() -> None:
    frame = students()
    frame.loc[:99, "gpa"] = None
    assert fit(frame, "wage ~ sex + gpa").persons == 500


def test_the_checks_that_ran_are_named() -> None:
    frame = students()
    assert "fit" in fit(frame, "wage ~ gpa").ran and "separation" not in fit(frame, "wage ~ gpa").ran
    assert "separation" in fit(frame, "enrolled ~ gpa", kind="logit").ran
    counts = protect(_published(), STRICT)
    assert fit(frame, "wage ~ gpa", earlier=[counts]).not_ran == ("differences with table: its people are not known",)


def _published() -> Table:
    return Table.from_counts(pd.DataFrame({"g": ["a", "b"], "n": [30, 40]}), ["g"])


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


# models beside models and tables


def test_two_models_of_nearly_the_same_people_are_found() -> None:
    frame = students()
    first = fit(frame, "wage ~ gpa", name="first")
    assert fit(frame, "wage ~ gpa + sex", name="second", earlier=[first]).findings == ()
    three_less = fit(frame.iloc[3:], "wage ~ gpa", name="second", earlier=[first])
    assert ("second, first", "the persons of the two models differ by 0 in the one and 3 in the other") in found(
        three_less, "difference"
    )
    swapped = fit(frame.iloc[2:], "wage ~ gpa", name="second", earlier=[fit(frame.iloc[:-2], "wage ~ gpa", name="f")])
    assert found(swapped, "difference") == [
        ("second, f", "the persons of the two models differ by 2 in the one and 2 in the other")
    ]
    assert fit(frame.iloc[6:], "wage ~ gpa", name="second", earlier=[first]).findings == ()


def test_people_left_out_for_a_missing_value_are_a_difference() -> None:
    frame = students()
    everyone = protect(tabulate(frame, ["sex"], name="everyone"), STRICT)
    frame.loc[:3, "gpa"] = None
    made = fit(frame, "wage ~ gpa", earlier=[everyone])
    assert "600 individuals less the 596" in " ".join(what for _, what in found(made, "difference"))


def test_several_models_of_the_same_people_share_their_degrees_of_freedom() -> None:
    frame, turn = students(32), 2 * np.pi * np.arange(32) / 32
    for k in range(1, 12):
        frame[f"c{k}"], frame[f"s{k}"] = np.cos(k * turn), np.sin(k * turn)
    one = fit(frame, "wage ~ " + " + ".join(f"c{k} + s{k}" for k in range(1, 6)), name="one")
    assert one.findings == ()
    ten = " + ".join(f"c{k} + s{k}" for k in (6, 7, 9, 10, 11))
    assert fit(frame, f"wage ~ {ten}", name="two", earlier=[one]).findings == ()
    others = frame.assign(P20ID="other " + frame["P20ID"])
    assert "degrees of freedom" not in rules(fit(others, f"wage ~ {ten} + gpa", name="two", earlier=[one]))
    assert found(fit(frame, f"wage ~ {ten} + gpa", name="two", earlier=[one]), "degrees of freedom") == [
        ("two, one", "both models together leave 9 degrees of freedom of the same persons, fewer than 10")
    ]


# what is refused, and how it says so


def test_a_model_with_findings_is_read_by_the_analyst_only() -> None:
    made = fit(students(19), "wage ~ gpa", name="few")
    with pytest.raises(ModelUnsafe, match=r"model 'few' may not be released\n.*fewer than 20 \(DSA III\.G\.2\.b\)"):
        made.to_frame()
    assert made.to_frame(for_analyst=True)["term"].tolist()[:2] == ["Intercept", "gpa"]
    html = made._repr_html_()
    assert "Not for release" in html and "DSA III.G.2.b" in html
    assert "Not for release" not in fit(students(), "wage ~ gpa", title="<b>")._repr_html_()
    assert "<b><b></b>" not in fit(students(), "wage ~ gpa", title="<b>")._repr_html_()


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("wage ~ log(gpa)", "1 expressions to evaluate"),
        ("wage ~ __import__('os').getcwd()", "to evaluate|cannot be read"),
        ("wage ~ {gpa + 1}", "1 expressions to evaluate"),
        ("wage ~ gpa +", "cannot be read"),
        ("wage", "cannot be read"),
        ("wage ~ gpa ~ sex", "cannot be read"),
        ("wage + gpa ~ sex", "not exactly one outcome"),
        ("wage ~ " + "gpa + " * 300 + "gpa", "cannot be read"),
        ("wage ~ town", "columns are missing: town"),
        ("wage ~ P20ID", "identifies a person"),
        ("wage ~ seen", "neither numbers nor categories"),
        ("sex ~ gpa", "is a category"),
        ("wage ~ gpa + half", "follow from the others"),
        ("wage ~ nickname", "coefficients, over the limit"),
        ("same ~ gpa", "the same for everyone"),
        ("wage ~ empty", "no person has a value"),
        ("wage ~ endless", "infinite"),
    ],
)
def test_what_cannot_be_fitted_says_why_and_what_to_do(formula: str, says: str) -> None:
    frame = students()
    frame["seen"] = pd.Timestamp("2021-01-01")
    frame["half"], frame["nickname"] = frame["gpa"] / 2, [f"n{i}" for i in range(600)]
    frame["same"], frame["empty"], frame["endless"] = 1.0, np.nan, np.inf
    with pytest.raises(ModelInvalid, match=says) as caught:
        fit(frame, formula)
    assert all(finding.next for finding in caught.value.findings)


@pytest.mark.parametrize(("kind", "outcome"), [("logit", "absences"), ("poisson", "gpa"), ("probit", "enrolled")])
def test_an_outcome_has_to_be_of_its_kind(kind: str, outcome: str) -> None:
    with pytest.raises(ModelInvalid):
        fit(students(), f"{outcome} ~ sex", kind=kind)


def test_a_reference_nobody_is_in_and_rows_without_a_person_are_refused() -> None:
    frame = students()
    with pytest.raises(ModelInvalid, match="reference named for sex"):
        fit(frame, "wage ~ sex", reference={"sex": "X"})
    frame.loc[0, "P20ID"] = None
    with pytest.raises(ModelInvalid, match="1 rows have no person's id"):
        fit(frame, "wage ~ sex")


def test_no_message_holds_a_value_of_a_person() -> None:
    frame = students()
    frame.loc[0, ["school", "wage"]] = ["Canary School", 123_456_789.0]
    made = fit(frame, "wage ~ school")
    assert made.findings
    text = " ".join(map(str, made.findings)) + repr(made)
    assert "Canary" not in text and "123456789" not in text


def test_a_name_with_a_space_or_a_colon_is_a_name() -> None:
    frame = students().rename(columns={"gpa": "grade point"})
    frame["sex"] = frame["sex"].replace({"F": "a:b", "M": "c"})
    made = fit(frame, "wage ~ `grade point` + sex", reference={"sex": "c"})
    assert made.estimates["term"].tolist() == ["Intercept", "grade point", "sex = a:b"]


def test_the_same_input_gives_the_same_model() -> None:
    first, second = (fit(students(), "enrolled ~ sex * gpa", kind="logit") for _ in range(2))
    pd.testing.assert_frame_equal(first.estimates, second.estimates)
    assert first.findings == second.findings
