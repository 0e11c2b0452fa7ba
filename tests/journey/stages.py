"""The whole way, step by step, as its people go it: each stage is reached from the one before through the doors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from enclave import papers
from enclave.sandbox import Bubblewrap, SandboxSpec, python
from tests.world import FIRST_DAY, PROJECT, Installation, agency_files

STUDENTS, WAGE_EARNERS = 1_500, 3_500
PUBLISHED_ON = date(2022, 4, 26)
"""Ten business days after 2022-04-11; Good Friday, the 15th, is a holiday of the State."""
LAST_DAY = date(2022, 8, 31)

PEOPLE = {
    # login: (role, agency, government, purpose); who enters the others first
    "olga": ("opm", "", True, ""),
    "hubert": ("hub-staff", "", True, ""),
    "wren": ("researcher", "", False, ""),
    "grace": ("agency-analyst", "SDE", True, "b"),
    "sam": ("steward", "SDE", True, ""),
    "dora": ("steward", "DOL", True, ""),
    "hal": ("steward", "DOL-HUB", True, ""),
    "wes": ("steward", "WESTED", False, ""),
    "cara": ("steward", "CSCU", True, ""),
    "oda": ("steward", "OPW", True, ""),
}
"""Who is on the list; whoever is of an agency that takes no part is not."""
STRANGER = ("researcher", "", False, "")
REPRESENTATIVES = ("sam", "dora", "hal", "wes")
WORKS_FOR = {"hub-staff": "DOL-HUB", "agency-analyst": "SDE", "researcher": "WESTED"}
FAR = "2099-12-31"
"""Until when papers hold where a test is not about their end."""

ASK = """
import hashlib, json, pathlib, pickle
import pandas as pd
import p20kit

project = p20kit.open_project()
students = project.frame("sde")
by = ["ManufacturingStudent", "RaceEthnicityReportingText"]
sources = {column: f"sde.{column}" for column in by}
text = dict(report="cumulative", questions=["RQ1"], audience="public", population="students of ExA 3.a")
safe = p20kit.tabulate(students, by=by, name="race", sources=sources)
asked = p20kit.request_release(safe, title="Who takes part", methods=["complementary suppression"], **text)
safe_id = asked.parent.name

# The same persons with one cell of five laid open: what protect() would have hidden.
five = students[students["ManufacturingStudent"] == "Y"].iloc[:5]
many = students[students["ManufacturingStudent"] == "N"].iloc[:40]
few = p20kit.tabulate(pd.concat([five, many]), by=["ManufacturingStudent"], name="few",
                      sources={"ManufacturingStudent": "sde.ManufacturingStudent"})
path = p20kit.request_release(few, title="Five of them", methods=["complementary suppression"], **text)
body = json.loads(path.read_text())
body["tables"][0]["cells"]["count"] = [int(n) for n in few.cells["count"]]
body["tables"][0]["cells"]["status"] = ["shown"] * len(few.cells)
path.unlink()
path.parent.rmdir()
outbox = pathlib.Path("/home/analyst/outbox")
(outbox / "out-555555555555").mkdir()
(outbox / "out-555555555555" / "request.json").write_text(json.dumps(body))
few_id = "out-" + hashlib.sha256(json.dumps(body).encode()).hexdigest()[:12]
print(json.dumps({"safe": safe_id, "few": few_id}))

