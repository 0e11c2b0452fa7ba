"""How the data of an agreement flow, drawn from itself: its files, what links them, tables, reports, ends.

Nothing here is drawn by hand: a policy that changes changes its picture. The sentences say the same as the picture,
for whoever does not see it.

Source: EM XII.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from textwrap import wrap

from enclave.agreement.policy import Policy

_WIDTH, _GAP, _LINE, _PAD = 260, 46, 18, 10
_LETTERS = 30
"""How many letters fit into a line of a box."""


@dataclass(frozen=True)
class Stage:
    """One step of the way: its name, what stands in it, each with what is said of it, and the clause it follows."""

    name: str
    clause: str
    boxes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Flow:
    """The way of an agreement's data, stage by stage."""

    project: str
    stages: tuple[Stage, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Say each stage in a sentence."""
        return tuple(
            f"{stage.name} ({stage.clause}): {'; '.join(f'{title}, {said}' for title, said in stage.boxes)}."
            for stage in self.stages
        )

    @property
    def svg(self) -> str:
        """Draw it: a column for each stage, an arrow from each to the next; the words are its description."""
        columns = [[_lines(box) for box in stage.boxes] for stage in self.stages]
        heights = [sum(_height(lines) + _PAD for lines in column) for column in columns]
        across, down = len(columns) * (_WIDTH + _GAP) - _GAP + 2, max(heights) + 2 * _LINE + _PAD
        id = f"flow-{self.project.lower()}"
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}" role="img" '
            f'aria-labelledby="{id}-title {id}-desc" font-family="sans-serif" font-size="13" fill="currentColor">',
            f'<title id="{id}-title">How the data of {escape(self.project)} flow</title>',
            f'<desc id="{id}-desc">{escape(" ".join(self.words))}</desc>',
        ]
        for number, (stage, column) in enumerate(zip(self.stages, columns, strict=True)):
            left = 1 + number * (_WIDTH + _GAP)
            parts.append(f'<text x="{left}" y="{_LINE}" font-weight="bold">{escape(stage.name)}</text>')
            parts += _boxes(column, left)
        middle = 2 * _LINE + _PAD + 12
        for number, _ in enumerate(pairwise(columns)):
            start = 1 + number * (_WIDTH + _GAP) + _WIDTH + 4
            end = start + _GAP - 8
            parts.append(
                f'<path d="M{start} {middle}H{end}m-7 -5l7 5l-7 5" fill="none" stroke="currentColor" '
                'stroke-width="1.5"/>'
            )
        return "\n".join((*parts, "</svg>"))


def flow_of(policy: Policy) -> Flow:
    """Give the way of an agreement's data, as its policy has it.

    Source: EM XII; DSA III.F.3; DSA III.G.1; DSA VI.G.1; DSA VI.H.
    """
    agreement, retention = policy.agreement, policy.retention
    schools = [school for school in agreement.schools if school.finder]
    files = [
        (f"{file.agency} {file.contents}", f"{len(file.elements)} {'encoded ' if file.encoded else ''}elements")
        for file in agreement.files
        if file.contents != "finder"
    ]
    if schools:
        files.append(("Schools finder", f"{len(schools)} schools, {sum(len(s.finder) for s in schools)} tables"))
    matched = [
        (agency, f"by {', '.join(roles).replace('_', ' ')}")
        for agency, elements in agreement.elements.items()
        if (roles := [element.links_as for element in elements if element.links_as])
    ]
    matched.append(("Match data destroyed", f"{retention.match_data_business_days} business days after all agree"))
    tables = [
        (f"{agency.lower()}", f"{len(shared)} columns{_withheld(policy, agency)}")
        for agency, elements in agreement.elements.items()
        if (shared := [e for e in elements if not e.matching])
    ]
    recipient = policy.party(policy.recipient)
    lab = [(recipient.name if recipient else "", "reads them in the lab, which has no network")]
    lab.append(("Destroyed", f"{retention.destroy_by} at the latest"))
    released = [(report.title, f"for {report.audience}") for report in agreement.reports]
    gate = ("Every agency", f"{retention.review_business_days} business days for its review")
    return Flow(
        policy.project,
        (
            Stage("Files, sealed, to the hub", "EM XII", tuple(files)),
            Stage("Matched at the hub", "DSA III.F.3", tuple(matched)),
            Stage("Resultant Data, without identifiers", "DSA III.G.1", tuple(tables)),
            Stage("Analysed", "DSA VI.H", tuple(lab)),
            Stage("Released through the gate", "DSA VI.G.1", (gate, *released)),
        ),
    )


def _withheld(policy: Policy, agency: str) -> str:
    schools = [school.name for school in policy.agreement.schools if agency in school.withholds]
    return f", none for {' and '.join(schools)}" if schools else ""


def _boxes(column: list[list[str]], left: int) -> list[str]:
    parts, top = [], _LINE + _PAD
    for lines in column:
        parts.append(
            f'<rect x="{left}" y="{top}" width="{_WIDTH}" height="{_height(lines)}" rx="4" fill="none" '
            'stroke="currentColor"/>'
        )
        for number, line in enumerate(lines):
            weight = ' font-weight="bold"' if number == 0 else ""
            y = top + _PAD + 4 + number * _LINE + _LINE // 2
            parts.append(f'<text x="{left + _PAD}" y="{y}"{weight}>{escape(line)}</text>')
        top += _height(lines) + _PAD
    return parts


def _height(lines: list[str]) -> int:
    return len(lines) * _LINE + _PAD + 4


def _lines(box: tuple[str, str]) -> list[str]:
    return [line for text in box for line in wrap(text, _LETTERS)]
