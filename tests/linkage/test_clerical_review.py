"""Clerical review: the sample, the desk, two reviewers and a third, and a session that is killed."""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from p20kit import synthetic
from p20kit.linkage import LinkageRefused, Linked, Method, link_pair
from p20kit.linkage import job as jobs
from p20kit.linkage.review import Sample, allocate, draw, repeat_match
from p20kit.linkage.review_answers import Answers, answers_to, differing
from p20kit.linkage.review_desk import Desk
from tests.linkage.agencies import review_job
from tests.linkage.test_review_estimates import planted

ROLES = {"first_name": "FirstName", "last_name": "LastName", "dob": "DOB"}
THRESHOLD = 0.9


@pytest.fixture(scope="module")
def world() -> synthetic.Universe:
    return synthetic.universe(students=1_500, wage_earners=300, college_students=1_500, seed=7)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, world: synthetic.Universe) -> jobs.Job:
    return review_job(tmp_path_factory.mktemp("job"), world, ROLES)


@pytest.fixture(scope="module")
def linked(job: jobs.Job) -> Linked:
    found = link_pair(job.left, job.right, roles=ROLES, names=job.names, method=Method(threshold=THRESHOLD))
    jobs.write_result(job, found)
    return found


@pytest.fixture(scope="module")
def sample(linked: Linked) -> Sample:
    return draw(linked, pairs=100, seed=1)


@pytest.fixture
def answers(sample: Sample, tmp_path: Path) -> Answers:
    return answers_to(sample, tmp_path)


# The sample


def test_the_sample_is_drawn_by_seed_from_both_sides_of_the_threshold(linked, sample):
    assert draw(linked, pairs=100, seed=1).pairs.equals(sample.pairs)
    other = draw(linked, pairs=100, seed=2)
    assert not other.pairs.equals(sample.pairs) and other.sha256 != sample.sha256
    assert sample.pairs.merge(linked.links, on=["left_id", "right_id"]).shape[0] == sum(
        stratum.drawn for stratum in sample.strata if stratum.side == "link"
    )
    assert {stratum.side for stratum in sample.strata} == {"link", "no link"}
    assert sum(stratum.pairs for stratum in sample.strata) == len(linked.links) + len(linked.unlinked)
    assert not sample.pairs.duplicated(["left_id", "right_id"]).any()


def test_strata_are_bands_of_weight_and_mixed_in_the_order_shown():
    made, _ = planted(1)
    sample = draw(made, pairs=120)
    odds = made.links.set_index("left_id")["match_weight"].sub(np.log2(9))
    for i, stratum in enumerate(sample.strata):
        own = sample.pairs.loc[sample.pairs["stratum"] == i, "left_id"]
        assert len(own) == stratum.drawn >= min(10, stratum.pairs)
        if stratum.side == "link":
            end = {0: 2, 2: 4, 4: 8, 8: np.inf}[stratum.at_least]
            assert odds[own].between(stratum.at_least, end).all()
    assert (sample.pairs["stratum"].diff().dropna() != 0).sum() > 60


def test_a_stratum_gives_the_more_pairs_the_more_it_says_of_the_errors():
    sizes, spread = np.array([40, 400, 25, 12]), np.array([0.5, 0.1, 0.3, 0.4])

    def variance(drawn: tuple[int, ...]) -> float:
        return float(((sizes * spread) ** 2 / np.array(drawn)).sum())

    best = min(
        (each for each in product(range(10, 26), range(10, 40), range(10, 26), range(10, 13)) if sum(each) == 70),
        key=variance,
    )
    assert variance(tuple(allocate(sizes, spread, 70))) == pytest.approx(variance(best))
    assert allocate(sizes, spread, 1_000).tolist() == sizes.tolist()


def test_what_cannot_be_reviewed_is_refused(linked):
    with pytest.raises(LinkageRefused, match=r"99 are too few to say anything \(EM VII.B.1.c\)"):
        draw(linked, pairs=99)
    nothing = Linked(linked.links.iloc[:0], linked.unlinked, linked.report, linked.model)
    with pytest.raises(LinkageRefused, match="has no link to be judged"):
        draw(nothing)


