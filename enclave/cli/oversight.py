"""Commands about destruction, reports and the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from enclave import agreement, controls, destruction, reports
from enclave.cli.desk import Desk, GivenFile, Json, KeyLost, NewFile, calendar_day, console, facts, show, table
from enclave.errors import Refused, invalid
from enclave.ledger import Receipt, verify_export, verify_receipt
from enclave.terms import Action, project_id
from enclave.vault import NoteVerifier

destruction_group = typer.Typer(no_args_is_help=True, help="Deadlines, cryptographic erase, Exhibit F.")
report_group = typer.Typer(no_args_is_help=True, help="Registers of EM XVII.B, activity, where-used, controls.")
ledger_group = typer.Typer(no_args_is_help=True, help="The append-only ledger and its proofs.")

LedgersKey = Annotated[str, typer.Option(help="The ledger's public key: the line, or a file with it.")]


def register(app: typer.Typer) -> None:
    """Hang the groups onto the command line."""
    app.add_typer(destruction_group, name="destruction")
    app.add_typer(report_group, name="report")
    app.add_typer(ledger_group, name="ledger")
    app.command("recover")(recover)


def recover(context: typer.Context, as_json: Json = False) -> None:
    """Finish or void what a crash left half done, and wipe its plaintext; exit code 3 where data are still there."""
    if stuck := context.obj.enclave.recover():
        raise Refused("destruction", stuck)
    show(True, as_json, "nothing is half done")


@destruction_group.command("due")
def destruction_due(context: typer.Context, as_json: Json = False) -> None:
    """List what must be destroyed, and by when."""
    with context.obj.enclave.store.view() as view:
        rows = [(d.project, d.what, d.clause, d.due_on) for d in destruction.due(view, view.today)]
    table("due for destruction", ("project", "what", "clause", "due"), rows, as_json)


@destruction_group.command("match-data")
def destruction_match_data(
    context: typer.Context, project: str, key_lost: KeyLost = "", as_json: Json = False
) -> None:
    """Destroy the data used for matching (DSA III.F.3)."""
    desk: Desk = context.obj
    enclave = desk.enclave
    certificate = destruction.destroy_match_data(
        enclave.store, enclave.keystore, enclave.settings, desk.admitted(Action.DESTROY, project), key_lost
    )
    show(certificate, as_json, _said(certificate))


@destruction_group.command("project")
def destruction_project(context: typer.Context, project: str, key_lost: KeyLost = "", as_json: Json = False) -> None:
    """Destroy everything of a project but its released packages and the ledger (DSA VI.H)."""
    desk: Desk = context.obj
    enclave = desk.enclave
    certificate = destruction.destroy(
        enclave.store, enclave.keystore, enclave.settings, desk.admitted(Action.DESTROY, project), key_lost
    )
    show(certificate, as_json, _said(certificate))


@destruction_group.command("certificate")
def destruction_certificate(
    context: typer.Context,
    project: str,
    out: Annotated[Path, typer.Option(help="Folder for the files.", file_okay=False)] = Path("certificates"),
    as_json: Json = False,
) -> None:
    """Give every certificate of a project again as it was issued, as page, PDF and JSON (ExF)."""
    enclave, written = context.obj.enclave, list[str]()
    with enclave.store.view() as view:
        dr = agreement.of(view, project_id(project)).policy.project
        done = [each for each in view.find(destruction.Destruction, dr) if each.issued]
    for each, form in product(done, destruction.Form):
        body = destruction.issued(enclave.settings, each, form)
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{each.name}.{form}").write_bytes(body)
        written.append(f"{each.name}.{form}")
    show(written, as_json, f"{', '.join(written) or 'nothing'} in {out}: of {project} {len(done)} were issued")


@destruction_group.command("attest")
def destruction_attest(
    context: typer.Context,
    destroyed: Annotated[str, typer.Argument(help="The destruction, as DR-0034/project/1.")],
    title: Annotated[str, typer.Argument(help="Title of who signed, never a name.")],
    signed_on: Annotated[str, typer.Option(help="YYYY-MM-DD; today when not given.")] = "",
    as_json: Json = False,
) -> None:
    """Record that the signed certificate of destruction has come in (ExF)."""
    desk: Desk = context.obj
    day = calendar_day(signed_on) if signed_on else desk.enclave.today()
    admission = desk.admitted(Action.DECIDE, destroyed.partition("/")[0])
    with desk.changing("destruction.refuse", destroyed, admission.project) as tx:
        filed = destruction.file_certificate(tx, destroyed, title, day, desk.actor)
    show(filed, as_json, f"certificate of {filed.key} signed on {filed.signed_on}, due on {filed.certificate_due_on}")


def _said(certificate: destruction.Certificate) -> str:
    tried = "; ".join(proof.attempt for proof in certificate.proofs)
    return f"{certificate.files_deleted} sealed files destroyed on {certificate.destroyed_on}. Opening one: {tried}"


@report_group.command("registers")
def report_registers(context: typer.Context, project: str = "", as_json: Json = False) -> None:
    """Show the four registers of EM XVII.B."""
    with context.obj.enclave.store.view() as view:
        dr = agreement.of(view, project_id(project)).policy.project if project else None
        found = reports.registers(view, dr)
    if as_json:
        show(found, as_json)
        return
    for which, rows in found.items():
        lines = [(r.day, r.received_by, r.sent_by, r.project, len(r.elements), r.destroyed_on or "") for r in rows]
        table(str(which), ("day", "received by", "sent by", "DR", "elements", "destroyed"), lines, as_json)


@report_group.command("activity")
def report_activity(context: typer.Context, as_json: Json = False) -> None:
    """Count what was done."""
    with context.obj.enclave.store.view() as view:
        activity = reports.activity(view)
    table("activity", ("what", "times"), sorted(activity.totals.items()), as_json)


@report_group.command("year")
def report_year(
    context: typer.Context,
    year: Annotated[int, typer.Argument(min=2000, max=2199)],
    out: Annotated[Path, typer.Option(help="Folder for the files.", file_okay=False)] = Path("reports"),
    as_json: Json = False,
) -> None:
    """Write the report of a year as page and PDF: for boards, legislature and funders (EM VII.A.1.j; EM V.A.7)."""
    enclave = context.obj.enclave
    with enclave.store.view() as view:
        found = reports.yearly(view, enclave.settings, year)
    out.mkdir(parents=True, exist_ok=True)
    name = f"p20-win-{year}"
    (out / f"{name}.html").write_text(reports.yearly_page(found), "utf-8")
    (out / f"{name}.pdf").write_bytes(reports.yearly_print(found))
    said = f"{len(found.agreements)} agreements, {len(found.matches)} matches in {year}"
    show(found, as_json, f"{name}.html, {name}.pdf in {out}: {said}")


@report_group.command("where-used")
def report_where_used(context: typer.Context, element: str, agency: str = "", as_json: Json = False) -> None:
    """Show where an element is used."""
    with context.obj.enclave.store.view() as view:
        found = reports.where_used(view, element, agency or None)
    if as_json:
        show(found, as_json)
        return
    rows = [
        (use.project, use.agency, len(use.received), len(use.delivered), len(use.released), str(use.until or ""))
        for use in found
    ]
    columns = ("DR", "agency", "received", "delivered", "released", "taken away")
    table(f"where {element} is used", columns, rows, as_json)


@report_group.command("controls")
def report_controls(
    context: typer.Context,
    hub: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, envvar="ENCLAVE_HUB_CONFIG", help="The hub's own file."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Look how the controls of NIST SP 800-171 and SATRE stand here, deviations first (EM XV.A.1).

    What was found is kept, and shown on the page of every project (DSA VI.D.1).
    """
    desk: Desk = context.obj
    enclave = desk.enclave
    with enclave.store.view() as view:
        entrance = _entrance(hub) if hub else None
        installed = controls.Installed(
            enclave.settings, enclave.store, view, enclave.keystore, enclave.ledger_key, entrance
        )  # fmt: skip
        found = controls.standings(controls.read_catalogue(enclave.settings.policies), controls.look(installed))
    with enclave.store.transaction() as tx:
        controls.keep(tx, found, desk.actor)
    if as_json:
        show(
            [{"deviates": each.deviates, "evidence": each.evidence, **dict(each.control)} for each in found], as_json
        )
        return
    for each in found:
        _print_standing(each)


