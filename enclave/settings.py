"""The installation's settings: read once, at a door, from `enclave.toml` in its home.

Nothing else in the enclave reads the environment or a configuration file.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from enclave.errors import invalid
from enclave.terms import MAILBOX

PACKAGED_POLICIES = Path(__file__).resolve().parent.parent / "policies"
PACKAGED_NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks" / "templates"


def policy_file(path: Path) -> Any:
    """Read a YAML file of `policies/`, by libyaml: in Python alone it takes ten times as long, at every command.

    Raises
    ------
    OSError
        If it cannot be read.
    yaml.YAMLError
        If it is not YAML.
    """
    return yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)


_FOLDER = r"^https?://[^\s?#]+/$"


class OpenData(BaseModel):
    """Where the catalogue of open data will be served, by whom, and whom readers ask.

    Parameters
    ----------
    address : str
        Of the folder, ending with a slash.
    publisher : str
        The organization that makes the data available.
    contact, email : str
        Whom readers ask: an office, and a mailbox that somebody reads.
    license : str
        Address of the license; none is named where it is empty.
    folder : Path, optional
        What a web server serves as `address`; with it the catalogue is written from its page too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    address: str = Field(pattern=_FOLDER)
    publisher: str = Field(min_length=1)
    contact: str = Field(min_length=1)
    email: str = Field(pattern=MAILBOX)
    license: str = ""
    folder: Path | None = None


class Mail(BaseModel):
    """How messages leave as mail; without it they stand on the pages alone.

    Parameters
    ----------
    host, port
        Of the server that takes them.
    starttls : bool
        Sent only where the connection is encrypted and the server has shown a certificate for its name.
    authority : Path, optional
        Certificates in which the server's must be rooted; the system's where there is none.
    sender : str
        Address they come from; ``from`` in the file.
    pages : str
        Address of the pages as people reach them, ending with a slash; links lead there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    starttls: bool = True
    authority: Path | None = None
    sender: str = Field(alias="from", pattern=MAILBOX)
    pages: str = Field(pattern=_FOLDER)


class KeyServer(BaseModel):
    """Where key-encrypting keys are, if not in the folder of keys: at a service with a transit engine.

    Parameters
    ----------
    address : str
        https, host and port.
    token : Path
        File that an agent keeps a token of the service in.
    mount, namespace : str
        Of the engine: one for each installation.
    authority : Path, optional
        PEM of the authority that signed its certificate; the system's are asked if absent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    address: str = Field(pattern=r"^https://[^\s/]+$")
    token: Path
    mount: str = Field(default="transit", min_length=1)
    namespace: str = ""
    authority: Path | None = None


class Backups(BaseModel):
    """How long the installation keeps its backups; a certificate of destruction says so, or that it is not stated.

    Parameters
    ----------
    home : int, optional
        Days until a backup of home and registry is gone.
    keys : int, optional
        Days until a backup of the keys' volume, or a snapshot of the key service, is gone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    home: int | None = Field(default=None, ge=0, le=36_500)
    keys: int | None = Field(default=None, ge=0, le=36_500)


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
    scanner : Path, optional
        Socket of ClamAV's `clamd`; then no file is taken that it has not looked at.
    demo : bool
        A demonstration on invented people: the calendar day stands in the file ``today`` of `home`.
    open_data : OpenData, optional
        What the catalogue of open data says of itself.
    mail : Mail, optional
        How messages leave as mail.
    key_service : KeyServer, optional
        Where key-encrypting keys are, if not in `keys`.
    backups : Backups
        How long backups are kept.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    home: Path
    keys: Path
    runtime: Path
    database: str
    policies: Path = PACKAGED_POLICIES
    notebooks: Path = PACKAGED_NOTEBOOKS
    scanner: Path | None = None
    demo: bool = False
    open_data: OpenData | None = None
    mail: Mail | None = None
    key_service: KeyServer | None = None
    backups: Backups = Backups()

    @property
    def sealed(self) -> Path:
        """Folder of everything sealed at rest."""
        return self.home / "sealed"

    @property
    def demo_day(self) -> Path:
        """File that holds the calendar day of a demonstration."""
        return self.home / "today"


class WebSettings(BaseModel):
    """Where the pages stand as a service of the hub, and how they reach it.

    Parameters
    ----------
    service_url : str
        Where the pages listen, ``http://127.0.0.1:port``.
    prefix : str
        Path under which the hub's proxy shows them; begins and ends with a slash.
    api_url : str
        The hub's own API, ``http+unix://`` allowed.
    api_token : str
        The service's own.
    client_id : str
        Of the service as an OAuth client of the hub.
    hub : str
        Path of the hub's pages.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    service_url: str
    prefix: str = Field(default="/services/enclave/", pattern=r"^/(.*/)?$")
    api_url: str
    api_token: str = Field(min_length=16, repr=False)
    client_id: str = "service-enclave"
    hub: str = "/hub/"

    @classmethod
    def from_environment(cls) -> WebSettings:
        """Read what JupyterHub tells a service, or whoever starts one in its place.

        Raises
        ------
        Invalid
            If an address or the token is missing or malformed.
        """
        names = {
            "service_url": "JUPYTERHUB_SERVICE_URL",
            "prefix": "JUPYTERHUB_SERVICE_PREFIX",
            "api_url": "JUPYTERHUB_API_URL",
            "api_token": "JUPYTERHUB_API_TOKEN",
            "client_id": "JUPYTERHUB_CLIENT_ID",
        }
        try:
            return cls.model_validate({key: os.environ[name] for key, name in names.items() if name in os.environ})
        except ValidationError as error:
            wrong = ", ".join(sorted(names[str(e["loc"][0])] for e in error.errors(include_input=False)))
            raise invalid(
                "environment", "web-settings", "EM XV", f"missing or malformed: {wrong}",
                "Start the pages as the hub's service `enclave`.",
            ) from None  # fmt: skip


def default_home() -> Path:
    """Give the home named by ``ENCLAVE_HOME``, else ``var/enclave`` below the working directory."""
    return Path(os.environ.get("ENCLAVE_HOME", "var/enclave")).resolve()


def defaults(home: Path, *, demo: bool = False) -> dict[str, object]:
    """Give the settings of an embedded installation in `home`."""
    mark = hashlib.sha256(str(home).encode()).hexdigest()[:8]
    shared_memory = Path("/dev/shm")  # noqa: S108 - a tmpfs; `scratch.prepare` closes the folder
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
