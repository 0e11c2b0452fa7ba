"""The journey's stages: built once for all workers of a run, and copied for whoever needs one to change."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import registry
from tests.journey.stages import STAGES, reach
from tests.postgresql import PostgreSQL
from tests.world import Installation, a_copy, once, put_to_rest

At = Callable[[str], Installation]
ROOMY = ("max_connections=400", "fsync=off")
"""Many tests at once; what a power cut leaves is for servers of their own."""
FIRST = (
    "tests/web/test_web_screens.py",
    "tests/web/test_web_journeys.py",
    "tests/attack/test_gate_cheats.py",
    "tests/attack/test_answers.py",
    "tests/web/test_web_routes.py",
    "tests/disclosure/test_adversarial_measures.py",
    "tests/web/test_web_checking.py",
    "tests/attack/test_fuzz.py",
    "tests/disclosure/test_adversary.py",
)
"""Long files: begun last, one of them would leave the other workers idle."""

# No test has a clock: how long an example takes says how busy the machine is. And none draws lots: a commit is always
# judged alike, and who looks for more examples says `--hypothesis-profile=explore`.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None, derandomize=False)
hypothesis.settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run stand on PostgreSQL."""
    parser.addoption("--postgresql", action="store_true", help="registries in PostgreSQL, not in SQLite's files")


def pytest_configure(config: pytest.Config) -> None:
    """Start the run's server; a worker finds it in its environment."""
    config.addinivalue_line("markers", "sqlite(why): not on PostgreSQL")
    if config.getoption("--postgresql") and not hasattr(config, "workerinput"):
        server = PostgreSQL.start(*ROOMY)
        os.environ[registry.SERVER] = str(server.folder)
        config.add_cleanup(server.stop)
    # psycopg tells of a store that a test left open, whenever it is collected: in the middle of another test
    left_open = "ignore:<psycopg.Connection .* was deleted while still open:ResourceWarning"
    config.addinivalue_line("filterwarnings", left_open)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put long files first; on PostgreSQL, leave out what is about SQLite or no registry, or brings databases."""
    places = {file: place for place, file in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(FIRST)))
    if config.getoption("--postgresql"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("sqlite")])
        items[:] = [item for item in items if not item.get_closest_marker("sqlite")]


@pytest.fixture(autouse=True)
def _databases(request: pytest.FixtureRequest) -> Iterator[None]:
    """Delete the databases of homes that were a test's own."""
    own = registry.server() and "tmp_path" in request.fixturenames
    folder = request.getfixturevalue("tmp_path") if own else None
    yield
    if folder is not None:
        registry.drop_below(folder)


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Give the folder of the stages; with several workers it is theirs together."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "stages"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def resting(snapshots: Path) -> Callable[[str], Path]:
    """Give the snapshot of a stage, made the first time anyone asks; nobody writes to it."""

    def snapshot(stage: str) -> Path:
        before = STAGES[stage].after
        earlier = snapshot(before) if before else None
        folder = snapshots / stage

        def make() -> None:
            made = a_copy(of=earlier, to=folder) if earlier else Installation(folder)
            (folder / "complete").unlink(missing_ok=True)
            reach(made, stage)
            put_to_rest(made)

        once(folder, make)
        return folder

    return snapshot


@pytest.fixture
def at(resting: Callable[[str], Path], tmp_path: Path) -> Iterator[At]:
    """Give a fresh installation at a stage of the journey."""
    made: list[Installation] = []

    def fresh(stage: str) -> Installation:
        made.append(a_copy(of=resting(stage), to=tmp_path / f"{stage}-{len(made)}"))
        return made[-1]

    yield fresh
    for installation in made:
        installation.close()


@pytest.fixture(scope="module")
def shared(resting: Callable[[str], Path]) -> Iterator[At]:
    """Give an installation at a stage for all tests of a module, to look at and not to change."""
    folder = Path(tempfile.mkdtemp(prefix="shared-"))
    made: dict[str, Installation] = {}

    def one(stage: str) -> Installation:
        if stage not in made:
            made[stage] = a_copy(of=resting(stage), to=folder / stage)
        return made[stage]

    yield one
    for installation in made.values():
        installation.close()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Give a PostgreSQL server."""
    server = PostgreSQL.start()
    yield server
    server.stop()
