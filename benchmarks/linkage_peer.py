"""Splink 5 with the settings of its documentation on the files of the linkage benchmark; one process per run.

    python -m benchmarks.linkage_peer documented folder    # as a newcomer runs it
    python -m benchmarks.linkage_peer capped folder        # sampling and EM capped, columns trimmed: the fair peer
    python -m benchmarks.linkage_peer febrl4               # the documentation's example

Names are in capitals and empty fields null, as the documentation asks. The comparisons are those of its
guides for persons; the placeholder SSN is nulled. Links are one to one (Splink's single best links, with the
planner's quadratic join of DuckDB 2.0 avoided), at probability 0.5.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from benchmarks.linkage_files import score_pairs
from benchmarks.linkage_ours import febrl
from benchmarks.measuring import cpu_seconds, peak_mib

CAP = 2e6
DOCUMENTED_PAIRS = 1e7
COLUMNS = {"FirstName": "first_name", "MiddleName": "middle_name", "LastName": "last_name"} | {
    "DOB": "dob",
    "Gender": "sex",
    "SASID": "sasid",
    "SSN": "ssn",
}
PLACEHOLDER = "999999999"


def read(con: Any, agencies: list[str], folder: Path) -> list[str]:
    """Read and tidy the files; give the identifying columns that all of them have."""
    held = []
    for agency in agencies:
        names = con.execute(f"select * from '{folder / agency}.parquet' limit 0").description
        held.append([name for column, name in COLUMNS.items() if column in {n[0] for n in names}])
        texts = ", ".join(
            f"nullif(nullif(upper(trim({c})), ''), '{PLACEHOLDER}') as {n}"
            for c, n in COLUMNS.items()
            if n in held[-1]
        )
        con.execute(
            f"create table {agency} as select GenericID as unique_id, {texts} from '{folder / agency}.parquet'"
        )
        for name in set(COLUMNS.values()) - set(held[-1]):
            con.execute(f"alter table {agency} add column {name} varchar")
    return [n for n in COLUMNS.values() if sum(n in each for each in held) > 1]


def settings(columns: list[str], *, trimmed: bool) -> SettingsCreator:
    """Give the comparisons and blocking rules of the documentation's person guides."""
    comparisons: list[Any] = [
        cl.NameComparison(name).configure(term_frequency_adjustments=True) for name in ("first_name", "last_name")
    ]
    comparisons.append(cl.DateOfBirthComparison("dob", input_is_string=True, datetime_format="%Y%m%d"))
    comparisons.append(cl.ExactMatch("sex"))
    comparisons += [cl.DamerauLevenshteinAtThresholds(c, 1) for c in ("sasid", "ssn") if c in columns]
    comparisons += [cl.NameComparison("middle_name")] if "middle_name" in columns else []
    rules = [block_on(c) for c in ("sasid", "ssn") if c in columns]
    rules += [
        block_on("first_name", "last_name"),
        block_on("dob", "substr(last_name, 1, 3)"),
        block_on("dob", "substr(first_name, 1, 3)"),
        block_on("last_name", "substr(first_name, 1, 1)", "substr(dob, 1, 4)"),
    ]
    return SettingsCreator(
        link_type="link_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
        retain_matching_columns=not trimmed,
        retain_intermediate_calculation_columns=not trimmed,
    )


def train(linker: Any, columns: list[str], *, capped: bool) -> None:
    """Train as the documentation does: prior from strict rules, u by sampling, m by EM on two blockings."""
    strict = [block_on(c) for c in ("sasid", "ssn") if c in columns] + [block_on("first_name", "last_name", "dob")]
    linker.training.estimate_probability_two_random_records_match(strict, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=CAP if capped else DOCUMENTED_PAIRS, seed=1)
    for rule in (block_on("first_name", "last_name"), block_on("dob", "sex")):
        linker.training.estimate_parameters_using_expectation_maximisation(
            rule, **({"max_pairs": CAP} if capped else {})
        )


def febrl4() -> dict[str, Any]:
    """Link FEBRL 4 as the documentation's example does."""
    left, right = febrl("dataset4a"), febrl("dataset4b")
    before, began = cpu_seconds(), time.perf_counter()
    con = duckdb.connect()
    con.execute("set threads=2")
    database = DuckDBAPI(connection=con)
    tables = [
        database.register(t.replace("", None), dataset_display_name=n)
        for n, t in (("febrl_a", left), ("febrl_b", right))
    ]
    names = [cl.NameComparison(n).configure(term_frequency_adjustments=True) for n in ("given_name", "surname")]
    comparisons = [
        *names,
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
        cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
    ]
    rules = [
        block_on("given_name", "surname"),
        block_on("soc_sec_id"),
        block_on("date_of_birth"),
        block_on("postcode", "given_name"),
        block_on("postcode", "surname"),
    ]
    linker = Linker(
        tables,
        SettingsCreator(
            link_type="link_only",
            unique_id_column_name="rec_id",
            comparisons=comparisons,
            blocking_rules_to_generate_predictions=rules,
        ),
        log_level="ERROR",
    )
    strict = [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")]
    linker.training.estimate_probability_two_random_records_match(strict, recall=0.9)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in (block_on("date_of_birth"), block_on("postcode")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    pairs = linker.inference.predict(threshold_match_probability=0.5)
    links = pairs.query_sql("select rec_id_l, rec_id_r from {this}").as_pandas_dataframe()
    seconds, wall = cpu_seconds() - before, time.perf_counter() - began
    right_ones = int((links["rec_id_l"].str.split("-").str[1] == links["rec_id_r"].str.split("-").str[1]).sum())
    return {"seconds": seconds, "wall": wall, "mib": peak_mib(), "f1": 2 * right_ones / (len(links) + len(left))}


def main() -> int:
    """Link the files of a folder and print F1, CPU seconds and memory."""
    if sys.argv[1] == "febrl4":
        print(json.dumps(febrl4()))
        return 0
    how, folder = sys.argv[1], Path(sys.argv[2])
    agencies = json.loads((folder / "files.json").read_text())["agencies"]
    con = duckdb.connect()
    con.execute("set threads=2")
    before, began = cpu_seconds(), time.perf_counter()
    columns = read(con, agencies, folder)
    database = DuckDBAPI(connection=con)
    tables = [database.register(name, dataset_display_name=name) for name in agencies]
    linker = Linker(tables, settings(columns, trimmed=how == "capped"), log_level="ERROR")
    train(linker, columns, capped=how == "capped")
    pairs = linker.inference.predict(
        **({"threshold_match_weight": -6} if how == "capped" else {"threshold_match_probability": 0.01})
    )
    con.execute("set disabled_optimizers='join_order'")
    best = linker.clustering.cluster_using_single_best_links(
        pairs, duplicate_free_datasets=agencies, threshold_match_probability=0.5, ties_method="drop"
    )
    con.execute("reset disabled_optimizers")
    clusters = best.query_sql("select cluster_id, source_dataset, unique_id from {this}").as_pandas_dataframe()
    seconds, wall = cpu_seconds() - before, time.perf_counter() - began
    found: dict[str, Any] = {"seconds": seconds, "wall": wall, "mib": peak_mib()}
    found |= score_pairs(folder, clusters)
    whole = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, threshold_match_probability=0.95)
    joined = whole.query_sql("select cluster_id, source_dataset, unique_id from {this}").as_pandas_dataframe()
    found["components"] = score_pairs(folder, joined)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
