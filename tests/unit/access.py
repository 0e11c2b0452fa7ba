"""The access matrix in one table: role, action, and the states of agreement, project and person.

``python -m tests.unit.access`` writes docs/access.md from it; `test_access_matrix` holds the program to every
combination. It is spelled here and nowhere read off the program.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from enclave.terms import ANALYSTS, Action, Role

A = Action
MAY = {
    Role.RESEARCHER: {A.ANALYSE, A.REQUEST},
    Role.AGENCY_ANALYST: {A.ANALYSE, A.REQUEST},
    Role.HUB_STAFF: {A.RECEIVE, A.MATCH, A.CUT, A.DESTROY},
    Role.STEWARD: {A.AGREE, A.CONFIRM, A.DECIDE, A.AUDIT},
    Role.OPM: {A.CHECK, A.PUBLISH, A.DESTROY, A.DECIDE, A.AUDIT},
    Role.AUDITOR: {A.AUDIT},
}
TOUCHES_RECORDS = {A.ANALYSE, A.REQUEST, A.RECEIVE, A.MATCH, A.CUT}
AT_ANY_TIME = {A.DESTROY, A.DECIDE, A.AUDIT}
TOUCHING = {role for role, actions in MAY.items() if actions & TOUCHES_RECORDS}


Rules = dict[str, str]
"""Rules that stand against an action, each with the clause it is refused under."""
ROLE = ("role", "DSA III.F.2")


@dataclass(frozen=True)
class State:
    """A state, and the rules that stand against an action because of it.

    Attributes
    ----------
    name : str
    rules : rule -> clause
        Of an agreement or a project against all actions but those possible at any time; of a person against all.
    records : rule -> clause
        Against what touches records.
    analysts, agency, hub : rule -> clause
        The same, of analysts alone, of an agency's analysts, of the hub's staff.
    """

    name: str
    rules: Rules = field(default_factory=dict)
    records: Rules = field(default_factory=dict)
    analysts: Rules = field(default_factory=dict)
    agency: Rules = field(default_factory=dict)
    hub: Rules = field(default_factory=dict)

    def lacks(self, role: Role) -> Rules:
        """Give the rules that stand against a role's touching records."""
        return {
            **self.records,
            **(self.analysts if role in ANALYSTS else {}),
            **(self.agency if role is Role.AGENCY_ANALYST else {}),
            **(self.hub if role is Role.HUB_STAFF else {}),
        }

    @property
    def clauses(self) -> set[str]:
        """Every clause that is cited in it."""
        cited = (self.rules, self.records, self.analysts, self.agency, self.hub)
        return {clause for rules in cited for clause in rules.values()}


AGREEMENTS = (
    State("in force"),
    State("a signature is missing", {"signatures": "EM II"}),
    State("signed, not yet effective", {"effective": "DSA preamble"}),
    State(
        "an amendment added an agency that has not signed", {"signatures": "EM II"}, analysts={"approval": "DSA VI.E"}
    ),
    State("an amendment asks for a review board that has not approved", records={"review-board": "DSA VI.A"}),
    State("a party gave notice, and sixty days are over", {"project-end": "DSA XI"}),
    State("ended", {"project-end": "DSA XI"}),
    State("ended, its data destroyed", {"project-end": "DSA XI", "destroyed": "DSA VI.H"}),
    State("an agency left the Enterprise MOU", {"membership": "EM XVIII.B"}),
)
PROJECTS = (
    State("running"),
    State("stopped", {"suspended": "DSA VI.F"}),
    State("an agency's data stopped", {"suspended": "EM A1.2"}),
)
UNLISTED = State("not listed", {"not-listed": "DSA VI.E"})
PEOPLE = (
    State("everything in order"),
    UNLISTED,
    State(
        "listed, without papers", {}, {"exhibit-b": "ExB", "exhibit-c": "ExC", "training": "DSA III.B"},
        analysts={"approval": "DSA VI.E"}, hub={"government": "ExA 2.h"},
    ),
    State("Exhibit B is not signed", {}, {"exhibit-b": "ExB"}),
    State("Exhibit C has run out", {}, {"exhibit-c": "ExC"}),
    State("training has run out", {}, {"training": "DSA III.B"}),
    State("of an organization that signs nothing, without a contract", {}, {"contract": "DSA VI.E"}),
    State("one agency has not approved", analysts={"approval": "DSA VI.E"}),
    State("an approval withdrawn", analysts={"approval": "DSA VI.E"}),
    State("the purpose has ended", agency={"purpose": "ExA 2.h"}),
    State("employment by the State not verified", hub={"government": "ExA 2.h"}),
    State("suspended", {"suspended": "DSA VI.F"}),
)  # fmt: skip


