"""What a Parquet file says of itself changes no match: none is taken from outside, and ours open unaltered or not.

Readers skip what statistics and page indexes say cannot be there: a file that lies about them hides records.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from enclave import intake
from enclave.errors import Invalid, Refused
from enclave.vault import read_header, seal_file

SDE = "SDE.0034.04_11_2022.matching"
SOUGHT = "Zorabel"


def lying(rows: list[list[str]], path: Path, *, index: bool) -> Path:
    """Write a Parquet file whose statistics, and page index, deny that a first name is in it."""
    columns = {name: [row[place] for row in rows[1:]] for place, name in enumerate(rows[0])}
    pq.write_table(pa.table(columns), path, use_dictionary=False, compression="none", write_page_index=index)
    whole = path.read_bytes()
    body = whole.rindex(SOUGHT.encode(), 0, whole.index(b"schema")) if b"schema" in whole else 0
    values, said = whole[: body + len(SOUGHT)], whole[body + len(SOUGHT) :]
    path.write_bytes(values + said.replace(SOUGHT.encode(), b"Aaaaaaa"))
    return path


def found(path: Path) -> int:
    sql = f"select count(*) from read_parquet('{path}') where FirstName = '{SOUGHT}'"
    (count,) = duckdb.execute(sql).fetchall()[0]
    return int(count)


@pytest.mark.parametrize("index", [False, True])
def test_a_parquet_file_with_wrong_statistics_is_no_file_of_the_programme(world: Any, index: bool) -> None:
    rows = world.people("SDE", 30)
    rows[7][2] = SOUGHT
    held_back = world.seal(world.write(SDE, rows))
    parquet = lying(rows, world.root / "parquet", index=index)
    values = pq.read_table(parquet).column("FirstName").to_pylist()
    assert values.count(SOUGHT) == 1
    assert found(parquet) == 0  # a reader that believes it does not find the person

    with pytest.raises(Invalid):
        world.seal(parquet.rename(world.root / SDE))
    header = read_header(held_back).model_copy(update={"id": str(uuid4())})
    forged = seal_file(world.root / SDE, world.root / "forged", header, world.parties["SDE"], world.hub.public)
    refused = world.turned_away(forged, Refused)
    assert {"header-line", "row-count", "manifest-elements"} & {f.rule for f in refused.findings}
    assert world.receive(held_back).rows == 30


def test_a_held_file_whose_statistics_were_altered_does_not_open(world: Any) -> None:
    rows = world.people("SDE", 30)
    rows[7][2] = SOUGHT
    held = world.send(SDE, rows)
    sealed, target = world.settings.sealed / held.sealed, world.root / "opened.parquet"
    intake.open_holding(world.keystore, world.settings, held, target)
    assert found(target) == 1
    length = target.stat().st_size
    whole = sealed.read_bytes()
    # the footer, with the statistics, is what stands at the end of the Parquet file
    for place in range(len(whole) - length // 2, len(whole) - 1, 97):
        altered = bytearray(whole)
        altered[place] ^= 1
        sealed.write_bytes(altered)
        for record in (held, replace(held, sha256=_digest(bytes(altered)))):
            with pytest.raises(Refused):
                intake.open_holding(world.keystore, world.settings, record, world.root / "altered.parquet")
            assert not (world.root / "altered.parquet").exists()


def test_what_the_hub_writes_says_of_itself_what_is_so(world: Any) -> None:
    rows = world.people("SDE", 30)
    held = world.send(SDE, rows)
    target = world.root / "opened.parquet"
    intake.open_holding(world.keystore, world.settings, held, target)
    metadata = pq.read_metadata(target)
    for place, name in enumerate(rows[0]):
        values = [row[place] for row in rows[1:] if row[place]]
        said = metadata.row_group(0).column(place).statistics
        if said is not None and said.has_min_max:
            assert (said.min, said.max) == (min(values), max(values)), name


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
