"""Commands about transmittals, matches, Resultant Data and sessions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from enclave import agreement, destruction, intake, matching, reports, resultant
from enclave.cli.desk import Desk, GivenFile, Json, KeyLost, NewFile, calendar_day, console, show, table
from enclave.errors import invalid
from enclave.settings import PACKAGED_POLICIES
from enclave.terms import Action, party_id, project_id
from enclave.vault import (
    ALGORITHM,
    Consent,
    new_secret,
    read_private,
    read_public,
    read_secret,
    unseal_file,
    write_secret,
)
from enclave.vault.agreed import CMS, OPENPGP


class Agreed(StrEnum):
    """What an agency that cannot seal agreed to, as typed."""

    OPENPGP = "openpgp"
    CMS = "cms"

    @property
    def agreed(self) -> str:
        """The algorithm."""
        return OPENPGP if self is Agreed.OPENPGP else CMS


intake_group = typer.Typer(no_args_is_help=True, help="Transmittals: keys, what was received and what is missing.")
matching_group = typer.Typer(no_args_is_help=True, help="Match runs and the parties' agreement.")
resultant_group = typer.Typer(no_args_is_help=True, help="Resultant Data.")


def register(app: typer.Typer) -> None:
    """Hang the groups onto the command line."""
    app.command("pprl-secret")(pprl_secret)
    app.command("seal")(seal)
    app.command("unseal")(unseal)
    app.command("receive")(receive)
    app.add_typer(intake_group, name="intake")
    app.add_typer(matching_group, name="matching")
    app.add_typer(resultant_group, name="resultant")


def pprl_secret(
    project: str,
    out: Annotated[Path, typer.Option(help="Folder for the file.", file_okay=False)] = Path("keys"),
    as_json: Json = False,
) -> None:
    """Make the secret with which agencies encode identifiers; for one agency, which hands it to the others."""
    path = write_secret(new_secret(project), out)
    show(str(path), as_json, f"secret in {path}; give it to the other agencies by hand, and never to the hub")


def seal(
    file: GivenFile,
    key: Annotated[Path, typer.Option(help="The agency's private keys.", exists=True, dir_okay=False)],
    hub: Annotated[Path, typer.Option(help="The hub's public keys.", exists=True, dir_okay=False)],
    project: Annotated[str, typer.Option(help="Data Request number.")],
    as_of: Annotated[str, typer.Option(help="Day for which the data are complete, YYYY-MM-DD.")],
    out: Annotated[Path, typer.Option(help="Folder for the sealed file.", file_okay=False)] = Path(),
    limitations: Annotated[str, typer.Option(help="Known limitations of the data (DSA II.H).")] = "",
    policies: Annotated[Path, typer.Option(help="The agency's copy of the policies.")] = PACKAGED_POLICIES,
    consent: Annotated[Consent, typer.Option(help="Of those in the file (EM XIII.C).")] = Consent.NOT_REQUIRED,
    pprl: Annotated[Path | None, typer.Option(help="The agencies' secret: send encodings, not identifiers.")] = None,
    as_json: Json = False,
) -> None:
    """Seal a file to the hub and sign it; for agencies, needs no installation."""
    policy = agreement.compile_agreement(policies, project_id(project))
    out.mkdir(parents=True, exist_ok=True)
    sealed = intake.seal_transmittal(
        file,
        policy=policy,
        sender=read_private(key),
        hub=read_public(hub),
        as_of=calendar_day(as_of),
        out=out,
        created=datetime.now(UTC),
        limitations=limitations,
        consent=consent,
        secret=read_secret(pprl) if pprl else None,
    )
    show(str(sealed), as_json, f"sealed to {sealed.name}; send it to the hub's inbox")


def unseal(
    sealed: GivenFile,
    key: Annotated[Path, typer.Option(help="The agency's private keys.", exists=True, dir_okay=False)],
    hub: Annotated[Path, typer.Option(help="The hub's public keys.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option(help="The opened file.", dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Open a file the hub gave back; for agencies, needs no installation."""
    header = unseal_file(sealed, out, read_private(key), read_public(hub))
    show(str(out), as_json, f"{header.name} of {header.project}, {header.rows:,} rows, in {out}")


