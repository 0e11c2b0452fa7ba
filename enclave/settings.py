"""The installation's settings: read once, at a door, from `enclave.toml` in its home.

Nothing else in the enclave reads the environment or a configuration file.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from enclave.errors import invalid

PACKAGED_POLICIES = Path(__file__).resolve().parent.parent / "policies"
PACKAGED_NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks" / "templates"


class Settings(BaseModel):
    """Where one installation keeps what it keeps.

    Parameters
    ----------
    home : Path
        Registry, sealed files, reports.
    keys : Path
        Key-encrypting keys; in production on another volume than `home`, not in its backups (DSA VI.H).
    runtime : Path
        Short-lived plaintext of sessions; on a tmpfs. Short, for socket paths end at 108 bytes.
    database : str
        SQLAlchemy address of the registry and ledger.
    policies, notebooks : Path
        Agreements and methods; approved notebooks.
    demo : bool
        A demonstration on invented people: the calendar day stands in the file ``today`` of `home`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path
    keys: Path
    runtime: Path
    database: str
    policies: Path = PACKAGED_POLICIES
    notebooks: Path = PACKAGED_NOTEBOOKS
    demo: bool = False

    @property
    def sealed(self) -> Path:
        """Folder of everything sealed at rest."""
        return self.home / "sealed"

    @property
    def demo_day(self) -> Path:
        """File that holds the calendar day of a demonstration."""
        return self.home / "today"


def default_home() -> Path:
    """Give the home named by ``ENCLAVE_HOME``, else ``var/enclave`` below the working directory."""
    return Path(os.environ.get("ENCLAVE_HOME", "var/enclave")).resolve()


def defaults(home: Path, *, demo: bool = False) -> dict[str, object]:
    """Give the settings of an embedded installation in `home`."""
    mark = hashlib.sha256(str(home).encode()).hexdigest()[:8]
    shared_memory = Path("/dev/shm")  # noqa: S108 - a tmpfs, made 0700 by the rooms that use it
    return {
        "keys": str(home / "keys"),
        "runtime": str(shared_memory / f"enclave-{mark}"),
        "database": f"sqlite:///{home / 'enclave.db'}",
        "demo": demo,
    }


def load(home: Path) -> Settings:
    """Read the settings of the installation in `home`.

    Raises
    ------
    Invalid
        If there is no installation, or a key is unknown or of the wrong type.
    """
    path = home / "enclave.toml"
    if not path.is_file():
        raise invalid(
            "enclave.toml", "no-installation", "EM XV", "no installation in this home",
            "Run `enclave init`, or set ENCLAVE_HOME.",
        )  # fmt: skip
    try:
        return Settings.model_validate({"home": home, **tomllib.loads(path.read_text("utf-8"))})
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        count = error.error_count() if isinstance(error, ValidationError) else 1
        raise invalid(
            "enclave.toml", "settings", "EM XV", f"{count} keys unknown or of the wrong type: {error}",
            "Mend the file; see docs/install.md.",
        ) from error  # fmt: skip