def _entrance(hub: Path) -> controls.Entrance:
    from hub_config.config import load  # heavy: the glass behind it

    try:
        told = load(hub)
    except ValueError as error:
        raise invalid(hub.name, "hub-file", "EM XV", str(error), "Mend the hub's file.") from None
    rooms = "bubblewrap"
    if told.docker:
        rooms = f"containers of {told.docker.image}"
    elif told.kubernetes:
        rooms = f"pods of {told.kubernetes.image}"
    shown = None if told.weaker_proxy else told.daily_bytes
    factors = (*told.identity.amr, *told.identity.acr)
    return controls.Entrance(told.public_url, told.identity.issuer, factors, rooms, shown, told.reconcile_seconds)


def _print_standing(standing: controls.Standing) -> None:
    control = standing.control
    word, colour = ("deviates", "red") if standing.deviates else ("holds", "green")
    if not standing.evidence:
        word, colour = "tested", "cyan"
    named = (("r2", control.r2), ("r3", control.r3), ("SATRE", control.satre))
    statements = ", ".join(f"{name} {' '.join(ids)}" for name, ids in named if ids)
    console.print(f"[bold {colour}]{word}[/]  {control.does} [dim]({statements})[/]", soft_wrap=True)
    for name, each in standing.evidence.items():
        console.print(f"  {'•' if each.holds else '[red]✗[/]'} {name}: {each.found}", soft_wrap=True)
        if not each.holds:
            console.print(f"    [dim]→ {each.next}[/]", soft_wrap=True)


