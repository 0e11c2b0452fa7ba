"""Messages as mail, handed to a real server: what stands in them, what becomes of them when it takes none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from enclave import messages, people
from enclave.clocks import Round
from enclave.ledger import Entry
from enclave.people import Person
from enclave.settings import Mail
from enclave.terms import listen
from tests.hub.certificates import Authority
from tests.release.mailbox import Mailbox, mailbox
from tests.release.test_messages import NOW, SECRET, declined, round_of, shared, suspended, told
from tests.release.world import PROJECT, REQUEST, World, damaged

PAGES = "https://enclave.example.gov/services/enclave/"
SUBJECT = f"{PROJECT}: Your access is suspended"
MINUTE = timedelta(minutes=1)


def by_mail(world: World, box: Mailbox, **terms: object) -> World:
    """Have messages sent to a server, after what came before was told without."""
    round_of(world)
    sender = {"host": "127.0.0.1", "port": box.port, "starttls": False, "from": "enclave@example.gov", "pages": PAGES}
    world.settings = world.settings.model_copy(update={"mail": Mail.model_validate({**sender, **terms})})
    return world


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """Run a server."""
    with mailbox() as running:
        yield running


@pytest.fixture
def mailing(world: World, box: Mailbox) -> World:
    """Give an installation that mails."""
    return by_mail(world, box)


def given_up(world: World) -> list[tuple[str, str, str]]:
    with world.store.view() as view:
        post = messages.post_of(view)
    assert post is not None
    return [(each.person, each.message.title, each.failed) for each in post.given_up]


def test_a_letter_has_a_title_a_project_and_a_link_and_nothing_else(mailing: World, box: Mailbox) -> None:
    shared(mailing)
    assert round_of(mailing).sent.sent == 5
    letter = next(each for each in box.taken if each["To"] == "dol-steward@example.org")
    assert letter["Subject"] == f"{PROJECT}: A release waits for your agency's statements"
    assert letter["From"] == "P20 WIN enclave <enclave@example.gov>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.gov>", letter["Message-ID"])
    assert letter.get_content().splitlines()[:4] == [
        "A release waits for your agency's statements.", "", f"Project: {PROJECT}",
        f"{PAGES}projects/{PROJECT}/requests/{REQUEST}",
    ]  # fmt: skip


def test_words_of_people_do_not_get_into_mail(mailing: World, box: Mailbox) -> None:
    declined(mailing)
    round_of(mailing)
    assert len(box.taken) > 5
    assert not any(part in letter.as_string() for letter in box.taken for part in SECRET.split())


def test_what_was_taken_is_not_sent_again(mailing: World, box: Mailbox) -> None:
    suspended(mailing)
    round_of(mailing)
    assert round_of(mailing, NOW + 9 * MINUTE) == Round()
    assert box.letters == [("rae@example.org", SUBJECT)]


def test_after_a_crash_it_may_come_twice_under_one_name(mailing: World, box: Mailbox) -> None:
    suspended(mailing)

    def crash(label: str) -> None:
        if label == "messages.sent":
            raise KeyboardInterrupt  # nothing goes on after it

    listen(crash)
    with pytest.raises(KeyboardInterrupt):
        round_of(mailing)
    listen(lambda label: None)
    round_of(mailing)
    assert box.letters == [("rae@example.org", SUBJECT)] * 2
    assert len({letter["Message-ID"] for letter in box.taken}) == 1
    assert told(mailing)["rae"].count("Your access is suspended") == 1


def test_a_letter_that_cannot_be_written_keeps_no_other_back(mailing: World, box: Mailbox) -> None:
    """A person's record cannot be read: their letter goes when it can be."""
    shared(mailing)
    with damaged(mailing, "person", "sde-steward"):
        sent = round_of(mailing).sent
        assert (sent.sent, sent.failed) == (4, 1)
    assert round_of(mailing, NOW + 2 * MINUTE).sent.sent == 1
    assert sorted(to for to, _ in box.letters)[-1] == "sde-steward@example.org" and len(box.letters) == 5


def test_two_messages_have_two_names(mailing: World, box: Mailbox) -> None:
    suspended(mailing)
    with mailing.store.transaction() as tx:
        people.unsuspend(tx, PROJECT, "rae", "opm")
    round_of(mailing)
    assert len({letter["Message-ID"] for letter in box.taken}) == len(box.taken) == 2


def test_what_a_server_does_not_take_today_is_tried_again_less_and_less_often(mailing: World, box: Mailbox) -> None:
    box.refuses["rae@example.org"] = "451 later"
    suspended(mailing)
    tries = []
    for minute in range(40):
        done = round_of(mailing, NOW + minute * MINUTE).sent
        tries += [minute] * done.failed
    assert tries == [0, 2, 6, 14, 30]
    box.refuses.clear()
    assert round_of(mailing, NOW + 61 * MINUTE).sent.sent == 0
    assert round_of(mailing, NOW + 62 * MINUTE).sent.sent == 1
    assert box.letters == [("rae@example.org", SUBJECT)] and given_up(mailing) == []