students.to_csv(outbox / "rows.csv")
(outbox / "chart.png").write_bytes(b"\\x89PNG\\r\\n\\x1a\\n")
(outbox / "model.pickle").write_bytes(pickle.dumps(students.head()))
"""
FIRST = "SDE.0034.04_11_2022.matching"


@dataclass(frozen=True)
class Stage:
    """How far the journey has come, and what comes before."""

    after: str
    go: Callable[[Installation], None]


def found(made: Installation) -> None:
    """Found the installation; the agencies make their keys and files; the agreement is signed, people are listed."""
    made.agencies.mkdir(parents=True)
    agency_files(folder=made.agencies, students=STUDENTS, wage_earners=WAGE_EARNERS)
    made.run("init", "--demo")
    made.run("today", FIRST_DAY)
    agree(made)
    parties = {path.name.split(".")[0] for path in transmittals(made)}
    for party in sorted(parties):
        made.run("keys", "new", party, "--out", made.agencies / "keys")
        made.run("intake", "key", made.agencies / "keys" / f"{party}.public.json", who="hubert")


def agree(made: Installation) -> None:
    """Register the agreement; list the people with their papers; the agencies approve, everybody signs."""
    policy = made.policy()
    made.run("agreement", "register", made.project)
    listed = [person for person, (_, agency, _, _) in PEOPLE.items() if not agency or policy.party(agency)]
    for person in listed:
        enlist(made, person)
    for person in listed:  # who verifies an employment is listed by now
        let_in(made, person)
    for agency in policy.agencies:
        made.run("agency", "join", agency, "2021-07-01", who="olga")
        made.run("agreement", "available", made.project, who=steward(agency))
        made.run("agreement", "vote", made.project, "approval", who=steward(agency))
    attach(made)
    for party in policy.signatories:
        made.run("agreement", "sign", made.project, party, "Representative", "2022-04-01")
        made.run("people", "designate", made.project, party, steward(party), letter(made), "--since", "2022-04-01")
    for person in listed:
        if PEOPLE[person][0] in ("researcher", "agency-analyst"):
            approve(made, person)


def letter(made: Installation) -> Path:
    """Give a document; what it says is nobody's matter here."""
    path = made.agencies / "letter.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text("An invented document.\n", "utf-8")
    return path


def attach(made: Installation) -> None:
    """Attach the exhibits, every statement of the requestor signed."""
    since = ("--project", made.project, "--since", "2022-04-01")
    for name, kind in papers.kinds().items():
        if kind.attached:
            made.run("papers", "add", name, letter(made), *since)
        if kind.attached and kind.items:
            made.run("papers", "tick", f"{name}/{made.project}/001", *kind.items, who="wes")
    if made.policy().needs_review_board:
        approved = ("--names", "IRB-2021-17", "--status", "approved", "--until", FAR)
        made.run("papers", "add", "exhibit-d", letter(made), *since, *approved)


def let_in(made: Installation, person: str, *, signed_on: str = "2022-04-01") -> None:
    """Give a listed person what access asks for beside approvals: both exhibits, training, a verified status."""
    role, _, government, _ = PEOPLE.get(person, STRANGER)
    if role in WORKS_FOR:
        record(made, person, signed_on=signed_on)
        made.run("papers", "add", "training", letter(made), "--about", person, "--until", FAR)
    if role in WORKS_FOR and government:
        made.run("papers", "add", "government-status", letter(made), "--about", person, who="hal")
        made.run("people", "verify", person, who="olga")


def record(made: Installation, person: str, *, signed_on: str = "2022-04-01") -> None:
    """Have the Operating Group record both exhibits that a person signed on paper."""
    for exhibit in "BC":
        scan = ("--signed-on", signed_on)
        made.run("people", "signed", made.project, person, exhibit, letter(made), *scan, who="olga")


def steward(party: str) -> str:
    """Give the login of who speaks for a party."""
    return next(login for login, (role, agency, _, _) in PEOPLE.items() if (role, agency) == ("steward", party))


def approve(made: Installation, person: str) -> None:
    """Record the approvals of a person, each by its agency's steward."""
    for agency in made.policy().agencies:
        made.run("people", "approve", made.project, person, agency, who=steward(agency))


def enlist(made: Installation, person: str) -> None:
    """Put a person on the list, with neither approvals nor exhibits."""
    role, agency, government, purpose = PEOPLE.get(person, STRANGER)
    office = WORKS_FOR.get(role, "Office")
    contact = ("--name", f"Invented {person}", "--position", "Staff", "--organization", office)
    reached = ("--email", f"{person}@example.org", "--telephone", "555-0100")
    why = ("--purpose", purpose, "--justification", "for the agency", "--until", FAR) if purpose else ()
    government_option = ("--government",) if government else ()
    rest = ("--agency", agency, *why, *government_option)
    made.run("people", "enlist", made.project, person, role, *contact, *reached, *rest, who="olga")


def transmittals(made: Installation) -> list[Path]:
    """Give the plain files of the parties, in the order in which they are sent; CSCU is not a party."""
    files = [p for p in sorted(made.agencies.glob("*.0034.*")) if p.name.split(".")[0] in {"DOL", "SDE"}]
    return files + sorted(made.agencies.glob("finder/*/*.finder"))


