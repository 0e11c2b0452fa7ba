"""Commands about release requests: the gate, the agencies' review, the package that leaves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from enclave import agreement, egress, people, publication, review
from enclave.app import open_enclave
from enclave.cli.desk import Desk, GivenFile, Json, console, facts, show, table
from enclave.egress import Answered, Clearance, ReleaseRequest, Verdict
from enclave.review import Case, Statement
from enclave.review.case import open_one
from enclave.scratch import alone
from enclave.settings import load
from enclave.terms import Action, project_id
from enclave.vault import read_public
from p20kit.asking import Given

egress_group = typer.Typer(no_args_is_help=True, help="The gate: requests, verdicts, clearances.")
review_group = typer.Typer(no_args_is_help=True, help="Pre-publication review by the agencies.")
publication_group = typer.Typer(no_args_is_help=True, help="Signed packages.")

_COLOURS: Mapping[str, str] = {"cleared": "green", "needs-review": "yellow", "refused": "red"}


def register(app: typer.Typer) -> None:
    """Hang the groups onto the command line."""
    app.add_typer(egress_group, name="egress")
    app.add_typer(review_group, name="review")
    app.add_typer(publication_group, name="publication")


@egress_group.command("collect")
def egress_collect(context: typer.Context, project: str, person: str, as_json: Json = False) -> None:
    """Take the requests out of a person's outbox; say of all else why it does not leave."""
    enclave = context.obj.enclave
    with enclave.store.view() as view:
        listed = people.listing_of(view, project_id(project), person)
    collected = egress.take_in(enclave.store, enclave.keystore, enclave.settings, listed.project, listed.person)
    findings = [finding.as_dict() for finding in collected.findings]
    body: dict[str, Any] = {"requests": [taken.id for taken in collected.taken], "findings": findings}
    show(body, as_json, f"{len(collected.taken)} requests collected, {len(findings)} other entries stay")
    if not as_json:
        for finding in collected.findings:
            console.print(f"  [red]•[/] {finding}", soft_wrap=True)


@egress_group.command("list")
def egress_list(context: typer.Context, project: str, as_json: Json = False) -> None:
    """List the requests of a project."""
    with context.obj.enclave.store.view() as view:
        dr = agreement.of(view, project_id(project)).policy.project
        rows = [(r.id, r.person, r.state, r.received_on) for r in view.find(ReleaseRequest, dr)]
    table("requests", ("request", "person", "state", "received"), rows, as_json)


@egress_group.command("check")
def egress_check(
    context: typer.Context,
    request: Annotated[str, typer.Argument(help="A request's id, or a request.json.")],
    project: Annotated[str, typer.Option(help="Data Request number.")],
    person: Annotated[str, typer.Option(help="Whose request it is, for a file.")] = "",
    as_json: Json = False,
) -> None:
    """Give the verdict without side effects; exit code 3 unless it is cleared."""
    enclave = context.obj.enclave
    project = project_id(project)
    if Path(request).is_file():
        with enclave.store.view() as view:
            desk = egress.desk(view, enclave.keystore, enclave.settings, project)
            verdict = egress.check(desk, Path(request).read_bytes(), person)
    else:
        verdict = egress.judge(enclave.store, enclave.keystore, enclave.settings, project, request)
    if as_json:
        console.print_json(data=verdict.as_dict())
    else:
        tell(verdict, request)
    if verdict.verdict != "cleared":
        raise typer.Exit(3)


@egress_group.command("answers")
def egress_answers(context: typer.Context, project: str, as_json: Json = False) -> None:
    """List what was answered to persons who may not see UC records."""
    with context.obj.enclave.store.view() as view:
        dr = agreement.of(view, project_id(project)).policy.project
        given = [
            (a.id, a.person, a.records, " ".join(a.where.values()), a.answered_on) for a in view.find(Answered, dr)
        ]
    table("answers", ("answer", "person", "records", "chosen", "answered"), given, as_json)


@egress_group.command("serve")
def egress_serve(context: typer.Context, as_json: Json = False) -> None:
    """Answer questions about UC records for ever, through the sockets of sessions; a service of the hub."""
    desk: Desk = context.obj

    def answer(project: str, person: str, content: bytes) -> Given:
        enclave = open_enclave(desk.home)  # of the process that answers, and of no other
        return egress.answer(enclave.store, enclave.keystore, enclave.settings, project, person, content)

    runtime = load(desk.home).runtime
    with alone(runtime, "answers"):  # of a hub that was killed another may still answer
        sessions = runtime / "sessions"
        show({"sessions": str(sessions)}, as_json, f"Questions of the sessions in {sessions} are answered.")
        egress.Listening(sessions, answer).run()


