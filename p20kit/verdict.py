"""The verdict on a release request: one set of functions for the notebook's preview and for the gate.

Every cell is recomputed, every person known, and the result attacked together with all that was released.

Source: DSA III.G.2; DSA VI.D.2; DSA VI.G.1; ExA 3.e; ExA 3.f.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np
import pandas as pd

from p20kit.audit import audit
from p20kit.bounds import Bound
from p20kit.carriers import carried, ids_in, read_by_a_person
from p20kit.charts import Chart, chart
from p20kit.claim import as_claimed, cell_findings
from p20kit.coding import HELD, METHODS
from p20kit.delivered import Delivered, Source
from p20kit.errors import Finding, P20KitError
from p20kit.evidence import Evidence, Written, examine
from p20kit.model_rules import RULES
from p20kit.models import Model, model
from p20kit.policy import CellPolicy
from p20kit.protection import Protected
from p20kit.request import Request
from p20kit.tables import Table
from p20kit.wording import naming, plain, wording

Answer = Literal["cleared", "refused", "needs-review"]
_NEXT = "Make the request again with p20kit.request_release."


@dataclass(frozen=True)
class Agreed:
    """What a request is held to, by its project's agreement.

    Parameters
    ----------
    project, policy_hash, person : str
        Of the outbox it came from.
    reports, questions, methods : frozenset of str
        Ids of ExA 3.e and 3.b, and the methods of 3.f.
    names : tuple of str
        What the agreement calls things, which are no data.
    """

    project: str
    policy_hash: str
    person: str
    reports: frozenset[str]
    questions: frozenset[str]
    methods: frozenset[str]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Released:
    """What stands in one request, made from its evidence: for release, or released before."""

    protected: Protected
    models: tuple[Model, ...] = ()

    @property
    def tables(self) -> tuple[Protected | Table, ...]:
        """What a reader of it knows, for the auditor; the counts that models tell among them."""
        tables = (self.protected,) if self.protected.tables else ()
        return (*tables, *(table for each in self.models for table in each.tables))


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is said of a request.

    Parameters
    ----------
    verdict : str
        ``cleared``, ``refused``, or ``needs-review``: then `look_at` says what the person must look at.
    findings, look_at : tuple of Finding
    bounds : tuple of Bound
        For each hidden cell what anyone can work out.
    ran : tuple of str
        The checks that ran; without them there is no clearance.
    released : Released or None
        What would leave, from verified values; None where it could not be made.
    charts : tuple of Chart
    owners : frozenset of str
        Participating Agencies whose columns contributed.
    used : tuple of Source
        Columns as delivered.
    """

    verdict: Answer
    findings: tuple[Finding, ...]
    look_at: tuple[Finding, ...]
    bounds: tuple[Bound, ...] = ()
    ran: tuple[str, ...] = ()
    released: Released | None = None
    charts: tuple[Chart, ...] = ()
    owners: frozenset[str] = frozenset()
    used: tuple[Source, ...] = ()

    def _repr_html_(self) -> str:
        meaning = {
            "cleared": "Nothing was found: the gate clears this by itself.",
            "needs-review": "Nothing speaks against it that a program can see; a person looks at this:",
            "refused": "It does not leave as it is:",
        }[self.verdict]
        listed = "".join(f"<li>{escape(str(f))}</li>" for f in (*self.findings, *self.look_at))
        ran = "".join(f"<li>{escape(what)}</li>" for what in self.ran)
        return (
            f"<p><b>{self.verdict}</b>. {meaning}</p><ul>{listed}</ul>"
            f"<details><summary>What was checked</summary><ul>{ran}</ul></details>"
        )

    def __repr__(self) -> str:
        """Say the verdict and its reasons, never a figure."""
        return "\n".join([f"<Verdict {self.verdict}>", *(f"- {f}" for f in (*self.findings, *self.look_at))])