def receive(
    context: typer.Context,
    sealed: GivenFile,
    project: str,
    channel: Annotated[intake.Channel, typer.Option(help="How it came, where it is not in the inbox.")] = (
        intake.Channel.HANDED
    ),
    as_json: Json = False,
) -> None:
    """Receive a transmittal: verify, check, seal at rest; or turn it away with every finding."""
    desk: Desk = context.obj
    enclave, admission = desk.enclave, desk.admitted(Action.RECEIVE, project)
    tools = enclave.store, enclave.keystore, enclave.settings, enclave.hub_keys
    try:
        holding = intake.receive(*tools, sealed, admission, channel)
    finally:
        intake.give_receipts(enclave.settings, enclave.store, enclave.ledger_key)
    said = f"{holding.name} of {holding.source}: {holding.rows:,} rows received, entry {holding.entry} of the ledger"
    show(holding, as_json, said)


@intake_group.command("key")
def intake_key(
    context: typer.Context,
    public: GivenFile,
    fingerprint: Annotated[
        str | None, typer.Option(help="As the agency read it out by telephone; another is refused.")
    ] = None,
    agency: Annotated[str, typer.Option(help="Whose OpenPGP key or certificate it is; our own keys say so.")] = "",
    as_json: Json = False,
) -> None:
    """Register an agency's public keys, after comparing the fingerprint by telephone."""
    desk: Desk = context.obj
    agreed = intake.read_agreed_key(desk.enclave.settings, public, party_id(agency)) if agency else None
    keys = agreed or read_public(public)
    algorithm = agreed.algorithm if agreed else ALGORITHM
    with desk.changing("intake.refuse-key", keys.owner, "") as tx:
        known = intake.register_key(tx, keys, desk.actor, algorithm, heard=fingerprint)
    show(
        known,
        as_json,
        f"keys of {known.owner} registered, fingerprint {known.fingerprint}, agreed {known.algorithm}",
    )


@intake_group.command("own-key")
def intake_own_key(
    context: typer.Context,
    algorithm: Annotated[Agreed, typer.Argument(help="What the agency agreed to.")],
    out: Annotated[Path, typer.Option(help="Folder for the public half.", file_okay=False)] = Path("keys"),
    as_json: Json = False,
) -> None:
    """Make the hub's own OpenPGP key or certificate, once, for agencies that cannot seal; write its public half."""
    desk: Desk = context.obj
    key = intake.own_key(desk.enclave.store, desk.enclave.settings, algorithm.agreed, desk.actor)
    out.mkdir(parents=True, exist_ok=True)
    public = out / f"{key.owner}.{'asc' if algorithm is Agreed.OPENPGP else 'crt'}"
    public.write_text(key.text, "utf-8")
    told = {"public": str(public), "fingerprint": key.fingerprint, "algorithm": key.algorithm}
    show(told, as_json, f"{public}, fingerprint {key.fingerprint}; agencies compare it by telephone")


@intake_group.command("pick-up")
def intake_pick_up(
    context: typer.Context,
    drop: Annotated[Path, typer.Argument(help="Folder of the parties' drop folders.", exists=True, file_okay=False)],
    as_json: Json = False,
) -> None:
    """Take what arrived whole over OpenSSH into the inbox; say what waits and why."""
    picked = intake.pick_up(context.obj.enclave.settings, drop)
    told = "".join(f"\n  {name}: {why}" for name, why in picked.left.items())
    show(picked, as_json, f"{len(picked.taken)} files taken into the inbox, {len(picked.left)} left{told}")


@intake_group.command("waiting")
def intake_waiting(context: typer.Context, as_json: Json = False) -> None:
    """List what has arrived in the inboxes and waits to be received."""
    rows = [
        (path.parent.name, path.name, path.stat().st_size, datetime.fromtimestamp(path.stat().st_ctime, UTC), path)
        for path in intake.waiting(context.obj.enclave.settings)
    ]
    table("waiting files", ("of", "file", "bytes", "since", "path"), rows, as_json)