def test_the_match_is_repeated_as_it_was_reported_or_refused(job, linked, tmp_path):
    assert repeat_match(job).links.equals(linked.links)
    kept = job.out / "report.json"
    written = kept.read_text()
    try:
        kept.write_text(json.dumps(json.loads(written) | {"links_sha256": "0" * 64}))
        with pytest.raises(LinkageRefused, match="states other links than its files give"):
            repeat_match(job)
        kept.unlink()
        with pytest.raises(LinkageRefused, match="the job was not run"):
            repeat_match(job)
    finally:
        kept.write_text(written)


# The desk


def signed_in(job: jobs.Job, sample: Sample, answers: Answers, reviewer: str = "ada") -> Desk:
    desk = Desk(job, sample, answers)
    desk.name.value = reviewer
    desk.begin.click()
    return desk


def press(desk: Desk, letters: str) -> None:
    for letter in letters:
        desk.key.set_state({"value": letter})  # as a browser's message does


def test_nobody_is_shown_before_somebody_signs_in(job, sample, answers):
    desk = Desk(job, sample, answers)
    assert (desk.record.value, desk.key.disabled) == ("", True)
    desk.buttons["match"].click()
    press(desk, "m")
    desk.begin.click()
    assert "has no name" in desk.told.value and desk.record.value == ""
    assert answers.by_reviewer() == {}


def test_two_records_stand_side_by_side_and_nothing_that_would_answer_for_the_reviewer(job, sample, answers):
    desk = signed_in(job, sample, answers)
    pair = sample.pairs.iloc[0]
    left = job.left.set_index("GenericID").loc[pair["left_id"]]
    right = job.right.set_index("GenericID").loc[pair["right_id"]]
    for record in (left, right):
        assert all(value in desk.record.value for value in record[list(ROLES.values())] if value)
    shown = desk.record.value + desk.told.value
    assert "weight" not in shown and "link" not in shown and pair["left_id"] not in shown
    assert "Pair 1 of 100" in desk.told.value


def test_what_a_record_holds_is_text_and_no_page(job, sample, answers):
    of = job.left["GenericID"] == sample.pairs["left_id"][0]
    bad = job.left.assign(FirstName=job.left["FirstName"].where(~of, "<img src=x>"))
    desk = signed_in(jobs.Job(**{**vars(job), "files": {**job.files, "SDE": bad}}), sample, answers)
    assert "&lt;img src=x&gt;" in desk.record.value and "<img" not in desk.record.value


def test_keys_answer_and_leave_the_field_empty_for_the_next(job, sample, answers):
    desk = signed_in(job, sample, answers)
    first = desk.record.value
    press(desk, "mNc")
    assert answers.by_reviewer() == {"ada": {0: "match", 1: "no match", 2: "cannot tell"}}
    assert desk.key.value == "" and desk.record.value != first
    press(desk, "x")
    assert "Keys: m match" in desk.told.value and len(answers.by_reviewer()["ada"]) == 3


def test_going_back_changes_an_answer_and_keeps_the_first_on_record(job, sample, answers):
    desk = signed_in(job, sample, answers)
    press(desk, "mm")
    desk.buttons["back"].click()
    assert "Your answer was: match" in desk.told.value
    desk.buttons["no match"].click()
    assert answers.by_reviewer()["ada"] == {0: "match", 1: "no match"}
    assert answers.path.read_text().count("\n") == 3
    assert "Pair 3 of 100. 2 of 100 judged" in desk.told.value
    press(desk, "bbbb")
    assert "This is the first pair" in desk.told.value


def test_when_all_is_judged_nobody_is_left_on_the_screen(job, sample, answers):
    desk = signed_in(job, sample, answers)
    press(desk, "m" * len(sample.pairs))
    assert desk.record.value == "" and "All is judged" in desk.told.value
    press(desk, "m")
    assert len(answers.by_reviewer()["ada"]) == answers.path.read_text().count("\n") == len(sample.pairs)
    press(desk, "b")
    assert f"Pair {len(sample.pairs)} of" in desk.told.value and desk.record.value


