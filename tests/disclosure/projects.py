"""A small project folder of invented students, as a session finds it mounted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

RACES = {
    "White": 0.5,
    "Hispanic/Latino of any race": 0.27,
    "Black or African American": 0.13,
    "Asian": 0.05,
    "Two or More Races": 0.04,
    "American Indian or Alaska Native": 0.005,
    "Native Hawaiian or Other Pacific Islander": 0.005,
}
SCHOOLS = {"Hamden High School": 0.5, "Manchester High School": 0.4, "Small School": 0.09, "Tiny School": 0.01}
OWNER = "Connecticut State Department of Education"


def students(persons: int = 900) -> pd.DataFrame:
    """Invent students with the columns the templates use."""
    generator = np.random.default_rng(34)
    frame = pd.DataFrame({"P20ID": [f"P20-{i:016d}" for i in range(persons)]})
    frame["Gender"] = generator.choice(["F", "M"], persons)
    frame["RaceEthnicityReportingText"] = generator.choice(list(RACES), persons, p=list(RACES.values()))
    frame["LastReportingSchoolName"] = generator.choice(list(SCHOOLS), persons, p=list(SCHOOLS.values()))
    frame["FLAG_MP"] = np.where(generator.random(persons) < 0.2, "1", None)
    frame["ManufacturingStudent"] = np.where(frame["FLAG_MP"] == "1", "Y", "N")
    return frame


def wages(people: pd.DataFrame) -> pd.DataFrame:
    """Invent quarters of work for two thirds of the students, several rows a person."""
    generator = np.random.default_rng(35)
    employed = people["P20ID"].sample(frac=0.66, random_state=34)
    rows = employed.repeat(3).reset_index(drop=True).to_frame()
    rows["WageYear"], rows["WageQuarter"] = "2021", np.tile(["1", "2", "3"], len(employed))
    rows["EmployerNAICS"] = generator.choice(["332", "336", "445", "722"], len(rows))
    rows["EmployerID"] = "DOLE-" + rows["EmployerNAICS"] + generator.choice(list("ABCDEF"), len(rows))
    rows["QuarterlyWages"] = generator.gamma(4.0, 2500.0, len(rows)).round(2)
    return rows


def a_project(root: Path, *, with_dol: bool = False, persons: int = 900) -> Path:
    """Write project.json and data/ as the enclave mounts them."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    people = students(persons)
    everybody = people[["P20ID"]]
    frames = {"sde": people, "crosswalk": everybody.assign(SDE_GenericID=everybody["P20ID"].str[::-1])}
    frames |= {"dol": wages(people)} if with_dol else {}
    for name, frame in frames.items():
        frame.to_parquet(root / "data" / f"{name}.parquet", index=False)
    codes = {"Gender": ["F", "M", "U"], "RaceEthnicityReportingText": list(RACES)}
    tables = {
        name: {
            "file": f"data/{name}.parquet",
            "rows": len(frame),
            "columns": [
                {
                    "name": column,
                    "definition": f"{column} as delivered",
                    "owner": OWNER,
                    "type": "text",
                    "codes": codes.get(column),
                    "questions": ["RQ1"],
                    "as_of": "2026-06-30",
                    "uc": name == "dol",
                    "employer": column == "EmployerID",
                }
                for column in frame.columns
            ],
        }
        for name, frame in frames.items()
    }
    why = "unit records of unemployment compensation are for public officials only"
    document = {
        "project": "DR-0034",
        "title": "Manufacturing Skills for CT",
        "person": "avery.lind",
        "expires_on": "2027-12-31",
        "days_left": 406,
        "policy": {"minimum_count": 6, "minimum_base": 20, "zeros": "hidden", "minimum_employers": 3},
        "policy_hash": "0" * 64,
        "persons": persons,
        "sees_uc": with_dol,
        "names": ["DR-0034"],
        "tables": tables,
        "masked": []
        if with_dol
        else [
            {"column": "dol.QuarterlyWages", "clause": "EM VIII.B", "why": why},
            {"column": "sde.BirthYear", "clause": "EM VIII.B", "why": "matching identifier"},
        ],
        "reports": [{"id": "R1", "title": "Final report", "audience": "public"}],
        "questions": [{"id": "RQ1", "text": "Who takes part?"}, {"id": "RQ6", "text": "Who is employed?"}],
        "methods": [
            "cell suppression",
            "aggregation",
            "complementary suppression",
            "ranges",
            "rounding",
            "top and bottom coding",
            "adding noise",
        ],
    }
    (root / "project.json").write_text(json.dumps(document))
    return root
