"""`python -m demo` tells the story, `serve` leaves the hub and pages up; `pictures`, `drawings` fill docs/images."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import time
from pathlib import Path

from demo import outcome
from demo import story as chapters
from demo.cast import EVERYONE
from demo.show import Teller
from demo.stage import clean, hub
from demo.story import AS_OF, PROJECT, Story
from enclave.app import initialise
from enclave.scratch import wipe
from enclave.settings import defaults

VAR = Path(__file__).resolve().parent.parent / "var"


def main() -> None:
    """Read the command line and tell."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("tell", "serve", "pictures", "drawings"), default="tell")
    parser.add_argument("--students", type=int, default=0, help="students in SDE's file")
    parser.add_argument("--port", type=int, default=8000, help="port of the hub (serve)")
    options = parser.parse_args()
    if options.command == "drawings":
        drawings()
        return
    with contextlib.ExitStack() as stage:
        if options.command == "serve":
            serve(_begin(stage, "serve", options.students or 5_000), options.port)
        elif options.command == "pictures":
            pictures(_begin(stage, "pictures", options.students or 20_000))
        else:
            tell(_begin(stage, "demo", options.students or 50_000))


def tell(story: Story) -> None:
    """Tell the whole story, and write `var/demo/summary.json`."""
    started = time.monotonic()
    teller, home = story.teller, story.enclave.settings.home
    _until_delivery(story)
    story.day("2022-04-13")
    with hub(story.enclave) as running:
        with teller.chapter(5, "Analysis in a sandbox without a network", "2022-04-13"):
            outcome.analyse(story, running)
        with teller.chapter(6, "The gate, the agencies, the signed package", "2022-04-13"):
            outcome.release(story, running)
        with teller.chapter(7, "A hold", story.enclave.today()):
            outcome.suspend(story, running)
    with teller.chapter(8, "Destruction", story.enclave.today()):
        outcome.destroy(story)
    with teller.chapter(9, "The ledger", story.enclave.today()):
        outcome.verify(story)
    seconds = time.monotonic() - started
    summary = {
        **story.summary,
        "seconds": round(seconds, 1),
        "chapters": {n: round(s, 1) for n, s in teller.chapters},
    }
    (home / "summary.json").write_text(json.dumps(summary, indent=1), "utf-8")
    teller.closing(_figures(summary))
    teller.console.print(
        f"\nEverything is in [bold]{home.relative_to(VAR.parent)}[/]; {seconds:.0f} s. `make serve` leaves it up."
    )


def serve(story: Story, port: int) -> None:
    """Set up a project with its data delivered, and leave hub and pages up until interrupted."""
    _until_delivery(story)
    story.day("2022-04-13")
    with hub(story.enclave, port) as running:
        console = story.teller.console
        console.print(f"\n[bold]{running.pages}[/]  sign in with one of these logins (local provider, no password):")
        for player in EVERYONE:
            console.print(f"  [bold]{player.id:<8}[/] {player.name}, {player.role} ({player.organization})")
        console.print("\nCtrl-C ends it.")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            signal.pause()
        except KeyboardInterrupt:
            console.print("ending")


def pictures(story: Story) -> None:
    """Take the README's pictures from a running installation into docs/images."""
    from demo.pictures import take

    _until_delivery(story)
    story.day("2022-04-13")
    with hub(story.enclave) as running:
        outcome.analyse(story, running)
        refused = outcome.first_refused(story)
        for picture in take(running, refused, VAR.parent / "docs" / "images"):
            story.teller.say(str(picture.relative_to(VAR.parent)))


def drawings() -> None:
    """Draw the pictures of docs/disclosure.md; nothing needs to run for them."""
    from demo.drawings import draw

    for picture in draw(VAR.parent / "docs" / "images"):
        Teller().say(str(picture.relative_to(VAR.parent)))


def _begin(stage: contextlib.ExitStack, name: str, students: int) -> Story:
    """Make a new installation in ``var/<name>``; its plaintext folder on the tmpfs goes when the stage is left."""
    home = VAR / name
    clean(home, Path(str(defaults(home)["runtime"])))
    enclave = initialise(home, demo=True)
    stage.callback(wipe, enclave.settings.runtime)
    story = Story(enclave, Teller(), students, students * 12 // 5)
    story.teller.console.print(
        f"[bold]P20 WIN enclave[/]  {PROJECT} on invented people: "
        f"{students:,} students, {story.wage_earners:,} wage earners"
    )
    return story


def _until_delivery(story: Story) -> None:
    teller = story.teller
    story.day(AS_OF.isoformat())
    with teller.chapter(1, "The agreement is the program", AS_OF):
        chapters.agree(story)
    with teller.chapter(2, "Sealed transmittals over SFTP", AS_OF):
        chapters.transmit(story)
    story.day("2022-04-12")
    with teller.chapter(3, "The match", "2022-04-12"):
        chapters.match(story)
    with teller.chapter(4, "Resultant Data", "2022-04-12"):
        chapters.cut(story)


def _figures(summary: dict[str, dict[str, object]]) -> list[tuple[str, str]]:
    intake, match = summary["intake"], summary["match"]
    delivery, release, ledger = summary["delivery"], summary["release"], summary["ledger"]
    return [
        ("files and rows received", f"{intake['files']} and {intake['rows']:,}"),
        ("links, match rate", f"{match['links']:,}, {match['rate_percent']} %"),
        ("precision, recall against the truth", f"{match['precision']}, {match['recall']}"),
        ("persons delivered", f"{delivery['persons']:,}"),
        (
            "findings of the refused file, request",
            f"{len(intake['turned_away'])}, {len(summary['refused_request'])}",
        ),  # type: ignore[arg-type]
        ("cells shown, hidden", f"{release['cells_shown']}, {release['cells_hidden']}"),
        ("ledger entries", f"{ledger['entries']}"),
        ("ledger root", str(ledger["root"])[:16]),
    ]


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
