"""The approved notebook, run as the hub runs it, on files nobody here made."""

import json
import re
from datetime import date
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml

from p20kit.runner import content_hash
from tests.linkage.agencies import FEBRL_ROLES, febrl4, run_template

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "templates" / "match_pair.ipynb"


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("job")
    (root / "inputs").mkdir()
    a, b = (table.rename(columns={"rec_id": "GenericID"}) for table in febrl4())
    # 120 people of the first file are missing from the second, so that groups are neither all nor nothing.
    b = b[~b["GenericID"].str.split("-").str[1].astype(int).between(0, 119)]
    a.to_parquet(root / "inputs" / "A.parquet")
    b.to_parquet(root / "inputs" / "B.parquet")
    half = a["street_number"].str.len().gt(2).map({True: "long", False: "short"})
    pd.DataFrame({"GenericID": a["GenericID"], "house": half}).to_parquet(root / "inputs" / "groups.parquet")
    order = {"job": "M-0001", "project": "DR-TEST", "left": "A", "right": "B", "id_column": "GenericID"}
    order |= {"roles": FEBRL_ROLES, "groups": {"table": "groups.parquet"}}
    order |= {
        "signatories": [{"party": "A", "representative": "Chief of A"}, {"party": "B", "representative": "of B"}]
    }
    (root / "job.json").write_text(json.dumps(order))
    (root / "parameters.json").write_text(json.dumps({"job": str(root), "threshold": 0.95, "max_pairs": 500_000}))
    return root


@pytest.fixture(scope="module")
def events(job: Path) -> list[dict[str, object]]:
    return run_template("match_pair", job)


def test_it_runs_to_the_end_and_tells_its_stages(events):
    assert events[-1] == {"event": "done"}
    assert {"standardising", "blocking", "training", "scoring"} <= {e.get("name") for e in events}


def test_links_and_report_are_written(job, events):
    links = pd.read_parquet(job / "out" / "links.parquet")
    assert list(links) == ["left_id", "right_id", "match_weight", "match_probability", "rule"]
    same = links["left_id"].str.split("-").str[1] == links["right_id"].str.split("-").str[1]
    assert same.mean() >= 0.995 and same.sum() >= 0.995 * 4_880
    report = json.loads((job / "out" / "report.json").read_text())
    assert (report["job"], report["project"], report["agencies"]) == ("M-0001", "DR-TEST", ["A", "B"])
    assert report["method"]["threshold"] == 0.95
    assert set(report["inputs"]) == {"A.parquet", "B.parquet", "groups.parquet"}
    assert report["match_rate"]["overall"]["linked"] == len(links)


def test_the_page_loads_nothing_and_shows_no_person(job, events):
    page = (job / "out" / "match_pair.html").read_text(encoding="utf-8")
    loads = re.findall(
        r"""(?:src|href|srcset|data|action)\s*=\s*["'](?!#|data:)([^"']+)|url\((?!#)([^)]+)\)|@import""", page
    )
    assert loads == []
    assert set(re.findall(r"https?://[^\s\"'<>]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "<script" not in page
    a, _ = febrl4()
    words = set(re.findall(r"[\w-]+", page))
    assert not words & set(a["rec_id"])
    assert not words & {number for number in a["soc_sec_id"] if number}
    assert not words & {name for name in a["surname"] if len(name) > 6}


def test_the_page_says_what_the_representatives_sign(job, events):
    page = (job / "out" / "match_pair.html").read_text(encoding="utf-8")
    for heading in ("Match rate by group", "The threshold", "Which records were compared", "To run it again"):
        assert heading in page
    assert page.count("data:image/svg+xml") == 4
    assert "model-based" in page and "def " not in page


def test_the_page_ends_where_the_representatives_sign(job, events):
    page = (job / "out" / "match_pair.html").read_text(encoding="utf-8")
    end = page[page.index("To run it again") :]
    assert "<th" in end and all(column in end for column in ("Representative", "Signature", "Date"))
    assert end.index("DSA III.F.3") < end.index("Chief of A") < end.index("of B</td>")
    assert "No earlier run of this project" in page


def test_the_template_is_clean_and_typed():
    book = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(book)
    assert (book.nbformat, book.nbformat_minor) == (4, 5)
    assert not [cell.id for cell in book.cells if cell.get("outputs") or cell.get("execution_count")]
    assert len({cell.id for cell in book.cells}) == len(book.cells)


def test_only_what_the_board_approved_is_in_the_registry():
    methods = yaml.safe_load((ROOT / "policies" / "matching_methods.yaml").read_text())["methods"]
    assert len({method["id"] for method in methods}) == len(methods)
    for method in methods:
        assert content_hash(ROOT / method["file"]) == method["sha256"], method["id"]
        assert method["approved_by"] == "Data Governing Board"
        assert isinstance(method["approved_on"], date)
        assert method["clause"] == "EM VII.B.1.c"
