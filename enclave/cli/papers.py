"""Commands about papers: executed agreements, exhibits, contracts, training, attestations, procedures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from enclave import papers
from enclave.cli.desk import Desk, GivenFile, Json, NewFile, calendar_day, facts, show, table
from enclave.papers import Paper
from enclave.terms import project_id

papers_group = typer.Typer(no_args_is_help=True, help="Documents kept sealed, in versions, and what they must say.")
Key = Annotated[str, typer.Argument(help="As `papers list` shows it: training/wren/001.")]


def register(app: typer.Typer) -> None:
    """Hang the group onto the command line."""
    app.add_typer(papers_group, name="papers")


@papers_group.command("kinds")
def papers_kinds(as_json: Json = False) -> None:
    """List the kinds of paper, with what the documents want of each."""
    rows = [
        (name, kind.title, kind.clause, kind.about, len(kind.items), "yes" if kind.ends or kind.statuses else "no")
        for name, kind in papers.kinds().items()
    ]
    table("kinds of paper", ("kind", "title", "clause", "about", "items", "ends"), rows, as_json)


@papers_group.command("add")
def papers_add(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="See `papers kinds`.")],
    document: GivenFile,
    project: Annotated[str, typer.Option(help="Data Request it belongs to, where its kind does.")] = "",
    about: Annotated[str, typer.Option(help="Login, agency, vendor, organization or subject.")] = "",
    since: Annotated[str, typer.Option(help="First day (YYYY-MM-DD); today when not given.")] = "",
    until: Annotated[str, typer.Option(help="Last day (YYYY-MM-DD), where it has one.")] = "",
    names: Annotated[str, typer.Option(help="The number it bears.")] = "",
    status: Annotated[str, typer.Option(help="Of a review board: requested or approved.")] = "",
    as_json: Json = False,
) -> None:
    """Seal a document and enter it as the next version of a paper."""
    desk: Desk = context.obj
    papers.added_as_is(kind)
    first, last = (calendar_day(day) if day else None for day in (since, until))
    with desk.enclave.store.transaction() as tx:
        kept = papers.seal(desk.enclave.keystore, desk.enclave.settings, document)
        paper = papers.add(
            tx, kind, kept, desk.actor, project=project_id(project) if project else "", about=about, since=first,
            until=last, names=names, status=status,
        )  # fmt: skip
    show(paper, as_json, _said(paper, desk))


@papers_group.command("tick")
def papers_tick(
    context: typer.Context,
    key: Key,
    items: Annotated[list[str], typer.Argument(help="As `papers items` shows them; each is entered by itself.")],
    as_json: Json = False,
) -> None:
    """Tick items of a paper: it says so, or whoever acts signs that statement."""
    desk: Desk = context.obj
    with desk.changing("papers.refuse", key, "") as tx:
        for item in items:
            paper = papers.tick(tx, key, item, desk.actor)
    show(paper, as_json, _said(paper, desk))


@papers_group.command("withdraw")
def papers_withdraw(context: typer.Context, key: Key, as_json: Json = False) -> None:
    """Take a paper back from today on; what came before it does not stand again."""
    desk: Desk = context.obj
    with desk.changing("papers.refuse", key, "") as tx:
        paper = papers.withdraw(tx, key, desk.actor)
    show(paper, as_json, _said(paper, desk))


@papers_group.command("list")
def papers_list(
    context: typer.Context,
    kind: Annotated[str, typer.Option(help="Only this kind.")] = "",
    project: Annotated[str, typer.Option(help="Only of this Data Request.")] = "",
    as_json: Json = False,
) -> None:
    """List every version of every paper, and what each lacks to stand today."""
    dr = project_id(project) if project else None
    with context.obj.enclave.store.view() as view:
        found = [paper for paper in view.find(Paper, dr) if kind in ("", paper.kind)]
        rows = [
            (p.key, p.of.title, p.added.on, p.since, p.until, "; ".join(p.lacks(view.today)) or "stands")
            for p in found
        ]
    table("papers", ("paper", "title", "added", "since", "until", "state"), rows, as_json)


@papers_group.command("show")
def papers_show(context: typer.Context, key: Key, as_json: Json = False) -> None:
    """Show what is recorded of a paper."""
    desk: Desk = context.obj
    with desk.enclave.store.view() as view:
        paper = papers.paper_of(view, key)
    shown = {
        "title": paper.of.title, "clause": paper.of.clause, "sha256": paper.kept.sha256,
        "added": f"{paper.added.on} by {paper.added.by}", "since": paper.since, "until": paper.until,
        "names": paper.names, "status": paper.status,
        "seen": f"{paper.seen.on} by {paper.seen.by}" if paper.seen else "",
        "state": "; ".join(paper.lacks(desk.enclave.today())) or "stands",
    }  # fmt: skip
    facts(paper.key, shown, as_json)


@papers_group.command("items")
def papers_items(context: typer.Context, key: Key, as_json: Json = False) -> None:
    """List what a paper must say, and who ticked each item when."""
    with context.obj.enclave.store.view() as view:
        paper = papers.paper_of(view, key)
    ticked = {item: f"{mark.on} by {mark.by}" for item, mark in paper.ticked.items()}
    rows = [(item, words, ticked.get(item, "")) for item, words in paper.of.items.items()]
    table(f"items of {key}", ("item", "says", "ticked"), rows, as_json)


@papers_group.command("open")
def papers_open(context: typer.Context, key: Key, target: NewFile, as_json: Json = False) -> None:
    """Write a read-only copy of a paper's document, as it was when it was added."""
    desk: Desk = context.obj
    with desk.enclave.store.view() as view:
        paper = papers.paper_of(view, key)
    papers.open_document(desk.enclave.keystore, desk.enclave.settings, paper, Path(target))
    show({"path": target, "sha256": paper.kept.sha256}, as_json, f"{key} written to {target}")


def _said(paper: Paper, desk: Desk) -> str:
    return f"{paper.key}: {'; '.join(paper.lacks(desk.enclave.today())) or 'it stands'}"
