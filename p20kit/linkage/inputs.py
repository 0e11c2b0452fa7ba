"""What is wrong with the files before anything is matched; all of it at once."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from p20kit.errors import Finding
from p20kit.linkage.codes import texts
from p20kit.linkage.errors import LinkageRefused
from p20kit.linkage.standardise import Standardised

MOST_DUPLICATES = 0.1
"""Share of records that may repeat another record of their file in names, suffix and date of birth."""
MOST_UNREADABLE = 0.2
"""Share of the dates given that may be no date."""
_BESIDE = ("mn", "suffix", "mn_dob")


def check_files(files: Mapping[str, pd.DataFrame], id_column: str, columns: Sequence[str]) -> None:
    """Check that every agency sent one unique record per individual, under identifiers of its own.

    Source: EM XII.A; EM XII.B.

    Parameters
    ----------
    files : mapping of str to DataFrame
        By agency.
    id_column : str
        The generic identifier.
    columns : sequence of str
        The matching identifiers.

    Raises
    ------
    LinkageRefused
        With every finding.
    """
    findings = [finding for agency, file in files.items() for finding in _of_one(agency, file, id_column)]
    if not findings:
        agencies = list(files)
        for i, one in enumerate(agencies):
            for other in agencies[i + 1 :]:
                findings += _of_two(one, other, files[one], files[other], id_column, columns)
    pa.default_memory_pool().release_unused()
    if findings:
        raise LinkageRefused("the files cannot be matched", findings)


def check_standardised(files: Mapping[str, Standardised]) -> None:
    """Check that the files hold persons once and dates that can be read.

    Source: EM XII; EM XII.A.

    Raises
    ------
    LinkageRefused
        With every finding.
    """
    findings = []
    for agency, file in files.items():
        repeated = likely_duplicates(file)
        if repeated > MOST_DUPLICATES * len(file.frame):
            findings.append(
                Finding(
                    "one record per person",
                    "EM XII.A",
                    f"the file of {agency}",
                    f"{repeated:,} of {len(file.frame):,} records repeat another in names and date of birth",
                    "Ask for one unique record per individual; find_duplicates() lists the clusters.",
                )
            )
        unread, held = file.nulled.get("dob", 0), file.completeness.get("dob", 0.0) * len(file.frame)
        if unread > MOST_UNREADABLE * (unread + held):
            findings.append(
                Finding(
                    "dates",
                    "EM XII",
                    f"the dates of birth of {agency}",
                    f"{unread:,} are in no format that is read",
                    "Ask for YYYYMMDD; YYYY-MM-DD and MM/DD/YYYY are read too.",
                )
            )
    if findings:
        raise LinkageRefused("the files cannot be matched", findings)


def likely_duplicates(file: Standardised) -> int:
    """Records equal to an earlier one of the same file in names, suffix and date of birth."""
    core = list(file.core)
    if not set(core) <= set(file.frame):
        return 0
    held = [*core, *(column for column in _BESIDE if column in file.frame)]
    codes = pd.DataFrame({column: _codes(file.frame[column]) for column in held})
    whole = codes[(codes[core] >= 0).all(axis=1)]
    return int(whole.duplicated().sum())


def _codes(values: pd.Series) -> npt.NDArray[np.integer]:
    """Number the values; -1 is missing."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy()
    return pd.factorize(values)[0]


def _of_one(agency: str, file: pd.DataFrame, id_column: str) -> Iterator[Finding]:
    if id_column not in file:
        yield Finding(
            "generic identifier",
            "EM XII.B",
            f"the file of {agency}",
            f"has no column {id_column}",
            "Name its column.",
        )
        return
    if file.empty:
        yield Finding(
            "records", "EM XII", f"the file of {agency}", "holds no record", "Wait for the agency's transmittal."
        )
        return
    ids = texts(file[id_column])
    absent = ids.null_count + int(pc.sum(pc.equal(ids, "")).as_py() or 0)
    repeated = len(ids) - len(ids.unique())
    if absent or repeated:
        yield Finding(
            "one record per person",
            "EM XII.A",
            f"{id_column} of {agency}",
            f"{absent} missing, {repeated} repeated",
            "Ask for one unique record per individual.",
        )


def _of_two(
    one: str, other: str, left: pd.DataFrame, right: pd.DataFrame, id_column: str, columns: Sequence[str]
) -> Iterator[Finding]:
    shared = int(pc.sum(pc.is_in(texts(left[id_column]), value_set=texts(right[id_column]))).as_py() or 0)
    held = [column for column in columns if column in left and column in right]
    if shared:
        what = f"share {shared:,} generic identifiers"
        advice = "Each agency's identifiers name the agency: check that one file was not sent twice."
        yield Finding("generic identifier", "EM XII.B", f"the files of {one} and {other}", what, advice)
    elif held and len(left) == len(right) and all(_same(left[column], right[column]) for column in held):
        what, advice = "hold the same records", "One file was sent twice: ask for the other agency's own."
        yield Finding("files", "EM XII", f"the files of {one} and {other}", what, advice)


def _same(one: pd.Series, other: pd.Series) -> bool:
    """Say whether two columns hold the same values; their length in all tells most apart at no cost."""
    return _length(one) == _length(other) and _hash(one) == _hash(other)


def _length(column: pd.Series) -> int:
    return int(pc.sum(pc.binary_length(texts(column))).as_py() or 0)


def _hash(column: pd.Series) -> int:
    """Hash of the values whatever their order."""
    return int(pd.util.hash_pandas_object(column, index=False).sum())