@intake_group.command("withdraw")
def intake_withdraw(
    context: typer.Context,
    project: str,
    holding: Annotated[str, typer.Argument(help="Its id, as `intake board` gives it.")],
    key_lost: KeyLost = "",
    as_json: Json = False,
) -> None:
    """Destroy a file that is held, by its own key, so that its agency's better one can be received (DSA II.H)."""
    desk: Desk = context.obj
    enclave, admission = desk.enclave, desk.admitted(Action.RECEIVE, project)
    certificate = destruction.take_back(
        enclave.store, enclave.keystore, enclave.settings, admission, holding, key_lost
    )
    tried = "; ".join(proof.attempt for proof in certificate.proofs)
    show(certificate, as_json, f"{certificate.scope}. Its agency is told. Opening it: {tried}")


@intake_group.command("receipt")
def intake_receipt(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="Name of the sealed file.")],
    path: NewFile,
    as_json: Json = False,
) -> None:
    """Write the ledger's receipt of what became of a file, for its sender; `ledger verify-receipt` verifies it."""
    enclave = context.obj.enclave
    with enclave.store.view() as view:
        answer = intake.answer_to(view, file)
        if answer is None:
            what, next = "nothing became of a file of this name", "`enclave intake waiting` lists what waits."
            raise invalid("file", "sealed-format", "EM XVII.B", what, next)
        receipt = reports.receipt(view, enclave.ledger_key, answer.entry)
    path.write_text(receipt.model_dump_json(indent=1) + "\n", "utf-8")
    show(receipt, as_json, f"{path.name} proves entry {answer.entry}")


@intake_group.command("board")
def intake_board(context: typer.Context, project: str, as_json: Json = False) -> None:
    """Show what is expected, received and missing."""
    with context.obj.enclave.store.view() as view:
        policy = agreement.of(view, project_id(project)).policy
        plan = {(e.source, e.contents): e for e in intake.expected(view, policy)}
        rows: list[tuple[object, ...]] = [
            (h.source, h.contents, h.name, h.rows, h.as_of, "received", h.received_on, e.due_on, e.late, h.id)
            for h in intake.holdings(view, policy.project)
            for e in [plan[h.source, h.contents]]
        ]
        rows += [
            (e.source, e.contents, None, None, None, "expected", None, e.due_on, e.late, None)
            for e in plan.values()
            if e.received_on is None
        ]
    columns = ("source", "contents", "file", "rows", "as of", "state", "on", "by", "late", "id")
    table(f"intake of {policy.project}", columns, rows, as_json)


@intake_group.command("schedule")
def intake_schedule(
    context: typer.Context,
    project: str,
    source: str,
    contents: str,
    by: Annotated[str, typer.Argument(help="Last day, YYYY-MM-DD.")],
    as_json: Json = False,
) -> None:
    """Set the day by which an expected file is to be sent, as the Operating Group (EM XII)."""
    desk: Desk = context.obj
    project = project_id(project)
    with desk.changing("intake.refuse-schedule", project, project) as tx:
        known = intake.schedule(tx, project, party_id(source), contents, calendar_day(by), desk.actor)
    show(known, as_json, f"{known.source} sends its {known.contents} file by {known.due_on}")


@intake_group.command("return")
def intake_return(
    context: typer.Context,
    project: str,
    agency: str,
    out: Annotated[Path, typer.Option(help="Folder for the sealed files.", file_okay=False)] = Path("returned"),
    as_json: Json = False,
) -> None:
    """Seal what an agency sent, and the hub still holds, back to that agency (DSA VI.F.6)."""
    desk: Desk = context.obj
    enclave, admission = desk.enclave, desk.admitted(Action.DESTROY, project)
    tools = enclave.store, enclave.keystore, enclave.settings, enclave.hub_keys
    returned = intake.give_back(*tools, admission, party_id(agency), out, datetime.now(UTC))
    gone = f"; destroyed already: {', '.join(returned.destroyed)}" if returned.destroyed else ""
    body = {"files": [path.name for path in returned.files], "destroyed": returned.destroyed}
    show(body, as_json, f"{len(returned.files)} files for {party_id(agency)} in {out}{gone}")


