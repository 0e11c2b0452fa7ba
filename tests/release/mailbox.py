"""A mail server on a loopback port that keeps what it takes, and refuses what it is told to."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from tests.hub.certificates import Authority


@dataclass
class Mailbox:
    """What came in, and how the server answers."""

    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    """Address -> answer with its code; ``*`` is everybody."""

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """Take a sender, or refuse them."""
        if answer := self.refuses.get(address):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """Take a recipient, or refuse them."""
        if answer := self.refuses.get(address, self.refuses.get("*")):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep a letter."""
        self.taken.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        self.encrypted.append(session.ssl is not None)
        return "250 taken"

    @property
    def letters(self) -> list[tuple[str, str]]:
        """To whom, and the subject."""
        return [(str(letter["To"]), str(letter["Subject"])) for letter in self.taken]


class _OnAnyPort(Controller):
    """Listens where the system likes."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mailbox(authority: Authority | None = None, *, folder: Path | None = None) -> Iterator[Mailbox]:
    """Run a server; with an authority it asks for STARTTLS before it takes anything."""
    kept, options = Mailbox(), dict[str, Any]()
    if authority is not None and folder is not None:
        certificate, key = folder / "mail.pem", folder / "mail.key"
        authority.issue("localhost", certificate, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        options = {"tls_context": context, "require_starttls": True}

    class Server(_OnAnyPort):
        def factory(self) -> SMTP:
            return SMTP(self.handler, hostname="localhost", **options)

    running = Server(kept, hostname="127.0.0.1", port=0)
    running.start()
    kept.port = running.port
    try:
        yield kept
    finally:
        running.stop()
