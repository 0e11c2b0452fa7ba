"""The order of the rooms, the one place for each dangerous thing, and the size of everything, read off the source."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from enclave import DOORS, GROUND, ROOMS
from tests.conftest import FIRST

ROOT = Path(__file__).resolve().parents[1]
ORDER = (*GROUND, *ROOMS)
OUTER_DOORS = ("hub_config", "demo")
CLOCK_OUTSIDE_DOORS = {"enclave/store/records.py"}
"""The moment of a ledger entry is the store's: rooms take the calendar day and never see a clock."""
ENVIRONMENT = {
    "enclave/settings.py": "the settings' home, and what the hub tells its service",
    "hub_config/config.py": "the one variable that names the hub's configuration; a cluster's word where the hub is",
    "hub_config/proxy.py": "the token the hub gives its proxy, taken out of the environment at once",
    "hub_config/lab/serve.py": "inside a sandbox: the descriptor it listens on",
}


def sources() -> list[Path]:
    found = (path for package in ("enclave", "p20kit", *OUTER_DOORS) for path in (ROOT / package).rglob("*.py"))
    return sorted(path for path in found if "__pycache__" not in path.parts)


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def modules() -> dict[str, Path]:
    return {module(path): path for path in sources()}


def imported(path: Path) -> Iterator[str]:
    """Give every module a file imports, also inside functions; of `from a import b` the module b if it is one.

    What stands under ``if TYPE_CHECKING`` is never run and imports nothing.
    """
    typing = {
        inner
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree(path)):
        if node in typing:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path)}: relative import"
            base = node.module or ""
            yield from (f"{base}.{a.name}" if f"{base}.{a.name}" in modules() else base for a in node.names)


def room(name: str) -> str:
    """Give the room, ground or door a module belongs to."""
    first, _, rest = name.partition(".")
    return rest.split(".")[0] if first == "enclave" else first


def is_door(name: str) -> bool:
    return room(name) in (*DOORS, *OUTER_DOORS)


def test_every_module_of_the_enclave_is_ground_room_or_door() -> None:
    standing = {room(name) for name in modules() if name.startswith("enclave.")}
    assert standing <= {*ORDER, *DOORS}
    assert set(ORDER) <= standing
    assert len({*ORDER, *DOORS}) == len(ORDER) + len(DOORS)


@pytest.mark.parametrize("path", sources(), ids=place)
def test_a_module_imports_only_what_stands_above_it(path: Path) -> None:
    mine = module(path)
    for name in imported(path):
        first = name.split(".")[0]
        if first not in ("enclave", *OUTER_DOORS) or name == "enclave":
            continue
        assert not mine.startswith("p20kit"), f"p20kit imports {name}"
        if is_door(mine):
            continue
        assert not is_door(name), f"{mine} imports the door {name}"
        assert ORDER.index(room(name)) <= ORDER.index(room(mine)), f"{mine} imports {name}, which stands below it"


def test_the_hub_knows_only_sessions_settings_sandboxes_and_the_glass() -> None:
    """The hub holds no key and reads no record: it asks the broker."""
    theirs = [path for name, path in modules().items() if name.startswith("hub_config")]
    known = {room(name) for path in theirs for name in imported(path) if name.startswith("enclave")}
    assert known - {"enclave"} <= {"app", "analysis", "settings", "sandbox", "glass", "errors", "terms", "scratch"}


def test_no_cycles() -> None:
    edges = {name: {n for n in imported(path) if n in modules() and n != name} for name, path in modules().items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a cycle: {' -> '.join((*way, name))}"
        if name not in done:
            # a package's face imports its parts; the parts of another package are reached through theirs
            for other in edges[name]:
                visit(other, (*way, name))
            done.add(name)

    for name in edges:
        visit(name, ())


@pytest.mark.parametrize(
    ("library", "only"),
    [("cryptography", {"vault"}), ("sqlalchemy", {"store"}), ("aiohttp", {"glass"}), ("asyncssh", {"intake"})],
)
def test_a_dangerous_library_has_one_room(library: str, only: set[str]) -> None:
    users = {room(n) for n, path in modules().items() for i in imported(path) if i.split(".")[0] == library}
    assert users - {*DOORS, *OUTER_DOORS} == only


def mentions(path: Path, owner: str, names: set[str]) -> bool:
    """Tell whether a file takes one of `names` off something called `owner`: ``os.environ``, ``date.today``."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and node.attr in names:
            value = node.value
            called = value.id if isinstance(value, ast.Name) else getattr(value, "attr", "")
            if called == owner:
                return True
        if isinstance(node, ast.ImportFrom) and node.module == owner and names & {a.name for a in node.names}:
            return True
    return False


def test_the_environment_is_read_in_one_place() -> None:
    readers = {place(p) for p in sources() if mentions(p, "os", {"environ", "getenv", "environb"})}
    assert {p for p in readers if not p.startswith(("demo/", "p20kit/"))} == set(ENVIRONMENT)


def test_the_clock_is_read_at_doors() -> None:
    clocks = (("datetime", {"now", "utcnow", "today"}), ("date", {"today"}), ("time", {"time"}))
    readers = {place(p) for p in sources() if any(mentions(p, owner, names) for owner, names in clocks)}
    assert {p for p in readers if not is_door(module(ROOT / p))} == CLOCK_OUTSIDE_DOORS


def test_sizes() -> None:
    lines = {place(path): len(path.read_text("utf-8").splitlines()) for path in sources()}
    assert {name: n for name, n in lines.items() if n > 400} == {}
    assert statistics.median(lines.values()) <= 150
    functions = {
        f"{place(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: n for name, n in functions.items() if n > 60} == {}
    lengths = sorted(functions.values())
    assert statistics.median(lengths) <= 10
    assert lengths[int(len(lengths) * 0.9)] <= 35


def test_names_say_something() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    parts = {part for path in sources() for part in path.relative_to(ROOT).with_suffix("").parts}
    assert parts & empty == set()


def test_libraries_do_not_print() -> None:
    printing = {
        place(path)
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert {name for name in printing if not name.startswith("demo/")} == set()


def test_the_files_that_are_begun_first_exist():
    assert [file for file in FIRST if not (ROOT / file).is_file()] == []
