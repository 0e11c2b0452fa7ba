"""Commands about the installation, the agreement, the dictionary and the people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from enclave import agreement, board, dictionary, papers, people, store
from enclave.app import initialise
from enclave.cli.desk import Desk, GivenFile, Json, NewFile, calendar_day, console, facts, show, table
from enclave.errors import Invalid, Refused
from enclave.ledger import Entry, refusal
from enclave.terms import Action, Role, party_id, project_id
from enclave.vault import new_keys, try_keys
from enclave.vault.keys import write_keys

agreement_group = typer.Typer(no_args_is_help=True, help="The Data Sharing Agreement as data.")
dictionary_group = typer.Typer(no_args_is_help=True, help="Each agency's data elements.")
people_group = typer.Typer(no_args_is_help=True, help="Users, approvals, exhibits; who may do what.")
keys_group = typer.Typer(no_args_is_help=True, help="Key pairs of agencies and schools; keys of data.")


def register(app: typer.Typer) -> None:
    """Hang the groups onto the command line."""
    app.command("init")(init)
    app.command("today")(today)
    app.command("upgrade")(upgrade)
    app.command("move")(move)
    app.add_typer(keys_group, name="keys")
    app.add_typer(agreement_group, name="agreement")
    app.add_typer(dictionary_group, name="dictionary")
    app.add_typer(people_group, name="people")


def init(
    context: typer.Context,
    demo: Annotated[bool, typer.Option(help="A demonstration: the calendar day can be set.")] = False,
    database: Annotated[str, typer.Option(help="SQLAlchemy address of an empty database, not a file here.")] = "",
    as_json: Json = False,
) -> None:
    """Make a new installation with its hub keys and an empty ledger."""
    desk: Desk = context.obj
    enclave = desk.enclave = initialise(desk.home, demo=demo, database=database)
    facts(
        "installation",
        {
            "home": enclave.settings.home,
            "hub keys": enclave.hub_keys.public.fingerprint,
            "ledger key": enclave.ledger_key.verifier.line,
        },
        as_json,
    )


def today(
    context: typer.Context,
    day: Annotated[str, typer.Argument(help="Set the demonstration's day (YYYY-MM-DD).")] = "",
    as_json: Json = False,
) -> None:
    """Show the enclave's calendar day; a demonstration may set it."""
    enclave = context.obj.enclave
    if day:
        if not enclave.settings.demo:
            raise typer.BadParameter("only a demonstration's day can be set")
        enclave.settings.demo_day.write_text(calendar_day(day).isoformat(), "utf-8")
        enclave.store.enter(Entry(context.obj.actor, "demo.day", day))
    show(enclave.today(), as_json, f"today is {enclave.today()}")


def upgrade(context: typer.Context, as_json: Json = False) -> None:
    """Bring the registry's database to this program's version; back it up before."""
    desk: Desk = context.obj
    found = store.upgrade(desk.enclave.settings.database, desk.enclave.today(), desk.actor)
    said = "it is of this program's version" if found == store.VERSION else f"from {found} to {store.VERSION}"
    show({"from": found, "to": store.VERSION}, as_json, said)


def move(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="SQLAlchemy address of an empty database.")],
    as_json: Json = False,
) -> None:
    """Move registry and ledger to another database, PostgreSQL say, with the services stopped."""
    desk: Desk = context.obj
    entries = store.move(desk.enclave.store, address, desk.enclave.today, desk.actor)
    said = f"{entries:,} entries moved; now set `database` in enclave.toml, and keep the old one closed"
    show({"entries": entries}, as_json, said)


@keys_group.command("new")
def keys_new(
    owner: Annotated[str, typer.Argument(help="Agency or school, e.g. SDE.")],
    out: Annotated[Path, typer.Option(help="Folder for the two files.", file_okay=False)] = Path("keys"),
    as_json: Json = False,
) -> None:
    """Make a party's keys; the private file stays with it, the public one goes to the hub."""
    keys = new_keys(party_id(owner))
    private, public = write_keys(keys, out)
    shown = {"owner": keys.owner, "fingerprint": keys.public.fingerprint, "private": private, "public": public}
    facts("keys", shown, as_json)


@keys_group.command("try")
def keys_try(context: typer.Context, as_json: Json = False) -> None:
    """Make a key of data, seal and open with it, destroy it, and see that it opens no more (DSA VI.H)."""
    desk: Desk = context.obj
    at = desk.enclave.settings.key_service
    place = at.address if at else "the folder of keys"
    facts("keys", {"key": try_keys(desk.enclave.keystore), "kept at": place, "opens": "no more"}, as_json)


