"""What docs/linkage.md says is so: its example runs, its clauses exist, its figures are those that were measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from enclave.clauses import clauses

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "linkage.md").read_text("utf-8")
ROWS = json.loads((ROOT / "benchmarks" / "results" / "linkage.json").read_text("utf-8"))["rows"]
FIGURES = re.findall(r"^\| [^|]+ \| `([a-z0-9-]+)` \| (.*) \|$", PAGE, re.MULTILINE)


def test_the_example_of_the_page_comes_out_as_it_says() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert "assert" in example
    exec(compile(example, "docs/linkage.md", "exec"), {})


def test_every_clause_of_the_page_exists() -> None:
    cited = set(re.findall(r"\b(?:DSA|EM|Ex[A-F]) [IVX\d]+(?:\.\w+)*", PAGE))
    assert "EM VII.B.1.c" in cited
    assert cited <= set(clauses())


@pytest.mark.parametrize(("job", "stated"), FIGURES, ids=[job for job, _ in FIGURES])
def test_the_figures_stated_are_those_measured(job: str, stated: str) -> None:
    own = [row for row in ROWS if row["command"].endswith(f"ONLY={job}") and "components" not in row["peer_name"]]
    measured = {row["figure"]: row for row in own if "capped" not in row["peer_name"] or job != "pair-100k"}
    score, seconds, memory = (measured[figure] for figure in ("F1", "CPU time", "peak memory"))
    peer = "" if score["peer"] is None else f"{score['peer']:.4f}"
    ratios = ["" if row["ratio"] is None else f", {row['ratio']:.2f}" for row in (seconds, memory)]
    cost = (f"{seconds['ours']:,.1f} s{ratios[0]}", f"{memory['ours']:,.0f} MiB{ratios[1]}")
    assert [cell.strip() for cell in stated.split("|")] == [f"{score['ours']:.4f}", peer, *cost]


def test_every_job_of_the_page_is_stated_once() -> None:
    sizes = ["pair-100k", "pair-1m", "pair-2m"]
    assert [job for job, _ in FIGURES] == [*sizes, "three", "febrl4", "febrl3", "historical"]