@dataclass(frozen=True)
class OfNoProject:
    """What is done in the programme: by whom, and under which rule and clause it is refused to everybody else."""

    name: str
    roles: frozenset[Role]
    rule: str
    clause: str
    but: str = ""

    def open_to(self, role: Role, person: State) -> bool:
        """Tell whether a person of the role, who is listed on one project at the most, may do it."""
        return role in self.roles and person is not UNLISTED and "suspended" not in person.rules


PROGRAMME = (
    OfNoProject(
        "reading what is entered of no project", frozenset({Role.STEWARD, Role.OPM, Role.AUDITOR}), "role",
        "EM XVII.B", "a steward what names their party, or how the hub itself stands",
    ),
    OfNoProject(
        "recording that an agency signed the Enterprise MOU", frozenset({Role.OPM}), "spokesman", "EM XVIII.B",
        "where nobody of it is listed, or all are suspended, who sets the installation up",
    ),
    OfNoProject("recording that an agency leaves it", frozenset({Role.OPM}), "spokesman", "EM XVIII.B"),
)  # fmt: skip


def expected(role: Role, action: Action, agreement: State, project: State, person: State) -> list[tuple[str, str]]:
    """Give the rules that stand against it with their clauses, sorted; none where it may be done."""
    found = [] if action in AT_ANY_TIME else [*agreement.rules.items(), *project.rules.items()]
    found += person.rules.items()
    if person is UNLISTED:
        return sorted(found)
    found += [] if action in MAY[role] else [ROLE]
    if role in TOUCHING and action in TOUCHES_RECORDS:
        found += (agreement.lacks(role) | person.lacks(role)).items()
    return sorted(found)


def page() -> str:
    """Write the table for people to read."""
    titles = " | ".join(action.value for action in Action)
    rows = [
        f"| {role.value} | {' | '.join(('yes' if action in actions else '') for action in Action)} |"
        for role, actions in MAY.items()
    ]
    total = len(MAY) * len(Action) * len(AGREEMENTS) * len(PROJECTS) * len(PEOPLE)
    return "\n".join(
        [
            "# Who may do what",
            "",
            "Written by `python -m tests.unit.access` from the table that `tests/unit/test_access_matrix.py` holds",
            f"the program to: every role, action, state of agreement, project and person: {total:,} combinations,",
            "each with every rule against it and the clause it is refused under.",
            "",
            "## Role and action",
            f"| role | {titles} |",
            f"|---|{'---|' * len(Action)}",
            *rows,
            "",
            f"An action that is not in the role's row is refused by the rule `{ROLE[0]}` ({ROLE[1]}).",
            "",
            "What touches records: analysing, asking for output, receiving, matching, cutting. Rules marked with a",
            "role are of that role alone.",
            "",
            *_states("Agreement", AGREEMENTS, _LATER),
            *_states("Project", PROJECTS, _LATER),
            *_states("Person", PEOPLE, "against every action"),
            *_of_no_project(),
        ]
    )


_LATER = "against every action but destroying, deciding and auditing"


def _states(title: str, states: tuple[State, ...], against: str) -> list[str]:
    def said(*of: tuple[Rules, str]) -> str:
        return ", ".join(f"`{rule}` ({clause}){who}" for rules, who in of for rule, clause in rules.items()) or "none"

    rows = [
        f"| {each.name} | {said((each.rules, ''))} | " + said(
            (each.records, ""), (each.analysts, " of analysts"), (each.agency, " of an agency's analysts"),
            (each.hub, " of the hub's staff"),
        ) + " |"
        for each in states
    ]  # fmt: skip
    return [f"## {title}", f"| state | {against} | against what touches records |", "|---|---|---|", *rows, ""]


def _of_no_project() -> list[str]:
    rows = [
        f"| {each.name} | {', '.join(role.value for role in MAY if role in each.roles)} | {each.but or 'none'} "
        f"| `{each.rule}` ({each.clause}) |"
        for each in PROGRAMME
    ]
    said = "Who is listed so on any project, and not suspended there, does it."
    return [
        "## Of no project",
        said,
        "",
        "| what | by whom | but | refused to others |",
        "|---|---|---|---|",
        *rows,
        "",
    ]


PAGE = Path(__file__).parents[2] / "docs" / "access.md"

if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