def judge(
    request: Request,
    policy: CellPolicy,
    agreed: Agreed,
    delivered: Delivered,
    earlier: Sequence[Released] = (),
    *,
    reproduced: bool = False,
) -> Verdict:
    """Judge a request.

    Source: DSA III.G.2; DSA VI.D.2; DSA VI.G.1.

    Parameters
    ----------
    request : Request
    policy : CellPolicy
    agreed : Agreed
    delivered : Delivered
        The Resultant Data, which the evidence is held against.
    earlier : sequence of Released
        What has been released for the project.
    reproduced : bool, default False
        Whether the request's notebook was run again on the same data and made this very request.
    """
    words = plain(request.words, agreed.names)
    written = Written(words) if reproduced and request.notebook else None
    evidence = examine(request, delivered, written)
    findings = [*_purpose(request, agreed), *_coding(request), *naming(request), *evidence.findings]
    known = {*agreed.names, *(name.rpartition(".")[2] for name in delivered.columns)}
    findings += [finding for code in request.code for finding in (*carried(code, known), *ids_in(code, delivered))]
    if request.texts or request.code:
        # whoever wrote them may have looked at any column
        evidence.owners |= delivered.owners
    try:
        sets = {name: source.codes for name, source in delivered.columns.items()}
        released = rebuilt(request, policy, earlier, sets)
        charts = tuple(_charts(request, released.protected))
    except P20KitError as error:
        told = list(error.findings) or [Finding("evidence", "DSA III.G.2.a", "", str(error), _NEXT)]
        return Verdict("refused", tuple(dict.fromkeys([*findings, *told])), tuple(evidence.look_at))
    look_at = [
        *evidence.look_at,
        *_unverified(request, agreed),
        *wording(request, _displayed(released, charts), agreed.names),
        *map(read_by_a_person, request.code),
    ]
    return _attacked(request, policy, released, charts, earlier, evidence, findings, look_at)


def rebuilt(
    request: Request,
    policy: CellPolicy,
    earlier: Sequence[Released] = (),
    codes: Mapping[str, tuple[str, ...]] | None = None,
) -> Released:
    """Make what a request asks for from its evidence alone.

    Parameters
    ----------
    codes : mapping of str to tuple of str, optional
        Code sets by "table.Column": their order is kept. Any other order a request gives is not: it could say
        something.

    Raises
    ------
    P20KitError
        If a basis proves nothing, or a model cannot be fitted.
    """
    protected = as_claimed(_in_order(request, codes or {}), policy)
    before = [each for release in earlier for each in (*release.tables, *release.models)]
    models: list[Model] = []
    for asked in request.models:
        models.append(
            model(
                asked.as_frame(), asked.formula, policy=policy, unit=asked.unit, kind=asked.kind, name=asked.name,
                title=asked.title, reference=asked.reference, robust=asked.robust,
                earlier=[*before, *((protected,) if protected.tables else ()), *models],
            )
        )  # fmt: skip
    return Released(protected, tuple(models))


def _in_order(request: Request, sets: Mapping[str, tuple[str, ...]]) -> Request:
    """Put codes in the order of their code set, or of their names, and hierarchies in that of theirs."""
    tables = []
    for table in request.tables:
        codes = {}
        for column, given in table.codes.items():
            known = sets.get(table.sources.get(column, ""), ())
            codes[column] = [*(code for code in known if code in given), *sorted(set(given) - set(known))]
        groups = {
            column: sorted((dict(sorted(up.items())) for up in ups), key=lambda up: [*up.items()])
            for column, ups in sorted(table.hierarchies.items())
        }
        tables.append(table.model_copy(update={"codes": codes, "hierarchies": groups}))
    return request.model_copy(update={"tables": tables})


def _charts(request: Request, protected: Protected) -> Iterator[Chart]:
    for asked in request.charts:
        yield chart(protected, **asked.parameters())


