"""A column of text as codes into its distinct values: whatever is done to it is done once per value."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Codes = npt.NDArray[np.signedinteger]


@dataclass(frozen=True, eq=False)
class Coded:
    """A column of text.

    Attributes
    ----------
    codes : ndarray of signed integers
        Per row the position in `values`; -1 is missing.
    values : sequence of str
        Each once.
    """

    codes: Codes
    values: Sequence[str]

    def map(self, change: Callable[[str], str | None]) -> "Coded":
        """Change every value; None is missing."""
        return self.derive([change(value) for value in self.values])

    def derive(self, changed: Sequence[str | None]) -> "Coded":
        """Give the column whose values are `changed`, one for each of `values` and in their order."""
        table, values = _code(pa.array(changed, type=pa.string()))
        # The missing are coded -1: they find their -1 at the end.
        narrow = np.min_scalar_type(-max(len(values), 1))
        return Coded(np.append(table, np.int32(-1)).astype(narrow)[self.codes], values)

    def filled_by(self, other: "Coded") -> "Coded":
        """Give the column with what is missing taken from `other`."""
        values = list(dict.fromkeys([*self.values, *other.values]))
        position = {value: i for i, value in enumerate(values)}
        lent = np.array([*(position[value] for value in other.values), -1], dtype=np.int32)
        return Coded(np.where(self.codes >= 0, self.codes, lent[other.codes]), values)

    def categorical(self) -> "pd.Categorical[str]":
        """Give the column as pandas holds it."""
        return pd.Categorical.from_codes(self.codes, pd.Index(list(self.values), dtype="str"))


def texts(column: pd.Series) -> pa.Array:
    """Give a column as an Arrow array of text; what is not text is written as text, missing stays missing."""
    try:
        found = pa.array(column, type=pa.string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        found = pa.array(column.map(str, na_action="ignore"), type=pa.string(), from_pandas=True)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def encode(column: pd.Series) -> Coded:
    """Code a column of text."""
    return Coded(*_code(texts(column)))


def _code(found: pa.Array) -> tuple[Codes, list[str]]:
    coded = found.dictionary_encode()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes, coded.dictionary.to_pylist()


def share_values(left: pd.DataFrame, right: pd.DataFrame, columns: Sequence[str]) -> None:
    """Give categorical columns of both frames one list of values, in place, so that their codes compare."""
    held = [(frame, column) for frame in (left, right) for column in columns]
    own = [frame[column].cat for frame, column in held]
    listed = [pa.array(each.categories, type=pa.string(), from_pandas=True) for each in own]
    table, values = _code(pa.chunked_array(listed).combine_chunks())
    shared = pd.Index(values, dtype="str")
    parts = np.split(table, np.cumsum([len(each) for each in listed])[:-1])
    for (frame, column), each, part in zip(held, own, parts, strict=True):
        codes = np.append(part, np.int32(-1))[each.codes.to_numpy()]
        frame[column] = pd.Categorical.from_codes(codes, shared)


def arrow_table(frame: pd.DataFrame, as_codes: Collection[str] = ()) -> pa.Table:
    """Give a standardised frame as DuckDB loads it: text, and bare codes for the columns in `as_codes`."""

    def column(name: str) -> pa.Array:
        values = frame[name]
        if not isinstance(values.dtype, pd.CategoricalDtype):
            return pa.array(values, from_pandas=True)
        codes = values.cat.codes.to_numpy()
        if name in as_codes:
            return pa.array(codes, mask=codes < 0)
        held = pa.array(values.cat.categories, type=pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), held)

    return pa.table({str(name): column(str(name)) for name in frame})