def tell(verdict: Verdict, name: str) -> None:
    """Print a verdict: its reasons, and what anyone could work out of what is hidden."""
    colour = _COLOURS[verdict.verdict]
    console.print(f"[bold {colour}]{verdict.verdict}[/]  {name}")
    for finding in (*verdict.findings, *verdict.look_at):
        console.print(f"  [{colour}]•[/] {finding.where}: {finding.what} [dim]({finding.clause})[/]", soft_wrap=True)
        console.print(f"    [dim]→ {finding.next}[/]", soft_wrap=True)
    for ran in verdict.ran:
        console.print(f"  [dim]ran  {ran}[/]")
    if verdict.request is not None:
        # what leaves with the tables: a person reads it
        for field in ("title", "audience", "population", "notes"):
            console.print(f"  [dim]{field}[/]  {escape(getattr(verdict.request, field))}", soft_wrap=True)


@egress_group.command("rerun")
def egress_rerun(
    context: typer.Context,
    request: str,
    project: Annotated[str, typer.Option(help="Data Request number.")],
    as_json: Json = False,
) -> None:
    """Run a request's notebook again in a fresh sandbox on the same data; exit code 3 unless it asks the same."""
    desk: Desk = context.obj
    enclave, admission = desk.enclave, desk.admitted(Action.CHECK, project)
    ran = egress.rerun(enclave.store, enclave.keystore, enclave.settings, admission, request)
    why = "no notebook came with it" if ran is None else ran.why or "it made the very same request"
    show({"request": request, "same": ran is not None and ran.same, "why": why}, as_json, f"{request}: {why}")
    if ran is None or not ran.same:
        raise typer.Exit(3)


@egress_group.command("clear")
def egress_clear(
    context: typer.Context,
    request: str,
    project: Annotated[str, typer.Option(help="Data Request number.")],
    looked_at: Annotated[str, typer.Option(help="What the checker saw, where the verdict needs review.")] = "",
    without_rerun: Annotated[str, typer.Option(help="Why its notebook is not run again; then look yourself.")] = "",
    as_json: Json = False,
) -> None:
    """Clear a request that holds and share it with the agencies, or refuse it with every finding.

    A notebook that came with it is run again where that can spare a look.
    """
    desk: Desk = context.obj
    admission = desk.admitted(Action.CHECK, project)
    enclave = desk.enclave
    clearance = egress.clear(
        enclave.store, enclave.keystore, enclave.settings, admission, request, looked_at=looked_at,
        waived=without_rerun,
    )  # fmt: skip
    with enclave.store.transaction() as tx:
        case = review.open_case(tx, clearance, desk.actor)
    cells = clearance.record["cells"]
    counts = f"{cells['shown']} cells shown, {cells['hidden']} hidden"
    show(clearance, as_json, f"{request} cleared: {counts}; review until {case.due_on}")


@review_group.command("show")
def review_show(context: typer.Context, request: str, as_json: Json = False) -> None:
    """Show who has confirmed what."""
    with context.obj.enclave.store.view() as view:
        case = open_one(view, request)
    rows = [
        (agency, *("open" if s in case.missing(agency) else "confirmed" for s in Statement))
        for agency in case.agencies
    ]
    if not as_json:
        facts(case.key, {"requester": case.requester, "due": case.due_on, "state": case.state}, as_json)
    table("statements of DSA VI.G.1", ("agency", *(s.text for s in Statement)), rows, as_json)


@review_group.command("confirm")
def review_confirm(
    context: typer.Context,
    request: str,
    statement: Annotated[list[Statement] | None, typer.Option(help="One of the four; all when not given.")] = None,
    as_json: Json = False,
) -> None:
    """Confirm statements of DSA VI.G.1 for one's own agency, bound to what was looked at."""
    desk: Desk = context.obj
    with desk.enclave.store.view() as view:
        case = open_one(view, request)
    admission = desk.admitted(Action.CONFIRM, case.project)
    with desk.changing("review.refuse", request, case.project) as tx:
        case = review.confirm(tx, request, admission, case.digest, frozenset(statement or Statement))
    show(case, as_json, f"{admission.agency} confirms {request}")