@agreement_group.command("register")
def agreement_register(context: typer.Context, project: str, as_json: Json = False) -> None:
    """Compile an agreement of policies/agreements, register it and ask its agencies (EM XI.B)."""
    enclave = context.obj.enclave
    try:
        policy = agreement.compile_agreement(enclave.settings.policies, project)
        with enclave.store.transaction() as tx:
            board.request(tx, policy, context.obj.actor)
    except Refused as error:
        dr = project_id(project)
        enclave.store.enter(refusal(error, context.obj.actor, "agreement.refuse", dr, dr))
        raise
    assumed = len(policy.agreement.assumed)
    show({"project": policy.project, "policy": policy.hash, "assumed": assumed}, as_json,
         f"{policy.project} registered: policy {policy.hash[:16]}, {assumed} assumptions recorded")  # fmt: skip


@agreement_group.command("sign")
def agreement_sign(
    context: typer.Context, project: str, party: str, title: str, signed_on: str, as_json: Json = False
) -> None:
    """Record a party's signature by title and date, once its agencies have approved the request."""
    desk: Desk = context.obj
    signature, dr = agreement.Signature(party_id(party), title, calendar_day(signed_on)), project_id(project)
    with desk.changing("agreement.refuse", dr, dr) as tx:
        known = agreement.sign(tx, dr, signature, desk.actor)
    left = ", ".join(known.unsigned)
    body = {"project": known.policy.project, "effective_on": known.effective_on, "unsigned": known.unsigned}
    show(body, as_json, f"effective on {known.effective_on}" if not left else f"still unsigned: {left}")


@agreement_group.command("show")
def agreement_show(context: typer.Context, project: str, as_json: Json = False) -> None:
    """Show what an agreement came to, and what was assumed."""
    with context.obj.enclave.store.view() as view:
        known = agreement.of(view, project_id(project))
        attached = agreement.exhibits(view, known.policy)
    policy, terms = known.policy, known.policy.agreement
    cells = policy.cells
    facts(
        f"{policy.project} {policy.agreement.title}",
        {
            "policy": policy.hash,
            "version": known.version,
            "approved": known.approved_on,
            "effective": known.effective_on,
            "access ends": known.ends_on,
            "unsigned": ", ".join(known.unsigned) or "none",
            "extended": ", ".join(f"until {e.until} on {e.granted_on}" for e in known.extensions) or "never",
            "notice": f"{known.termination.party} on {known.termination.given_on}" if known.termination else "none",
            "not shared": ", ".join(f"{a}.{e}" for a, es in known.refused.items() for e in es) or "none",
            "parties": ", ".join(policy.signatories),
            "exhibits": "; ".join(f"{name} {p.kept.sha256[:16] if p else 'missing'}" for name, p in attached.items()),
            "requestor": f"{terms.requestor.name}, {terms.requestor.organization}" if terms.requestor else "",
            "discussed with": "; ".join(f"{each.agency}: {each.who}" for each in terms.discussed_with),
            "benefit": terms.benefit.text if terms.benefit else "",
            "research agenda": f"{terms.agenda.of}: {terms.agenda.place}" if terms.agenda else "",
            "review board": terms.review_board.why if terms.review_board else "",
            "legal basis": "; ".join(f"{p.code}: {p.legal_basis}" for p in terms.parties if p.legal_basis),
            "published": "; ".join(f"{p.code}: {p.dissemination}" for p in terms.parties if p.dissemination),
            "cells": f"at least {cells.minimum_count}, base {cells.minimum_base}, zeros {cells.zeros}",
            "elements": sum(len(e) for e in policy.agreement.elements.values()),
            "never shared": ", ".join(
                f"{a}.{e.name}" for a, es in policy.agreement.elements.items() for e in es if e.matching
            ),
            "assumed": "; ".join(f"{a.about}: {a.taken}" for a in policy.agreement.assumed),
        },
        as_json,
    )


