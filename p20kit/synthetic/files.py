"""Files as the agencies send them: tab-delimited UTF-8 text, a header line, no quotation marks.

Source: EM XII.A; EM XII.B.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

if TYPE_CHECKING:
    from p20kit.synthetic.universe import Universe

TAB_DELIMITED = pyarrow.csv.WriteOptions(
    delimiter="\t", eol="\n", quoting_style="none", quoting_header="none", batch_size=65_536
)


@dataclass(frozen=True)
class AgencyFiles:
    """What was written.

    Attributes
    ----------
    paths : dict
        File by `SDE.matching`, `SDE.analytical`, `DOL.matching` and so on.
    finder : list of Path
        One per school and table of the memo.
    truth : Path
        Parquet with person, agency, generic_id; for measuring a match, never for the hub.
    rows : dict
        Rows by path below the directory, header not counted.
    """

    paths: dict[str, Path]
    finder: list[Path]
    truth: Path
    rows: dict[str, int]


def file_name(agency: str, dr: str, as_of: date, contents: str) -> str:
    """Name a file as the programme does: `SDE.0034.04_11_2022.matching`."""
    return f"{agency}.{dr}.{as_of:%m_%d_%Y}.{contents}"


def text_table(frame: pd.DataFrame) -> pa.Table:
    """Return a frame of texts as an Arrow table of strings."""
    return pa.table({name: pa.array(frame[name], type=pa.string()) for name in frame.columns})


def write_rows(path: Path, pieces: Iterable[pa.Table]) -> int:
    """Write tables of one schema as one file and count the rows; an empty value is an empty field."""
    rows = 0
    writer: pyarrow.csv.CSVWriter | None = None
    try:
        for piece in pieces:
            if writer is None:
                writer = pyarrow.csv.CSVWriter(path, piece.schema, write_options=TAB_DELIMITED)
            writer.write_table(piece)
            rows += piece.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows


def write_universe(
    world: Universe,
    directory: Path,
    *,
    dr: str,
    as_of: date,
    progress: Callable[[str, float], None] | None = None,
) -> AgencyFiles:
    """Write every file of `world`; see `Universe.write`."""
    told = progress or (lambda what, share: None)
    paths: dict[str, Path] = {}
    rows: dict[str, int] = {}
    steps = 2 * len(world.members) + 1

    def put(folder: Path, agency: str, contents: str, pieces: Iterable[pa.Table]) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / file_name(agency, dr, as_of, contents)
        rows[path.relative_to(directory).as_posix()] = write_rows(path, pieces)
        return path

    for agency in world.members:
        for contents in ("matching", "analytical"):
            name = f"{agency}.{contents}"
            told(name, len(paths) / steps)
            pieces = [text_table(world.matching(agency))] if contents == "matching" else world.analytical(agency)
            paths[name] = put(directory, agency, contents, pieces)
    told("finder", (steps - 1) / steps)
    finder = [
        put(directory / "finder" / str(frame.columns[1]), school, "finder", [text_table(frame)])
        for school, frame in world.finders()
    ]
    truth = directory / f"truth.{dr}.parquet"
    pa.parquet.write_table(pa.Table.from_pandas(world.truth, preserve_index=False), truth)
    told("finder", 1.0)
    return AgencyFiles(paths, finder, truth, rows)