@review_group.command("waive")
def review_waive(context: typer.Context, request: str, reason: str, as_json: Json = False) -> None:
    """Waive the rest of the ten business days, with a reason that is recorded."""
    desk: Desk = context.obj
    with desk.enclave.store.view() as view:
        case = open_one(view, request)
    admission = desk.admitted(Action.PUBLISH, case.project)
    with desk.changing("review.refuse", request, case.project) as tx:
        review.waive(tx, request, admission, reason)
    show(request, as_json, f"review period of {request} waived")


@publication_group.command("publish")
def publication_publish(context: typer.Context, request: str, as_json: Json = False) -> None:
    """Put out the signed package of an approved clearance."""
    desk: Desk = context.obj
    enclave = desk.enclave
    with enclave.store.view() as view:
        clearance = view.get(Clearance, request)
        case = view.get(Case, request)
        if clearance is None or case is None:
            open_one(view, request)
            raise typer.Exit(3)
        approval = review.approve(view, clearance)
    package = publication.publish(
        enclave.store, enclave.settings, clearance, approval,
        desk.admitted(Action.PUBLISH, case.project), enclave.hub_keys, enclave.checkpoint(),
    )  # fmt: skip
    show(package, as_json, f"{package.archive.name} published; final copy due {package.final_copy_due_on}")


@publication_group.command("verify")
def publication_verify(
    package: Annotated[Path, typer.Argument(exists=True, help="The folder, or the zip.")],
    hub: Annotated[Path, typer.Option(help="The hub's public keys.", exists=True, dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Verify a package offline: every file, the manifest and its signature."""
    verified = publication.verify_package(package, read_public(hub))
    show(verified, as_json, f"{package.name} is whole and signed by the hub")


@publication_group.command("catalogue")
def publication_catalogue(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(file_okay=False, help="New, or that of an earlier catalogue.")],
    as_json: Json = False,
) -> None:
    """Write the catalogue of open data (DCAT-US 3): every package published to the public, ready to be served."""
    desk: Desk = context.obj
    written = publication.write_catalogue(desk.enclave.store, desk.enclave.settings, folder.resolve(), desk.actor)
    show(written, as_json, f"{len(written.requests)} packages in {folder}; catalog.json SHA-256 {written.sha256}")


@publication_group.command("count")
def publication_count(context: typer.Context, told: GivenFile, as_json: Json = False) -> None:
    """Enter how often open data were taken, as the portal tells: CSV of package, month (YYYY-MM), downloads."""
    downloads = publication.read_downloads(told)
    with context.obj.changing("publication.refuse", "use of open data", "") as tx:
        counted = publication.count(tx, downloads, context.obj.actor)
    show(counted, as_json, f"{len(downloads)} lines; something is new of {len(counted)} packages")


@publication_group.command("counted")
def publication_counted(context: typer.Context, as_json: Json = False) -> None:
    """Show how often each package of open data was taken."""
    with context.obj.enclave.store.view() as view:
        rows = [(u.package, u.project, u.total, u.last or None) for u in publication.uptakes(view)]
    table("use of open data", ("package", "project", "downloads", "up to"), rows, as_json)


@publication_group.command("final-copy")
def publication_final_copy(
    context: typer.Context,
    request: str,
    copy: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The published work.")],
    as_json: Json = False,
) -> None:
    """File the electronic copy of the published work, due within 30 days (DSA VI.G)."""
    desk: Desk = context.obj
    with desk.enclave.store.view() as view:
        case = view.get(Case, request) or open_one(view, request)
    admission = desk.admitted(Action.DECIDE, case.project)
    with desk.changing("publication.refuse", request, case.project) as tx:
        filed = publication.file_final_copy(tx, desk.enclave.settings, request, copy, admission)
    late = ", late" if filed.late else ""
    show(filed, as_json, f"copy of {request} filed{late}; it was due on {filed.final_copy_due_on}")


@publication_group.command("overdue")
def publication_overdue(context: typer.Context, as_json: Json = False) -> None:
    """List publications whose final copy is late (DSA VI.G)."""
    with context.obj.enclave.store.view() as view:
        rows = [(p.request_id, p.project, p.final_copy_due_on) for p in publication.overdue(view, view.today)]
    table("overdue copies", ("request", "project", "due"), rows, as_json)