@ledger_group.command("key")
def ledger_key(context: typer.Context, as_json: Json = False) -> None:
    """Print the ledger's public key, for agencies and auditors to keep."""
    line = context.obj.enclave.ledger_key.verifier.line
    if as_json:
        show(line, as_json)
    else:
        typer.echo(line)


@ledger_group.command("export")
def ledger_export(context: typer.Context, path: NewFile, as_json: Json = False) -> None:
    """Write the whole ledger with a signed checkpoint to one file."""
    enclave = context.obj.enclave
    exported = reports.export_ledger(enclave.store, enclave.ledger_key, path)
    show(exported, as_json, f"{exported.size:,} entries, root {exported.root[:16]}")


@ledger_group.command("checkpoint")
def ledger_checkpoint(context: typer.Context, path: NewFile, as_json: Json = False) -> None:
    """Write a signed checkpoint for an agency to keep; `verify --held` holds the ledger to it."""
    note = context.obj.enclave.checkpoint()
    path.write_text(note, "utf-8")
    show(note, as_json, f"keep {path.name}: it fixes the first {note.splitlines()[1]} entries")


@ledger_group.command("receipt")
def ledger_receipt(context: typer.Context, entry: int, path: NewFile, as_json: Json = False) -> None:
    """Write the proof that the ledger holds an entry, for whom it concerns to keep."""
    enclave = context.obj.enclave
    with enclave.store.view() as view:
        receipt = reports.receipt(view, enclave.ledger_key, entry)
    path.write_text(receipt.model_dump_json(indent=1) + "\n", "utf-8")
    show(receipt, as_json, f"{path.name} proves entry {entry} in {len(receipt.proof)} steps")


@ledger_group.command("verify")
def ledger_verify(
    path: GivenFile,
    key: LedgersKey,
    held: Annotated[list[Path] | None, typer.Option(exists=True, dir_okay=False, help="A checkpoint kept.")] = None,
    as_json: Json = False,
) -> None:
    """Verify an exported ledger offline, with its public key and the checkpoints that were kept."""
    with _as_text(path):
        notes = [note.read_text("utf-8") for note in held or ()]
        with path.open(encoding="utf-8") as lines:
            verified = verify_export(lines, _verifier(key), notes)
    found = {"ledger": verified.origin, "entries": verified.size, "root": verified.root}
    facts("verified", found | {"checkpoints held": len(notes)}, as_json)


@ledger_group.command("verify-receipt")
def ledger_verify_receipt(path: GivenFile, key: LedgersKey, as_json: Json = False) -> None:
    """Verify a receipt, or the one in the JSON of a certificate of destruction, offline, and show what it proves."""
    with _as_text(path):
        found = json.loads(path.read_text("utf-8"))
        receipt = found.get("ledger_proof", found) if isinstance(found, dict) else found
        entry = verify_receipt(Receipt.model_validate(receipt), _verifier(key))
    shown = ("seq", "day", "actor", "action", "object", "project", "clause", "outcome")
    facts("proven", {name: entry[name] for name in shown}, as_json)


def _verifier(key: str) -> NoteVerifier:
    return NoteVerifier.from_line(Path(key).read_text("utf-8") if Path(key).is_file() else key)


@contextmanager
def _as_text(path: Path) -> Iterator[None]:
    try:
        yield
    except (UnicodeDecodeError, json.JSONDecodeError, ValidationError):
        raise invalid(
            path.name, "ledger-format", "EM XVII.B", "it, the key or a checkpoint is not what the ledger gave",
            "Give files of `enclave ledger export`, `receipt`, `checkpoint` and `key` as they were written.",
        ) from None  # fmt: skip


@ledger_group.command("show")
def ledger_show(
    context: typer.Context,
    project: str = "",
    action: str = "",
    last: Annotated[int, typer.Option(min=1)] = 40,
    as_json: Json = False,
) -> None:
    """Show the newest entries."""
    with context.obj.enclave.store.view() as view:
        found, _ = view.newest(last, project=project_id(project) if project else None, action=action or None)
    rows = [
        (e["seq"], e["day"], e["actor"], e["action"], e["object"], e["clause"], e["outcome"]) for e in found[::-1]
    ]
    table("ledger", ("entry", "day", "who", "what", "object", "clause", "outcome"), rows, as_json)
