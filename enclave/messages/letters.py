"""Messages as mail: sent at least once, tried again for days, given up where all can see it.

A letter that is sent twice bears the same Message-ID both times, by which mail programs know it. Where STARTTLS is
asked for and the server does not offer it, or shows another's certificate, nothing is sent.

Source: EM XI.B; ExC.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from enclave.ledger import Details, Entry
from enclave.messages.inbox import POST, Letter, post_of
from enclave.people import CLOCK, Person
from enclave.settings import Mail, Settings
from enclave.store import Store, Transaction, View
from enclave.terms import MAILBOX, reached

PATIENCE = timedelta(days=5)
"""How long a letter is tried, as RFC 5321 asks (4.5.4.1)."""
_LONGEST_WAIT = timedelta(hours=4)
_AT_ONCE = 200
_SECONDS = 15.0
_NO_ADDRESS = "address"
_MAILBOX = re.compile(MAILBOX)


@dataclass(frozen=True)
class Sent:
    """What became of the letters of one round."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0


def send(store: Store, settings: Settings, now: datetime) -> Sent:
    """Send the letters whose time has come; what is not taken stays, or is given up.

    Source: EM XI.B.
    """
    mail = settings.mail
    if mail is None:
        return Sent()
    with store.view() as view:
        post = post_of(view)
        due = [letter for letter in post.waiting if letter.not_before <= now][:_AT_ONCE] if post else []
        composed = {letter: _composed(view, letter, mail, now) for letter in due}
    if not due:
        return Sent()
    answers = _delivered(mail, composed)
    reached("messages.sent")
    with store.transaction() as tx:
        return _keep(tx, due, answers, now)


def _composed(view: View, letter: Letter, mail: Mail, now: datetime) -> EmailMessage | str:
    """Write a letter, or say why that cannot be done; it keeps no other from being sent."""
    try:
        return _written(view, letter, mail, now)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this letter's, tried again and then given up
        return type(error).__name__


def _written(view: View, letter: Letter, mail: Mail, now: datetime) -> EmailMessage | str:
    """Write a letter: title, project, link, and nothing else."""
    person = view.get(Person, letter.person)
    message, about = letter.message, letter.message.project or "P20 WIN"
    to = person.email.strip() if person else ""
    if not _MAILBOX.fullmatch(to):
        return _NO_ADDRESS
    written = EmailMessage(SMTP)
    written["Message-ID"] = message_id(letter, mail)
    written["Date"] = now
    written["From"] = Address("P20 WIN enclave", addr_spec=mail.sender)
    written["To"] = to
    written["Subject"] = f"{about}: {message.title}"
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(
        f"{message.title}.\n\nProject: {about}\n{mail.pages}{message.path}\n\n"
        "This message holds no data. What it is about stands on that page, after you have signed in.\n"
    )
    return written


def message_id(letter: Letter, mail: Mail) -> str:
    """Give the name of a letter, the same each time it is sent; it tells nobody whose it is."""
    name = hashlib.sha256(f"{mail.pages} {letter.message.seq} {letter.person}".encode()).hexdigest()[:32]
    return f"<{name}@{mail.sender.partition('@')[2]}>"


def _delivered(mail: Mail, composed: Mapping[Letter, EmailMessage | str]) -> dict[Letter, str]:
    """Give for each letter why it was not taken, empty where it was."""
    answers = {letter: written for letter, written in composed.items() if isinstance(written, str)}
    try:
        with _connected(mail) as server:
            for letter, written in composed.items():
                if not isinstance(written, str):
                    answers[letter] = _handed_over(server, written)
    except (OSError, smtplib.SMTPException) as error:
        kind = type(error).__name__
        answers |= {letter: kind for letter in composed if letter not in answers}
    return answers


@contextmanager
def _connected(mail: Mail) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(mail.host, mail.port, timeout=_SECONDS) as server:
        if mail.starttls:
            server.starttls(context=ssl.create_default_context(cafile=mail.authority))
        yield server


def _handed_over(server: smtplib.SMTP, written: EmailMessage) -> str:
    """Hand one letter over; give why it is not taken. What breaks the connection is raised.

    A code alone is the answer to this recipient. What the server says of the sender or the letter is about all of
    them, and may be mended in the settings: that is tried again.
    """
    try:
        server.send_message(written)
    except smtplib.SMTPRecipientsRefused as error:
        return str(next(iter(error.recipients.values()))[0])
    except smtplib.SMTPResponseException as error:
        return f"server {error.smtp_code}"
    return ""


def _keep(tx: Transaction, due: Sequence[Letter], answers: Mapping[Letter, str], now: datetime) -> Sent:
    """Record what was taken, what is tried again and when, and what is given up."""
    post = post_of(tx)
    assert post is not None  # noqa: S101 - letters are never waiting without it
    sent = [letter for letter in due if not answers[letter]]
    lost, again = list[Letter](), list[Letter]()
    for letter in due:
        if why := answers[letter]:
            tries = letter.tries + 1
            wait = min(timedelta(minutes=2 ** min(tries, 10)), _LONGEST_WAIT)
            failed = replace(letter, tries=tries, failed=why, not_before=now + wait)
            for_good = why == _NO_ADDRESS or why.startswith("5") or now - letter.since >= PATIENCE
            (lost if for_good else again).append(failed)
    others = tuple(letter for letter in post.waiting if letter not in set(due))
    post = replace(post, waiting=(*again, *others), given_up=(*post.given_up, *lost)[-_AT_ONCE:])
    details: Details = {
        "sent": [letter.message.seq for letter in sent], "persons": [letter.person for letter in sent],
        "failed": len(again), "given_up": len(lost),
    }  # fmt: skip
    tx.write(post, Entry(CLOCK, "message.send", POST, "", "EM XI.B", details=details))
    for letter in lost:
        about: Details = {"of": letter.message.seq, "why": letter.failed, "tries": letter.tries}
        tx.append(Entry(CLOCK, "message.given-up", letter.person, letter.message.project, "EM XI.B", details=about))
    return Sent(len(sent), len(again), len(lost))