@agreement_group.command("lint")
def agreement_lint(context: typer.Context, project: str, as_json: Json = False) -> None:
    """Find what an agreement's documents leave open or say in two ways, and what the request does not say (EM II)."""
    dr = project_id(project)
    policies = context.obj.enclave.settings.policies
    conflicts = agreement.conflicts_of(policies, dr)
    if still := [each.finding for each in conflicts if not each.taken]:
        raise Invalid(dr, still)
    asked = agreement.compile_agreement(policies, dr).agreement
    ticks = agreement.completeness(asked)
    if missing := [each.finding for each in ticks if not each.said]:
        raise Invalid(dr, missing)
    if as_json:
        show({"conflicts": conflicts, "complete": ticks, "without_standard": asked.without_standard}, as_json)
    else:
        rows = [(each.rule, each.subject, each.what, each.taken, each.prevails) for each in conflicts]
        columns = ("rule", "about", "found", "taken", "prevails")
        table(f"what the documents of {dr} leave open", columns, rows, as_json)
        said = [(each.wanted, each.clause, each.where) for each in ticks]
        table(f"what {dr} says, as a request must", ("wanted", "clause", "where"), said, as_json)
        bare = [(name,) for name in asked.without_standard]
        table(f"elements of {dr} that go with no adopted standard", ("element",), bare, as_json)


@agreement_group.command("flow")
def agreement_flow(context: typer.Context, project: str, picture: NewFile, as_json: Json = False) -> None:
    """Draw how an agreement's data flow, from its own files, tables and reports, as SVG (EM XII)."""
    policies = context.obj.enclave.settings.policies
    flow = agreement.flow_of(agreement.compile_agreement(policies, project_id(project)))
    picture.write_text(flow.svg, "utf-8")
    show(flow, as_json, "\n".join(flow.words))


@dictionary_group.command("import")
def dictionary_import(context: typer.Context, workbook: GivenFile, as_json: Json = False) -> None:
    """Import the programme's data dictionary (xlsx)."""
    with context.obj.enclave.store.transaction() as tx:
        imported = dictionary.import_dictionary(tx, workbook, context.obj.actor)
    if not as_json:
        for finding in imported.findings:
            console.print(f"  [yellow]•[/] {finding.what} [dim]({finding.clause})[/]", soft_wrap=True)
    table("elements by agency", ("agency", "elements"), imported.counts.items(), as_json)


@dictionary_group.command("show")
def dictionary_show(
    context: typer.Context,
    agency: Annotated[str, typer.Option(help="Only this agency's elements.")] = "",
    as_json: Json = False,
) -> None:
    """Show elements by agency, or one agency's elements."""
    with context.obj.enclave.store.view() as view:
        if not agency:
            table("elements by agency", ("agency", "elements"), dictionary.by_agency(view).items(), as_json)
            return
        rows = [(e.program, e.category, e.name, e.data_type, e.years) for e in dictionary.elements(view, agency)]
    table(f"elements of {agency}", ("program", "category", "element", "type", "years"), rows, as_json)