def _attacked(
    request: Request,
    policy: CellPolicy,
    released: Released,
    charts: tuple[Chart, ...],
    earlier: Sequence[Released],
    evidence: Evidence,
    findings: list[Finding],
    look_at: list[Finding],
) -> Verdict:
    """Attack what would leave together with everything released; without that nothing is cleared."""
    findings += cell_findings(request, released.protected)
    findings += [finding for each in released.models for finding in each.findings]
    ran = tuple(f"{each.name}, fitted anew: {', '.join(RULES)}" for each in released.models)
    bounds: tuple[Bound, ...] = ()
    if released.tables:
        attacked = audit(released.tables, policy, [table for release in earlier for table in release.tables])
        findings += attacked.findings
        not_ran = (*attacked.not_ran, *(what for each in released.models for what in each.not_ran))
        findings += [Finding("check-not-run", "DSA III.G.2.d", "", what, _NEXT) for what in not_ran]
        bounds, ran = attacked.bounds, (*attacked.ran, *ran)
    if request.texts:
        ran = (*ran, f"words: {len(request.texts)} texts are shown to a person")
    if request.code:
        ran = (*ran, f"code: {len(request.code)} programs written anew, and shown to a person")
    if request.answers:
        ran = (
            *ran,
            f"answers: {len(request.answers)} judged by the hub before it gave them, and again at the gate",
        )
    if not ran:
        findings.append(Finding("no-rule-ran", "DSA III.G.2", "", "no check ran", _NEXT))
    answer: Answer = "refused" if findings else "needs-review" if look_at else "cleared"
    basis = len(request.tables) + len(request.models)
    return Verdict(
        verdict=answer,
        findings=tuple(dict.fromkeys(findings)),
        look_at=tuple(dict.fromkeys(look_at)),
        bounds=bounds,
        ran=(*ran, f"earlier releases: {len(earlier)}", f"evidence: {basis} tables and models"),
        released=released,
        charts=charts,
        owners=frozenset(evidence.owners),
        used=tuple(evidence.used.values()),
    )


def _purpose(request: Request, agreed: Agreed) -> list[Finding]:
    """A request serves a report and questions of the agreement, with methods that were declared."""
    checks = (
        (request.project == agreed.project, "project", "DSA VI.A", "it is for another project"),
        (request.person == agreed.person, "requester", "DSA VI.E", "it names another person than the outbox's"),
        (request.policy_hash == agreed.policy_hash, "policy-version", "DSA VII",
         "it was made under another policy version"),
        (request.report in agreed.reports, "report", "ExA 3.e", "it names no report of 3.e"),
        (set(request.questions) <= agreed.questions, "question", "ExA 3.b",
         "it names a question that is not in the agreement"),
        (set(request.methods) <= agreed.methods, "method", "ExA 3.f", "it uses a method that was not declared"),
    )  # fmt: skip
    return [Finding(rule, clause, "request", what, _NEXT) for holds, rule, clause, what in checks if not holds]


def _coding(request: Request) -> Iterator[Finding]:
    """Say which methods were named and not used, or used and not named: those that the gate applies itself."""
    for method in METHODS:
        used = [table.name for table in request.tables if method in table.as_coding().methods]
        if used and method not in request.methods:
            what = f"figures are written by the method {method}, which the request does not name"
            yield Finding("method", "ExA 3.f", used[0], what, f"Name {method} among the methods.")
        if method in request.methods and not used:
            what = f"it names the method {method}, and no table is written so"
            yield Finding("method-not-used", "ExA 3.f", "request", what, "Use p20kit.coded(), or leave it out.")


def _unverified(request: Request, agreed: Agreed) -> Iterator[Finding]:
    """Say which declared methods a person must look at; one that is not declared is refused without repeating it."""
    for method in sorted(set(request.methods) & set(agreed.methods) - {*METHODS, *HELD}):
        what = f"it says that it uses the method {method}, which the gate neither applies nor verifies"
        yield Finding("method", "ExA 3.f", "request", what, "A person looks how it was applied, or leave it out.")


def _displayed(released: Released, charts: Iterable[Chart]) -> Iterator[float]:
    """Give every figure that is displayed."""
    for position in range(len(released.protected.tables)):
        frame = released.protected.to_published(position)
        figures = frame.drop(columns=[*released.protected.tables[position].by, "status"])
        figures = figures.apply(pd.to_numeric, errors="coerce")
        yield from figures.to_numpy(dtype=np.float64, na_value=np.nan)[figures.notna().to_numpy()].tolist()
    for drawn in charts:
        column = drawn.cells.iloc[:, -2]
        yield from (round(float(value), 1) for value in column[column.notna()])
    for each in released.models:
        frame = each.to_frame(for_analyst=True).drop(columns="term")
        yield from frame.to_numpy(dtype=np.float64)[frame.notna().to_numpy()].tolist()
