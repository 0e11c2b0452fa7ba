"""The access matrix in one table: role, action, and the states of agreement, project and person.

``python -m tests.unit.access`` writes docs/access.md from it; `test_access_matrix` holds the program to every
combination. It is spelled here and nowhere read off the program.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class State:
    """A state, and the rules that stand against an action because of it.

    Attributes
    ----------
    name : str
    rules : tuple of str
        Against every role the state concerns.
    analysts, hub : tuple of str
        Against these besides.
    clause : str
    """

    name: str
    rules: tuple[str, ...] = ()
    analysts: tuple[str, ...] = ()
    hub: tuple[str, ...] = ()
    clause: str = ""

    def against(self, role: Role) -> list[str]:
        """Give the rules that stand against a role."""
        return [
            *self.rules,
            *(self.analysts if role in ANALYSTS else ()),
            *(self.hub if role is Role.HUB_STAFF else ()),
        ]


AGREEMENTS = (
    State("in force"),
    State("a signature is missing", ("signatures",), clause="EM II"),
    State("signed, not yet effective", ("effective",), clause="DSA preamble"),
    State("ended", ("project-end",), clause="DSA XI"),
    State("ended, its data destroyed", ("project-end", "destroyed"), clause="DSA VI.H"),
    State("an agency left the Enterprise MOU", ("membership",), clause="EM XVIII.B"),
)
PROJECTS = (
    State("running"),
    State("stopped", ("suspended",), clause="DSA VI.F"),
    State("an agency's data stopped", ("suspended",), clause="EM A1.2"),
)
PEOPLE = (
    State("everything in order"),
    State("not listed", ("not-listed",), clause="DSA VI.E"),
    State(
        "listed, without papers", ("exhibit-b", "exhibit-c", "training"), ("approval",), ("government",), "DSA VI.E"
    ),
    State("Exhibit C has run out", ("exhibit-c",), clause="ExC"),
    State("training has run out", ("training",), clause="DSA VI.A"),
    State("one agency has not approved", analysts=("approval",), clause="DSA VI.E"),
    State("an approval withdrawn", analysts=("approval",), clause="DSA VI.E"),
    State("employment by the State not verified", hub=("government",), clause="ExA 2.h"),
    State("suspended", ("suspended",), clause="DSA VI.F"),
)
UNLISTED, SUSPENDED = PEOPLE[1], PEOPLE[-1]


def expected(role: Role, action: Action, agreement: State, project: State, person: State) -> list[str]:
    """Give the rules that stand against it, sorted; none where it may be done."""
    found = [] if action in AT_ANY_TIME else [*agreement.rules, *project.rules]
    if person is UNLISTED:
        return sorted([*found, *person.rules])
    found += [] if action in MAY[role] else ["role"]
    if person is SUSPENDED:
        found += person.rules
    elif role in TOUCHING and action in TOUCHES_RECORDS:
        found += person.against(role)
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
            f"the program to: every role, action, state of agreement, project and person: {total:,} combinations.",
            "",
            "## Role and action",
            f"| role | {titles} |",
            f"|---|{'---|' * len(Action)}",
            *rows,
            "",
            "An action that is not in the role's row is refused by the rule `role` (DSA III.F.2).",
            "",
            *_states("Agreement", AGREEMENTS, _OF_AGREEMENT),
            *_states("Project", PROJECTS, _OF_PROJECT),
            *_states("Person", PEOPLE, _OF_PERSON),
        ]
    )


_OF_AGREEMENT = (
    "Against every action but destroying, deciding and auditing, which are possible before all have signed and after",
    "the end.",
)
_OF_PROJECT = ("Against the same actions.",)
_OF_PERSON = (
    "What papers lack stands against the actions that touch records: analysing, asking for output, receiving,",
    "matching, cutting. Not being listed, and a suspension, stand against every action. Rules marked with a role are",
    "of that role alone.",
)


def _states(title: str, states: tuple[State, ...], about: tuple[str, ...]) -> list[str]:
    def rules(state: State) -> str:
        named = [(state.rules, ""), (state.analysts, " (analysts)"), (state.hub, " (hub staff)")]
        return ", ".join(f"`{rule}`{who}" for each, who in named for rule in each) or "none"

    rows = [f"| {state.name} | {rules(state)} | {state.clause} |" for state in states]
    return [f"## {title}", *about, "", "| state | rules against it | clause |", "|---|---|---|", *rows, ""]


PAGE = Path(__file__).parents[2] / "docs" / "access.md"

if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
