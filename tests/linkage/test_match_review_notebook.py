"""The approved notebook of the clerical review, run as the hub runs it, on invented persons."""

import json
import re
from pathlib import Path

import nbformat
import papermill
import pytest

from p20kit import synthetic
from p20kit.linkage import job as jobs
from p20kit.linkage import link_pair
from p20kit.linkage.review import draw
from p20kit.linkage.review_answers import answers_to
from tests.linkage.agencies import review_job, run_template

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "templates" / "match_review.ipynb"
ROLES = {"first_name": "FirstName", "last_name": "LastName", "dob": "DOB", "sasid": "SASID"}


@pytest.fixture(scope="module")
def world() -> synthetic.Universe:
    return synthetic.universe(students=1_500, wage_earners=300, college_students=1_500, seed=7)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, world: synthetic.Universe) -> jobs.Job:
    """A job that was run, its sample judged by two who differ in every tenth pair, and a third who settles one."""
    job = review_job(tmp_path_factory.mktemp("job"), world, ROLES)
    (job.root / "parameters.json").write_text(json.dumps({"job": str(job.root), "pairs": 100}))
    linked = link_pair(job.left, job.right, roles=ROLES, names=job.names)
    jobs.write_result(job, linked)
    sample = draw(linked, pairs=100)
    answers = answers_to(sample, job.out)
    person = world.truth.set_index("generic_id")["person"]
    same = sample.pairs["left_id"].map(person) == sample.pairs["right_id"].map(person)
    for pair, truth in enumerate(same):
        answers.add("Ada", pair, "match" if truth else "no match")
        answers.add("Ben", pair, "cannot tell" if pair % 10 == 0 else "match" if truth else "no match")
    answers_to(sample, job.out, {sample.sha256[:16]: [10]}).add("Eve", 10, "match" if same[10] else "no match")
    return job


@pytest.fixture(scope="module")
def page(job: jobs.Job) -> str:
    assert run_template("match_review", job.root)[-1] == {"event": "done"}
    return (job.out / "match_review.html").read_text(encoding="utf-8")


def test_what_was_answered_is_reckoned_and_kept(job, page):
    kept = json.loads((job.out / "review.json").read_text())
    assert (kept["job"], kept["project"], kept["pairs"], kept["seed"]) == ("M-0002", "DR-TEST", 100, 34)
    drawn = sum(stratum["drawn"] for stratum in kept["strata"])
    assert kept["agreement"]["pairs"] == drawn == kept["agreement"]["same"] + (drawn + 9) // 10
    third = kept["adjudication"]
    assert (third["differed"], third["settled"]) == ((drawn + 9) // 10, 1)
    assert "Interval before a third settled" in page and "settled 1; agreement is measured before" in page
    assert 0.8 < kept["precision"]["low"] <= kept["precision"]["rate"] <= kept["precision"]["high"] <= 1
    assert kept["recall"]["low"] < kept["recall_proposed"]["rate"]
    assert f"{100 * kept['precision']['rate']:.2f} %" in page and "kappa" in page
    assert (job.out / "links.parquet").exists()


def test_neither_page_nor_executed_notebook_shows_a_person(job, page, world):
    assert "<script" not in page and not re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", page)
    assert "Pairs are judged in the hub's own session" in page.replace("&#39;", "'")
    executed = (job.out / "match_review.ipynb").read_text()
    for text in (page, executed):
        words = set(re.findall(r"[\w-]+", text))
        for agency in ("SDE", "CSCU"):
            file = world.matching(agency)
            assert not words & set(file["GenericID"])
            assert not words & {name for name in file["LastName"] if len(name) > 6}
    assert "widgets" not in json.loads(executed)["metadata"]


def test_its_form_asks_for_no_secret_and_names_no_reviewer():
    declared = papermill.inspect_notebook(str(NOTEBOOK))
    assert {name: entry["inferred_type_name"] for name, entry in declared.items()} == {
        "job": "str",
        "pairs": "int",
        "seed": "int",
    }
    assert all(entry["help"] for entry in declared.values())
    nbformat.validate(nbformat.read(NOTEBOOK, as_version=4))


def test_a_new_run_of_the_job_puts_the_review_away(job, page):
    jobs.read_job(str(job.root))
    assert not (job.out / "review.json").exists() and not (job.out / "links.parquet").exists()
    assert list(job.out.glob("review-*.jsonl"))
