"""Attack encoded files without their secret, and count the persons found; one process.

python -m benchmarks.linkage_attack folder

Three attackers, from weak to strong, who hold the encoded file of one agency:
counts    knows how often every surname occurs, from another agency's file; the commonest filter is the commonest name
other     has another agency's whole list in the clear, which shares persons with the file
same      has the agency's own list in the clear, and lacks nothing but the secret; with and without knowing which
          token is which date of birth
The last two encode their list with a secret of their own: how many records of one date of birth share a token does
not depend on the secret, and is a mark by which a person may be told.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.linkage_ours import encoded_file

ATTACKED, OTHER = "SDE", "CSCU"
_TOKENS = ("dob_sex", "dob_first", "dob_last", "dob_initial", "dob_formal", "dob_start")


def by_counts(values: pd.Series, names: pd.Series, known: pd.Series) -> float:
    """Give the share of records whose name is guessed by setting values and names side by side, commonest first."""
    ranked = values.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable").index
    listed = known.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable").index
    n = min(len(ranked), len(listed))
    guess = dict(zip(ranked[:n], listed[:n], strict=True))
    return float((values.map(guess) == names).mean())


def marks(encoded: pd.DataFrame, dates: pd.Series | None) -> pd.Series:
    """Give of every record what its file tells without the secret: how many share its tokens, what it lacks."""
    columns = ["dob", *_TOKENS, "fn_dob", "ln_dob", "names_year"]
    seen = [encoded.groupby(column)[column].transform("size").where(encoded[column] != "", 0) for column in columns]
    seen += [(encoded["mn_dob"] == "").astype(int), *([] if dates is None else [dates])]
    return pd.Series(list(zip(*(each.to_numpy() for each in seen), strict=True)), index=encoded.index)


def by_marks(attacked: pd.Series, known: pd.Series, persons: Sequence[pd.Series]) -> tuple[float, float]:
    """Give the share of the file's persons found by a mark that only one record and one listed person have.

    Returns
    -------
    tuple of float
        Rightly found, of all records of the file; wrongly found.
    """
    mine, theirs = (
        pd.DataFrame({"mark": side.to_numpy(), "person": person.to_numpy()}).drop_duplicates("mark", keep=False)
        for side, person in zip((attacked, known), persons, strict=True)
    )
    met = mine.merge(theirs, on="mark")
    right = float((met["person_x"] == met["person_y"]).sum())
    return right / len(attacked), (len(met) - right) / len(attacked)


def main() -> int:
    """Print what each attacker finds."""
    folder = Path(sys.argv[1])
    clear = {agency: pd.read_parquet(folder / f"{agency}.parquet") for agency in (ATTACKED, OTHER)}
    truth = pd.read_parquet(folder / "truth.parquet").set_index("generic_id")["person"]
    sent = encoded_file(clear[ATTACKED], bytes(32))
    lists = {agency: encoded_file(file, bytes([1]) * 32) for agency, file in clear.items()}
    own = clear[ATTACKED].set_index("GenericID").loc[sent["GenericID"]].reset_index()
    surnames, known = own["LastName"].str.upper(), clear[OTHER]["LastName"].str.upper()
    persons = {agency: each["GenericID"].map(truth) for agency, each in {**lists, "sent": sent}.items()}
    born = {agency: _dates(clear[agency], each) for agency, each in lists.items()} | {"sent": own["DOB"]}
    found = {"records": len(sent), "dates": int(own["DOB"].nunique())}
    found["unsalted"] = by_counts(surnames.map(hash), surnames, known)
    found["counts"] = by_counts(sent["ln_dob"], surnames, known)
    for name, agency, dated in (("other", OTHER, False), ("same", ATTACKED, False), ("dated", ATTACKED, True)):
        sides = (
            marks(table, born[whose] if dated else None) for whose, table in (("sent", sent), (agency, lists[agency]))
        )
        found[name], found[f"{name}_wrong"] = by_marks(*sides, (persons["sent"], persons[agency]))
    found["chance"] = float(1 / np.mean(own.groupby("DOB")["DOB"].transform("size")))
    print(json.dumps(found))
    return 0


def _dates(clear: pd.DataFrame, encoded: pd.DataFrame) -> pd.Series:
    return encoded["GenericID"].map(clear.set_index("GenericID")["DOB"])


if __name__ == "__main__":
    raise SystemExit(main())
