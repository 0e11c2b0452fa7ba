"""The hub's inbox: an SFTP server to which an agency can add a sealed file, and read what became of those it sent.

Each party signs in with its own key and sees only its own folder. What arrives cannot be read back, replaced or
removed; a file stands under its name only when its last byte has come. What can be read are the ledger's receipts and
the findings of what was turned away, which the hub puts there.

Source: DSA IV; EM XV.D; EM XVII.B.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import NoReturn

import asyncssh

from enclave.errors import EnclaveError
from enclave.intake.enveloped import is_to_receive, is_whole
from enclave.intake.names import is_answer_name, is_sealed_name, parse_sealed_name
from enclave.settings import Settings
from enclave.terms import party_id

PARTIAL = ".partial"
SIZE_CAP = 16 * 1024**3


async def serve_sftp(settings: Settings, host: str, port: int, *, size_cap: int = SIZE_CAP) -> asyncssh.SSHAcceptor:
    """Start the server; it runs until its `close()`.

    Source: DSA IV; EM XV.D.

    Parameters
    ----------
    port : int
        0 for any free one; ask the result's `get_port()`.
    size_cap : int
        Longest file, in bytes.
    """
    inbox = settings.home / "inbox"
    (inbox / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
    for broken_off in inbox.glob(f"*/.*{PARTIAL}"):
        broken_off.unlink()

    def factory(channel: asyncssh.SSHServerChannel[bytes]) -> _Inbox:
        return _Inbox(channel, settings, size_cap)

    return await asyncssh.create_server(
        lambda: _Door(settings),
        host,
        port,
        server_host_keys=[_host_key(settings.keys / "sftp-host.key")],
        sftp_factory=factory,
        allow_scp=False,
        allow_pty=False,
        agent_forwarding=False,
        x11_forwarding=False,
        login_timeout=30,
        reuse_address=True,
    )


def senders(settings: Settings) -> list[str]:
    """Give the parties that have a folder in the inbox."""
    return sorted(p.name for p in (settings.home / "inbox").glob("*") if p.is_dir() and p.name != "keys")


def waiting(settings: Settings, project: str = "", source: str = "") -> list[Path]:
    """Give the sealed files (of a project, of a party) that have arrived whole, by party and name."""
    folders = [settings.home / "inbox" / party for party in senders(settings) if source in ("", party)]
    found = [(path, parse_sealed_name(path.name)) for folder in folders for path in sorted(folder.iterdir())]
    return [
        path
        for path, named in found
        if named and named.source == path.parent.name and project in ("", named.project) and is_to_receive(path)
    ]


class _Door(asyncssh.SSHServer):
    """Who may come in: a party, with the key that stands in its file. No passwords, no forwarding."""

    def __init__(self, settings: Settings) -> None:
        self._keys = settings.home / "inbox" / "keys"

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        try:
            known = self._keys / f"{party_id(username)}.pub"
            if party_id(username) != username or not known.is_file():
                return False
            lines = known.read_text("utf-8").splitlines()
            allowed = [asyncssh.import_public_key(line) for line in lines if line.strip()]
        except (EnclaveError, OSError, asyncssh.KeyImportError):
            return False
        return any(candidate == key for candidate in allowed)


class Upload:
    """A file that is arriving."""

    def __init__(self, folder: Path, name: str) -> None:
        self.partial, self.final = folder / f".{secrets.token_hex(8)}{PARTIAL}", folder / name
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self.handle = os.open(self.partial, flags, 0o600)

    def finish(self) -> bool:
        """Give the file its name if it came whole; else it goes, and may be sent again."""
        try:
            whole = is_whole(self.handle, self.final.name)
            os.fsync(self.handle)
        finally:
            os.close(self.handle)
        if whole:
            try:
                os.link(self.partial, self.final)  # unlike a rename, never over a file that is there
            except FileExistsError:
                whole = False
        self.partial.unlink(missing_ok=True)
        return whole


class _Answer:
    """A receipt, or findings, that a sender reads."""

    def __init__(self, path: Path) -> None:
        self.handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


class _Inbox(asyncssh.SFTPServer):
    """One party's folder: add a file, see the names of one's own, and read the hub's answers."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], settings: Settings, size_cap: int) -> None:
        self._party = str(channel.get_extra_info("username"))
        self._folder = settings.home / "inbox" / self._party
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._size_cap = size_cap
        super().__init__(channel, chroot=str(self._folder).encode())

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags == asyncssh.FXF_READ:
            return self._answer(path)
        if pflags & (asyncssh.FXF_READ | asyncssh.FXF_APPEND) or not pflags & asyncssh.FXF_WRITE:
            _deny("files cannot be read back or appended to")
        return self._start(path)

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if not desired_access & (asyncssh.ACE4_WRITE_DATA | asyncssh.ACE4_APPEND_DATA):
            return self._answer(path)
        if desired_access & asyncssh.ACE4_READ_DATA or not desired_access & asyncssh.ACE4_WRITE_DATA:
            _deny("files cannot be read back or appended to")
        return self._start(path)

    def _answer(self, path: bytes) -> _Answer:
        name = _name(path)
        if not is_answer_name(name, self._party):
            _deny("files cannot be read back")
        return _Answer(self._folder / name)

    def _start(self, path: bytes) -> Upload:
        name = _name(path)
        if not is_sealed_name(name, self._party):
            _deny("only files named AGENCY.0034.MM_DD_YYYY.contents.sealed are taken here, or as the guide says")
        if (self._folder / name).exists():
            _deny("a file of this name has been sent already")
        return Upload(self._folder, name)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if not isinstance(file_obj, _Answer):
            _deny("files cannot be read back")
        return os.pread(file_obj.handle, size, offset)

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if not isinstance(file_obj, Upload):
            _deny("not a file that is being sent")
        if offset + len(data) > self._size_cap:
            raise asyncssh.SFTPFailure("the file is longer than this inbox takes")
        return os.pwrite(file_obj.handle, data, offset)

    def close(self, file_obj: object) -> None:
        if isinstance(file_obj, _Answer):
            os.close(file_obj.handle)
        elif isinstance(file_obj, Upload) and not file_obj.finish():
            raise asyncssh.SFTPFailure("this is no whole sealed file, or one of its name is here: it was not kept")

    def fsync(self, file_obj: object) -> None:
        if isinstance(file_obj, Upload):
            os.fsync(file_obj.handle)

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        if not isinstance(file_obj, Upload | _Answer):
            _deny("not a file that is being sent")
        found = os.fstat(file_obj.handle)
        return asyncssh.SFTPAttrs(size=found.st_size, permissions=stat.S_IFREG | 0o600)

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Leave mode and times as they are; clients ask for theirs out of habit."""

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Leave mode and times as they are."""

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Leave mode and times as they are."""

    def remove(self, path: bytes) -> None:
        _deny("what was sent cannot be removed")

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        _deny("what was sent cannot be renamed")

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        _deny("what was sent cannot be renamed")

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        _deny("folders cannot be made here")

    def rmdir(self, path: bytes) -> None:
        _deny("folders cannot be removed here")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        _deny("links cannot be made here")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        _deny("links cannot be made here")

    def readlink(self, path: bytes) -> bytes:
        _deny("links cannot be read here")


def _name(path: bytes) -> str:
    return path.decode("ascii", errors="replace").removeprefix("/")


def _deny(what: str) -> NoReturn:
    raise asyncssh.SFTPPermissionDenied(what)


def _host_key(path: Path) -> asyncssh.SSHKey:
    """Read the server's own key (P-256), or make it the first time."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_name(path.name + PARTIAL)
        partial.unlink(missing_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(handle, "wb") as file:
            file.write(asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_private_key())
        partial.replace(path)
    return asyncssh.read_private_key(str(path))
