"""The machine of an agency that cannot seal: gpg and openssl, and the commands of the steward's guide."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from enclave.vault.agreed import CMS, OPENPGP

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "steward.md"
WAYS = {"gpg": OPENPGP, "p7m": CMS}
WRAPPERS = {
    # the guide's commands ask a person for a passphrase: here there is nobody to ask
    "gpg": 'exec /usr/bin/gpg --batch --yes --pinentry-mode loopback --passphrase "" "$@"',
    "openssl": (
        'case "$1 $2" in req*) set -- "$@" -passout pass:invented;;'
        ' "cms -sign") set -- "$@" -passin pass:invented;; esac; exec /usr/bin/openssl "$@"'
    ),
}


@dataclass
class Office:
    """The machine of an agency: its folder, its keys, and the programs it has."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "bin").mkdir(parents=True)
        (self.folder / "gnupg").mkdir(mode=0o700)
        for name, script in WRAPPERS.items():
            (self.folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
            (self.folder / "bin" / name).chmod(0o755)
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        self.environment = {"PATH": path, "GNUPGHOME": str(self.folder / "gnupg"), "HOME": str(self.folder)}

    def run(self, script: str) -> str:
        """Run a script as typed; give what it says."""
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def close(self) -> None:
        """End what gpg left running."""
        subprocess.run(["gpgconf", "--kill", "all"], env=self.environment, check=True)


def blocks() -> dict[str, str]:
    """Give the guide's commands for each way."""
    found = re.findall(r"^```\n((?:gpg|openssl) .*?)^```$", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    gpg, openssl = found
    return {"gpg": gpg, "p7m": openssl}


def function(way: str) -> str:
    """Give the guide's way to encrypt one file, a function of the shell."""
    return "encrypt() {" + blocks()[way].partition("encrypt() {")[2].partition("\n}\n")[0] + "\n}"
