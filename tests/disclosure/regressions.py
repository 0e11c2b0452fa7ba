"""Invented students, and models of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from p20kit import CellPolicy
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