def test_two_reviewers_work_apart_and_a_third_is_turned_away(job, sample, answers):
    ada, ben = (signed_in(job, sample, answers, who) for who in ("ada", "ben"))
    press(ada, "mm")
    press(ben, "nc")
    assert "Pair 3" in ada.told.value and "Your answer" not in ben.told.value
    assert answers.by_reviewer() == {"ada": {0: "match", 1: "match"}, "ben": {0: "no match", 1: "cannot tell"}}
    eve = signed_in(job, sample, answers, "eve")
    assert "is a third one" in eve.told.value and eve.record.value == ""
    with pytest.raises(LinkageRefused, match="A pair is judged by two"):
        answers.add("eve", 0, "match")


def test_a_third_person_sees_only_what_two_differ_on_and_neither_answer(job, sample, answers):
    for pair in range(30):
        answers.add("ada", pair, "match")
        answers.add("ben", pair, "no match" if pair in (4, 17) else "match")
    apart = differing(answers.by_reviewer().values())
    assert apart == (4, 17)
    there = {sample.sha256[:16]: list(apart)}
    third = answers_to(sample, answers.path.parent, there)
    eve = signed_in(job, sample, third, "eve")
    left = job.left.set_index("GenericID").loc[sample.pairs["left_id"][4]]
    assert all(value in eve.record.value for value in left[list(ROLES.values())] if value)
    assert "Pair 1 of 2 on which two reviewers differ. 0 of 2 judged." in eve.told.value
    press(eve, "m")
    assert "0 of 2" not in eve.told.value and "Your answer" not in eve.told.value
    press(eve, "b")
    assert "Your answer was: match" in eve.told.value
    press(eve, "nc")
    assert "All is judged" in eve.told.value and eve.record.value == ""
    assert third.settling() == {"eve": {4: "no match", 17: "cannot tell"}} and "eve" not in third.by_reviewer()
    with pytest.raises(LinkageRefused, match="is none to a pair of this sample"):
        third.add("eve", 5, "match")
    ada = signed_in(job, sample, third, "ada")
    assert "judged these pairs" in ada.told.value and ada.record.value == ""
    other = signed_in(job, sample, answers_to(sample, answers.path.parent, {"0" * 16: [1]}), "eve")
    assert other.record.value == "" and "All is judged" in other.told.value


def test_the_hub_says_who_sits(job, sample, answers):
    desk = Desk(jobs.Job(**{**vars(job), "reviewer": "hubert"}), sample, answers)
    assert desk.name.disabled
    desk.begin.click()
    press(desk, "m")
    assert answers.by_reviewer() == {"hubert": {0: "match"}}


# The file of answers

KILLED = """
import os, signal, sys
from pathlib import Path
from p20kit.linkage.review_answers import Answers
answers = Answers(Path(sys.argv[1]), 100)
for pair in range(37):
    answers.add("ada", pair, "match")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_session_that_is_killed_goes_on_where_it_was(job, sample, answers):
    done = subprocess.run([sys.executable, "-c", KILLED, str(answers.path)], check=False)
    assert done.returncode == -signal.SIGKILL
    with answers.path.open("a") as torn:
        torn.write('{"reviewer": "ada", "pair": 37, "ans')
    desk = signed_in(job, sample, answers)
    assert "Pair 38 of 100. 37 of 100 judged." in desk.told.value
    press(desk, "n")
    assert answers.by_reviewer()["ada"] == dict.fromkeys(range(37), "match") | {37: "no match"}


@pytest.fixture
def small_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (220, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_an_answer_the_disk_does_not_take_is_asked_for_again(job, sample, answers, small_files):
    desk = signed_in(job, sample, answers)
    press(desk, "mmmmmm")
    kept = answers.by_reviewer()["ada"]
    assert 0 < len(kept) < 6 and "the answer was not kept" in desk.told.value
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    press(desk, "c")
    assert answers.by_reviewer()["ada"] == kept | {len(kept): "cannot tell"}


def test_answers_belong_to_their_sample_and_name_no_record(linked, sample, answers, tmp_path):
    answers.add("ada", 5, "match")
    assert answers_to(sample, tmp_path).by_reviewer() == {"ada": {5: "match"}}
    assert answers_to(draw(linked, pairs=100, seed=2), tmp_path).by_reviewer() == {}
    assert not any(one in answers.path.read_text() for one in sample.pairs["left_id"])
    for pair, answer in ((100, "match"), (-1, "match"), (0, "maybe")):
        with pytest.raises(LinkageRefused, match="is none to a pair of this sample"):
            answers.add("ada", pair, answer)
