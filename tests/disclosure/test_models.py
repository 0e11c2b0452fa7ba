"""Regressions: coefficients of enough individuals leave, and what is refused says why."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from p20kit import Table, protect, tabulate
from p20kit.errors import ModelInvalid, ModelUnsafe
from p20kit.models import model
from tests.disclosure.regressions import STRICT, fit, found, rules, students

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