@people_group.command("enlist")
def people_enlist(
    context: typer.Context,
    project: str,
    person: str,
    role: Role,
    name: Annotated[str, typer.Option()],
    position: Annotated[str, typer.Option()],
    organization: Annotated[str, typer.Option()],
    email: Annotated[str, typer.Option()],
    telephone: Annotated[str, typer.Option()],
    purpose: Annotated[str, typer.Option(help="a, b or c of 2.h.")] = "",
    justification: str = "",
    until: Annotated[str, typer.Option(help="Last day of the purpose (YYYY-MM-DD).")] = "",
    agency: Annotated[str, typer.Option(help="Party of a steward, agency of an agency's analyst.")] = "",
    government: Annotated[
        bool, typer.Option(help="Employee or official of the State; counts once verified.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put a person on a project's list, as the Operating Group; the first of it, as who sets it up (DSA VI.E)."""
    desk, dr = context.obj, project_id(project)
    who = people.Person(person, name, position, organization, email, telephone, government)
    listing = people.Listing(
        person, dr, role, people.BASES.get(role, ""), purpose, justification, agency,
        until=calendar_day(until) if until else None,
    )  # fmt: skip
    with desk.changing("people.refuse", person, dr) as tx:
        people.hold_to_group(tx, person, desk.actor, "DSA VI.E")
        listing = people.enlist(tx, who, listing, desk.actor, board.joining(tx, dr))
    show(listing, as_json, f"{person} is on the list of {dr} as {role}")


@people_group.command("approve")
def people_approve(
    context: typer.Context,
    project: str,
    person: str,
    agency: str,
    text: Annotated[str, typer.Option(help="Its words; a standing sentence when not given.")] = "",
    as_json: Json = False,
) -> None:
    """Record one's own agency's written approval of a person, as its steward (DSA VI.E)."""
    desk: Desk = context.obj
    with desk.changing("people.refuse", person, project_id(project)) as tx:
        listing = people.approve(tx, project_id(project), person, party_id(agency), desk.actor, text)
    show(listing, as_json, f"{agency} approves {person}")


@people_group.command("withdraw")
def people_withdraw(context: typer.Context, project: str, person: str, agency: str, as_json: Json = False) -> None:
    """Record that an agency takes its approval back (DSA VI.E); a running session ends."""
    desk: Desk = context.obj
    with desk.changing("people.refuse", person, project_id(project)) as tx:
        listing = people.withdraw(tx, project_id(project), person, party_id(agency), desk.actor)
    show(listing, as_json, f"{agency} no longer approves {person}")


@people_group.command("signed")
def people_signed(
    context: typer.Context,
    project: str,
    person: str,
    exhibit: Literal["B", "C"],
    scan: GivenFile,
    signed_on: Annotated[str, typer.Option(help="YYYY-MM-DD; today when not given.")] = "",
    as_json: Json = False,
) -> None:
    """Record, as the Operating Group, that a person signed Exhibit B or C on paper; the scan is kept, sealed."""
    desk: Desk = context.obj
    day = calendar_day(signed_on) if signed_on else desk.enclave.today()
    with desk.changing("people.refuse", person, project_id(project)) as tx:
        kept = papers.seal(desk.enclave.keystore, desk.enclave.settings, scan)
        paper = people.record_exhibit(tx, project_id(project), person, exhibit, day, kept, desk.actor)
    show(paper, as_json, f"{person} signed Exhibit {exhibit} on paper on {day}")


@people_group.command("exhibit")
def people_exhibit(
    context: typer.Context,
    project: str,
    person: str,
    exhibit: Literal["B", "C"],
    path: NewFile,
    as_json: Json = False,
) -> None:
    """Write Exhibit B or C of a person, filled in, to print and sign."""
    with context.obj.enclave.store.view() as view:
        page = people.exhibit_form(view, project_id(project), person, exhibit)
    path.write_text(page, "utf-8")
    show(path.name, as_json, f"{path.name} is for {person} to read, print and sign")


@people_group.command("verify")
def people_verify(context: typer.Context, person: str, as_json: Json = False) -> None:
    """Verify, as the Operating Group, what is attested of a person's employment by the State (ExA 2.h)."""
    desk: Desk = context.obj
    with desk.changing("people.refuse", person, "") as tx:
        paper = people.verify_status(tx, person, desk.actor)
    show(paper, as_json, f"{paper.key} is verified")


@people_group.command("review")
def people_review(
    context: typer.Context,
    project: str,
    person: str,
    found: Annotated[
        Literal["needed", "not-needed"], typer.Argument(help="Whether their work still requires access.")
    ],
    as_json: Json = False,
) -> None:
    """Look, for the hub, whether a person still needs access; who does not is stopped at once (EM XVII.C)."""
    desk, needed = context.obj, found == "needed"
    with desk.changing("people.refuse", person, project_id(project)) as tx:
        listing = people.review_access(tx, project_id(project), person, needed=needed, actor=desk.actor)
    show(listing, as_json, f"{person} {'still needs access' if needed else 'has no access any more'}")


@people_group.command("designate")
def people_designate(
    context: typer.Context,
    project: str,
    party: str,
    person: str,
    letter: GivenFile,
    since: Annotated[str, typer.Option(help="First day (YYYY-MM-DD); today when not given.")] = "",
    as_json: Json = False,
) -> None:
    """Record a party's written designation of its Representative; the other parties are told (DSA XII)."""
    desk: Desk = context.obj
    day = calendar_day(since) if since else desk.enclave.today()
    with desk.changing("people.refuse", party_id(party), project_id(project)) as tx:
        kept = papers.seal(desk.enclave.keystore, desk.enclave.settings, letter)
        paper = people.designate(tx, project_id(project), party_id(party), person, kept, day, desk.actor)
    show(paper, as_json, f"{person} is the Representative of {party} since {day}")


@people_group.command("representatives")
def people_representatives(context: typer.Context, project: str, as_json: Json = False) -> None:
    """List the current Representative of each party; who has none is missing (DSA XII)."""
    with context.obj.enclave.store.view() as view:
        dr = project_id(project)
        parties = agreement.of(view, dr).policy.signatories
        rows = [(party, people.representative(view, dr, party) or "none") for party in parties]
    table("representatives", ("party", "representative"), rows, as_json)


@people_group.command("may")
def people_may(context: typer.Context, person: str, action: Action, project: str, as_json: Json = False) -> None:
    """Ask whether a person may do something today, and why not."""
    with context.obj.enclave.store.view() as view:
        admission = people.may(view, person, action, project_id(project))
    show(admission, as_json, f"{person} may {action} on {admission.project} until {admission.ends_on}")
