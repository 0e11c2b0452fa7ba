"""Every attempt in one table: what is tried, what is expected, which test tries it; and what stays open, signed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tests.probes.inside import asking, files, kernel, limits, network
from tests.probes.routes import ROUTES, TRICKS

_TESTS = "tests/probes/test_probes.py"
INSIDE = (*network.PROBES, *asking.PROBES, *kernel.PROBES, *files.PROBES, *limits.PROBES)

# Where an ordinary user runs the hub, nobody may mount: the outbox is a folder, bounded by counting from outside,
# and the list of mounts shows where it lies. Everything else holds there too.
NEEDS_MOUNTS = frozenset(
    {"places on the host", "program in the outbox", "library in the outbox", "many files in the outbox"}
    | {"fill the outbox"}
)

# At most three, each with its reason. Who changes one signs anew: the decision named here holds the list's hash.
OPEN = {
    "counters of the host": "The kernel shows load, free memory and the number of processors of the whole machine in "
    "/proc and by sysinfo(2), which the C library needs. They hold no record; two sessions that agree on it could "
    "signal to each other by using the machine. Containers that must not run on machines of their own projects.",
}
SIGNED_IN = "docs/decisions/0019-one-probe-stays-open.md"


@dataclass(frozen=True)
class Line:
    """One attempt as the documentation lists it.

    Attributes
    ----------
    expected : str
        Answers that mean it failed, or 'open'.
    """

    group: str
    name: str
    tried: str
    expected: str
    test: str


def table() -> tuple[Line, ...]:
    """Give every attempt, in the order they are made."""
    groups = {
        "code inside": (INSIDE, "test_code_inside"),
        "routes": (ROUTES, "test_routes_of_the_server"),
        "addresses": (TRICKS, "test_addresses"),
    }
    return tuple(
        Line(group, one.name, one.tried, "open" if one.name in OPEN else one.expected, f"{_TESTS}::{test}")
        for group, (probes, test) in groups.items()
        for one in probes
    )


def wrong(answers: Mapping[str, str], group: str, without: frozenset[str] = frozenset()) -> dict[str, str]:
    """Give the answers of a group that are not the expected ones; an attempt nobody made is one of them."""
    expected = {line.name: line.expected.split() for line in table() if line.group == group}
    found = {name: answers.get(name, "not tried") for name in expected.keys() - without}
    return {name: answer for name, answer in found.items() if answer not in expected[name]}


def seal() -> str:
    """Give the hash of the signed list."""
    return hashlib.sha256("\n".join(f"{name}: {why}" for name, why in sorted(OPEN.items())).encode()).hexdigest()


def document() -> str:
    """Write docs/probes.md."""
    lines = table()
    head = f"""# Attempts to get out

{len(lines)} attempts, each made in both kinds of sandbox: bubblewrap (`[bubblewrap]`) and a container of a
Docker engine (`[docker]`), from one table, `tests/probes/table.py`. {len(OPEN)} stays open. While code inside tries,
a sink listens on a port of every address and to every frame of every interface of the host; nothing may arrive.
Code inside is tried a third time in the sandbox of an ordinary user's hub, which may not mount: there the outbox is
bounded by counting from outside, and these need mounts: {"; ".join(sorted(NEEDS_MOUNTS))}.

This page is written by `python -m tests.probes.table` and held to the table by `tests/probes/test_table.py`.

## Open

Signed in [`{SIGNED_IN.rpartition("/")[2]}`]({SIGNED_IN.removeprefix("docs/")}), SHA-256 `{seal()}`.

"""
    parts = [head, *(f"- **{name}.** {why}\n" for name, why in OPEN.items())]
    for group in dict.fromkeys(line.group for line in lines):
        rows = [line for line in lines if line.group == group]
        parts.append(
            f"\n## {group.capitalize()}\n\n`{rows[0].test}`\n\n| attempt | what is tried | answer |\n|---|---|---|\n"
        )
        parts += [f"| {row.name} | {_plain(row.tried)} | {' or '.join(row.expected.split())} |\n" for row in rows]
    return "".join(parts)


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    from tests.probes.host import INSIDE as HERE

    (HERE.parents[2] / "docs" / "probes.md").write_text(document(), "utf-8")