@pytest.mark.parametrize("answer", ["550 no such mailbox", "553 not here"])
def test_what_is_never_taken_is_given_up_where_the_operating_group_sees_it(
    mailing: World, box: Mailbox, answer: str
) -> None:
    box.refuses["rae@example.org"] = answer
    suspended(mailing)
    with mailing.store.transaction() as tx:
        tx.append(Entry("opm", "resultant.deliver", PROJECT, PROJECT, "DSA VI.A"))
    done = round_of(mailing).sent
    assert (done.given_up, done.failed) == (1, 0)
    assert given_up(mailing) == [("rae", "Your access is suspended", answer[:3])]
    round_of(mailing, NOW + MINUTE)
    assert told(mailing)["opm"][-1] == "A message to somebody could not be delivered by mail"
    assert told(mailing)["rae"].count("Your access is suspended") == 1
    assert not any("opm" in to for to, _ in box.letters), "of undelivered mail no mail is sent"
    with mailing.store.view() as view:
        (entry,) = view.entries(action="message.given-up")
    assert (entry["object"], entry["project"], entry["details"]["why"]) == ("rae", PROJECT, answer[:3])


def test_a_sender_that_is_not_let_in_loses_no_letter(mailing: World, box: Mailbox) -> None:
    box.refuses["enclave@example.gov"] = "553 not from here"
    shared(mailing)
    assert round_of(mailing).sent == messages.Sent(failed=5)
    box.refuses.clear()
    assert round_of(mailing, NOW + 2 * MINUTE).sent == messages.Sent(sent=5)


def test_a_letter_is_given_up_after_five_days(mailing: World, box: Mailbox) -> None:
    box.refuses["*"] = "421 busy"
    suspended(mailing)
    hours, lost = 0, 0
    while not lost:
        lost = round_of(mailing, NOW + timedelta(hours=hours)).sent.given_up
        hours += 1
    assert 5 * 24 <= hours - 1 <= 5 * 24 + 4


def test_while_no_server_answers_letters_wait_and_the_clocks_go_on(mailing: World, box: Mailbox) -> None:
    assert mailing.settings.mail is not None
    away = mailing.settings.mail.model_copy(update={"port": 1})
    mailing.settings = mailing.settings.model_copy(update={"mail": away})
    suspended(mailing)
    done = round_of(mailing)
    assert (done.sent.failed, done.told) == (1, 1)
    there = away.model_copy(update={"port": box.port})
    mailing.settings = mailing.settings.model_copy(update={"mail": there})
    assert round_of(mailing, NOW + 2 * MINUTE).sent.sent == 1


@pytest.mark.parametrize("address", ["", "nobody", "a@b.example\r\nBcc: c@d.example", "ä ö@example.org", "a@", "@b"])
def test_an_address_that_cannot_be_written_to_hurts_nobody_else(mailing: World, box: Mailbox, address: str) -> None:
    with mailing.store.transaction() as tx:
        known = tx.get(Person, "dol-steward")
        assert known is not None
        tx.write(replace(known, email=address), Entry("opm", "people.person", "dol-steward", "", "DSA VI.E"))
    shared(mailing)
    assert (round_of(mailing).sent.sent, round_of(mailing, NOW + MINUTE).told) == (4, 1)
    assert [(person, why) for person, _, why in given_up(mailing)] == [("dol-steward", "address")]
    assert not any("b.example" in str(letter) or "c@d" in str(letter) for letter in box.taken)


def test_without_a_server_nothing_waits(world: World) -> None:
    round_of(world)
    suspended(world)
    assert round_of(world).sent == messages.Sent()
    with world.store.view() as view:
        post = messages.post_of(view)
    assert post is not None and post.waiting == ()
    assert told(world)["rae"][-1] == "Your access is suspended"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Give an authority that certifies mail servers."""
    (tmp_path / "ca").mkdir()
    return Authority(tmp_path / "ca")


def test_letters_go_encrypted_to_a_server_that_shows_who_it_is(
    world: World, authority: Authority, tmp_path: Path
) -> None:
    with mailbox(authority, folder=tmp_path) as box:
        by_mail(world, box, host="localhost", starttls=True, authority=authority.certificate)
        suspended(world)
        assert round_of(world).sent.sent == 1
        assert box.letters == [("rae@example.org", SUBJECT)] and box.encrypted == [True]


@pytest.mark.parametrize("wrong", ["another authority", "another name", "no encryption offered"])
def test_nothing_is_sent_to_a_server_that_does_not(
    world: World, authority: Authority, tmp_path: Path, wrong: str
) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    certified = None if wrong == "no encryption offered" else authority
    with mailbox(certified, folder=tmp_path) as box:
        believed = other if wrong == "another authority" else authority
        host = "127.0.0.1" if wrong == "another name" else "localhost"
        by_mail(world, box, host=host, starttls=True, authority=believed.certificate)
        suspended(world)
        assert round_of(world).sent.failed == 1 and box.taken == []