def send(made: Installation, plain: Path) -> None:
    """Seal a file at its agency and receive it at the hub."""
    party, out = plain.name.split(".")[0], made.root / "sent" / plain.parent.name
    out.mkdir(parents=True, exist_ok=True)
    made.run(
        "seal", plain, "--key", made.agencies / "keys" / f"{party}.private.json", "--hub", hub_keys(made),
        "--project", made.project, "--as-of", FIRST_DAY, "--out", out, "--policies", made.enclave.settings.policies,
    )  # fmt: skip
    (sealed,) = sorted(out.glob(f"{plain.name}*.sealed"))
    made.run("receive", sealed, made.project, who="hubert")


def hub_keys(made: Installation) -> Path:
    """Give the hub's public keys."""
    return made.home / "keys" / "DOL-HUB.public.json"


def first_file(made: Installation) -> None:
    """Receive the students, so that the hub holds something when others are turned away."""
    send(made, made.agencies / FIRST)


def all_files(made: Installation) -> None:
    """Receive everything else."""
    for plain in transmittals(made):
        if plain.name != FIRST:
            send(made, plain)


def match(made: Installation) -> None:
    """Run the approved notebook in its sandbox."""
    made.run("matching", "run", made.project, who="hubert")


def complete(made: Installation) -> None:
    """Collect every Representative's agreement."""
    for person in REPRESENTATIVES:
        made.run("matching", "agree", made.project, who=person)


def cut(made: Installation) -> None:
    """Cut and deliver the Resultant Data."""
    made.run("resultant", "cut", made.project, who="hubert")


def ask(made: Installation) -> None:
    """Let Wren work inside a sandbox, as the hub starts one, and leave requests and loose files in the outbox."""
    session = made.enclave.broker().admit("wren", made.project)
    (session.folder / "home" / "ask.py").write_text(ASK, "utf-8")
    command = (python(), "/home/analyst/ask.py")
    log = made.root / "sandbox.log"
    with log.open("wb") as errors:
        sandbox = Bubblewrap(made.enclave.settings.runtime).start(
            SandboxSpec(session.name, command, session.mounts), stdout=errors, stderr=errors
        )
        assert sandbox.wait(120) == 0, log.read_text("utf-8")


def collect(made: Installation) -> None:
    """Take the requests in."""
    made.run("egress", "collect", made.project, "wren")


def clear(made: Installation) -> None:
    """Clear the request that holds, which opens the review."""
    made.run("egress", "clear", request_of(made), "--project", made.project, who="olga")


def request_of(made: Installation, which: str = "safe") -> str:
    """Give the id of the request that holds, or of the one with a cell of five (``few``)."""
    printed = (made.root / "sandbox.log").read_text("utf-8").splitlines()
    return str(json.loads(printed[-1])[which])


def confirm(made: Installation) -> None:
    """Let every agency concerned confirm, and ten business days pass."""
    for person in ("sam", "dora"):
        made.run("review", "confirm", request_of(made), who=person, code=None)
    made.run("today", PUBLISHED_ON)


def publish(made: Installation) -> None:
    """Publish the package."""
    made.run("publication", "publish", request_of(made), who="olga")


def destroy(made: Installation) -> None:
    """End the session; destroy the match data, and on the last day everything."""
    made.enclave.broker().release(f"{made.project.lower()}-wren")
    made.run("destruction", "match-data", made.project, who="hubert")
    made.run("today", LAST_DAY)
    made.run("destruction", "project", made.project, who="hubert")


STAGES = {
    "founded": Stage("", found),
    "begun": Stage("founded", first_file),
    "received": Stage("begun", all_files),
    "matched": Stage("received", match),
    "agreed": Stage("matched", complete),
    "delivered": Stage("agreed", cut),
    "asked": Stage("delivered", ask),
    "collected": Stage("asked", collect),
    "cleared": Stage("collected", clear),
    "confirmed": Stage("cleared", confirm),
    "published": Stage("confirmed", publish),
    "destroyed": Stage("published", destroy),
}


def reach(made: Installation, stage: str) -> None:
    """Go the one step that leads to a stage."""
    STAGES[stage].go(made)


__all__ = ["ASK", "LAST_DAY", "PEOPLE", "PROJECT", "STAGES", "reach"]
