"""The hub beside JupyterHub's own spawner and npm's proxy: start, memory, the end of access, many at once, the proxy.

    make bench-hub                    # everything
    make bench-hub ONLY=start,proxy   # some of it

What is set beside one another takes turns in one run, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

from statistics import median

from benchmarks import hub_proxy, hub_sessions
from benchmarks.measuring import Parts, Row, measure

PACKAGES = ("jupyterhub", "jupyterlab", "jupyter-server", "aiohttp", "tornado")
NPM = "npm configurable-http-proxy 5.3.0"
PEER = f"JupyterHub's local process spawner with {NPM}"


def start(repeats: int) -> list[Row]:
    """From the request for a server to its usable lab, and the memory of the idle server."""
    taken = hub_sessions.starts(repeats)
    work = f"one server, median of {repeats} in turns after one that warms up"
    command = "make bench-hub ONLY=start"
    return [
        Row(work, "from the request to the lab's page", "s", *_medians(taken.seconds), PEER, command),
        Row(work, "memory of the idle server (PSS)", "MiB", *_medians(taken.mib), PEER, command),
    ]


def kill(repeats: int) -> list[Row]:
    """From the word that ends access to no byte delivered and no process left."""
    seconds = hub_sessions.kills(repeats)
    work = f"a kernel prints 20 times a second, {repeats} times"
    figure = "from the word that ends access to no byte delivered and no process left, "
    told = {"median": median(seconds), "longest": max(seconds)}
    command = "make bench-hub ONLY=kill"
    return [Row(work, figure + name, "s", round(found, 3), None, "", command) for name, found in told.items()]


def many(sessions: int) -> list[Row]:
    """Many sessions at once, each with a kernel that has run a cell."""
    found = hub_sessions.crowd(sessions)
    work = f"{sessions} sessions at once, each with a kernel that has imported pandas and p20kit"
    command = "make bench-hub ONLY=many"
    told = (
        ("sessions whose kernel answered when all were there", "sessions", found.answered),
        ("memory of a session (PSS: server, kernel, sandbox)", "MiB", round(found.mib, 1)),
        ("answer of the hub's own page meanwhile, median", "s", round(found.hub_seconds, 3)),
    )
    return [Row(work, figure, unit, value, None, "", command) for figure, unit, value in told]


def proxy(repeats: int) -> list[Row]:
    """One request after another through each proxy, to the same server."""
    command = "make bench-hub ONLY=proxy"
    rows = []
    for asked, found in hub_proxy.times(repeats).items():
        work = f"{asked}, one at a time, median of {repeats} rounds in turns"
        rows += [
            Row(work, "time", "ms", round(found.ours, 3), round(found.theirs, 3), NPM, command),
            Row(work, "time without a proxy", "ms", round(found.direct, 3), None, "", command),
        ]
    return rows


PARTS: Parts = {
    "proxy": (proxy, 9),
    "start": (start, 7),
    "kill": (kill, 9),
    "many": (many, 40),
}
"""What is measured, and how many times; of `many`, how many sessions."""


def _medians(pair: tuple[list[float], list[float]]) -> tuple[float, float]:
    ours, theirs = pair
    return round(median(ours), 3), round(median(theirs), 3)


if __name__ == "__main__":
    measure("hub", "The hub beside JupyterHub's own", PARTS, PACKAGES)