@intake_group.command("serve")
def intake_serve(
    context: typer.Context,
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535)] = 2222,
    as_json: Json = False,
) -> None:
    """Serve the agencies' inboxes over SFTP."""
    settings = context.obj.enclave.settings

    async def forever() -> None:
        server = await intake.serve_sftp(settings, host, port)
        show({"inboxes": f"sftp://{host}:{port}"}, as_json, f"inboxes at sftp://{host}:{port}")
        await server.wait_closed()

    asyncio.run(forever())


@matching_group.command("run")
def matching_run(
    context: typer.Context,
    project: str,
    method: str = "match_pair",
    parameter: Annotated[list[str] | None, typer.Option("-p", help="NAME=VALUE of the notebook.")] = None,
    model: Annotated[str, typer.Option(help="Run whose model is taken, as match-01; else one is trained.")] = "",
    as_json: Json = False,
) -> None:
    """Match with an approved notebook, in a sandbox, with its progress."""
    desk: Desk = context.obj
    admission = desk.admitted(Action.MATCH, project)
    given = dict(_parameter(text) for text in parameter or [])
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=as_json, transient=True) as progress:
        task = progress.add_task("opening files", total=1.0)

        def follow(event: dict[str, Any]) -> None:
            if event["event"] == "stage":
                progress.update(task, description=event["name"], completed=event["fraction"])

        enclave = desk.enclave
        run = matching.run(
            enclave.store, enclave.keystore, enclave.settings, admission,
            method=method, parameters=given, model=model, progress=follow,
        )  # fmt: skip
    show(run, as_json, f"{run.key}: {run.persons:,} individuals linked, match rate {run.match_rate} %; report kept")


def _parameter(text: str) -> tuple[str, int | float | str]:
    name, _, value = text.partition("=")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


@matching_group.command("agree")
def matching_agree(context: typer.Context, project: str, as_json: Json = False) -> None:
    """Record a Representative's written agreement that the match results are optimal."""
    desk: Desk = context.obj
    admission = desk.admitted(Action.AGREE, project)
    with desk.changing("match.refuse", admission.project, admission.project) as tx:
        run = matching.agree(tx, matching.latest(tx, admission.project), admission)
    left = f"match complete; match data are destroyed by {run.delete_by}" if run.completed_on else "recorded"
    show(run, as_json, f"{admission.agency} agrees with {run.key}: {left}")


@matching_group.command("open-review")
def matching_open_review(context: typer.Context, project: str, as_json: Json = False) -> None:
    """Open the clerical review of the newest match: two of the hub's staff then judge pairs at their servers."""
    desk: Desk = context.obj
    admission = desk.admitted(Action.MATCH, project)
    enclave = desk.enclave
    with desk.changing("match.refuse", admission.project, admission.project) as tx:
        review = matching.open_review(tx, enclave.keystore, enclave.settings, admission)
    show(review, as_json, f"review of {review.key} is open; two start the server {review.project.lower()} at the hub")


@matching_group.command("close-review")
def matching_close_review(context: typer.Context, project: str, as_json: Json = False) -> None:
    """Reckon what two reviewers answered, and keep the estimates beside the match report."""
    desk: Desk = context.obj
    admission = desk.admitted(Action.MATCH, project)
    enclave = desk.enclave
    review = matching.close_review(enclave.store, enclave.keystore, enclave.settings, admission)
    judged = ", ".join(f"{who} {number:,}" for who, number in sorted(review.judged.items()))
    show(review, as_json, f"{review.key}: {review.pairs:,} pairs, judged by {judged}; estimates kept")


@resultant_group.command("cut")
def resultant_cut(context: typer.Context, project: str, as_json: Json = False) -> None:
    """Cut and deliver the project's Resultant Data."""
    desk: Desk = context.obj
    admission = desk.admitted(Action.CUT, project)
    enclave = desk.enclave
    with enclave.store.view() as view:
        run = matching.latest(view, admission.project)
    delivery = resultant.cut(enclave.store, enclave.keystore, enclave.settings, admission, run)
    tables = ", ".join(f"{t.name} {t.rows:,}" for t in delivery.tables)
    show(delivery, as_json, f"{delivery.persons:,} persons delivered: {tables}")
