"""Keys behind a key service: nothing opens without it, what is destroyed there stays closed, silence is no answer.

Untested on a real server: see `tests.transit`. ``enclave keys try`` shows an installation the same on its own.

Source: DSA VI.H; EM XV.D.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.app import broker
from enclave.errors import Refused
from enclave.intake import Holding
from enclave.vault import Keystore, Seal, new_keys, try_keys
from enclave.vault.service import KeyService
from tests.conftest import At
from tests.hub.certificates import Authority
from tests.journey.stages import reach
from tests.transit import TOKEN, Engine, engine

KEY = "project-DR-0034"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Engine]:
    with engine(tmp_path) as made:
        yield made


@pytest.fixture
def service(served: Engine, tmp_path: Path) -> KeyService:
    (tmp_path / "token").write_text(TOKEN + "\n")
    return KeyService(served.address, tmp_path / "token", authority=served.authority)


@pytest.fixture
def keystore(service: KeyService, tmp_path: Path) -> Keystore:
    return Keystore(service, tmp_path / "wraps", new_keys("DOL-HUB"))


@pytest.fixture
def sealed(keystore: Keystore, tmp_path: Path) -> Seal:
    (tmp_path / "plain").write_bytes(b"P20ID\n")
    keystore.create(KEY)
    seal = Seal(tmp_path / "sealed", KEY, "place")
    keystore.seal(tmp_path / "plain", seal)
    return seal


def refused(keystore: Keystore, sealed: Seal) -> str:
    """Try to open; give the rule by which it is refused."""
    with pytest.raises(Refused) as found:
        keystore.unseal(sealed, sealed.path.with_name("opened"))
    assert not sealed.path.with_name("opened").exists()
    return found.value.findings[0].rule


def test_what_is_sealed_opens_while_the_service_has_the_key(keystore: Keystore, sealed: Seal, tmp_path: Path) -> None:
    keystore.create(KEY)
    keystore.unseal(sealed, tmp_path / "opened")
    assert (tmp_path / "opened").read_bytes() == b"P20ID\n"
    assert not list(tmp_path.rglob("*.kek"))


def test_a_key_that_is_destroyed_is_gone_at_the_service(keystore: Keystore, sealed: Seal, served: Engine) -> None:
    wrap = (keystore.wraps / f"{KEY}.wrap").read_bytes()
    assert KEY in served.keys and KEY not in served.deletable
    keystore.shred(KEY)
    keystore.shred(KEY)
    assert served.keys == {} and not keystore.exists(KEY)
    (keystore.wraps / f"{KEY}.wrap").write_bytes(wrap)  # as from a backup of the home
    assert refused(keystore, sealed) == "sealed-at-rest"
    with pytest.raises(Refused, match="there is a key that needs it"):
        keystore.create(KEY)


def test_a_wrapped_key_of_another_id_does_not_open(keystore: Keystore, sealed: Seal) -> None:
    keystore.create("project-DR-0035")
    (keystore.wraps / f"{KEY}.wrap").write_bytes((keystore.wraps / "project-DR-0035.wrap").read_bytes())
    assert refused(keystore, sealed) == "sealed-at-rest"


def test_a_service_that_does_not_answer_has_destroyed_nothing(
    keystore: Keystore, sealed: Seal, served: Engine, service: KeyService, tmp_path: Path
) -> None:
    """Sealed, another token, no token, another's certificate, nobody or no engine there: no key is taken for gone."""
    (other := tmp_path / "other").mkdir()
    elsewhere = [
        KeyService("https://localhost:1", service.token, authority=service.authority),
        KeyService(service.address, service.token, authority=Authority(other).certificate),
        KeyService(service.address, tmp_path / "no token", authority=service.authority),
        KeyService(service.address, service.token, "another engine", authority=service.authority),
    ]
    served.sealed = True
    assert_silent(keystore, sealed)
    served.sealed, served.token = False, "s.another"
    assert_silent(keystore, sealed)
    served.token = TOKEN
    for at in elsewhere:
        assert_silent(Keystore(at, keystore.wraps, keystore.hub), sealed)
    keystore.unseal(sealed, tmp_path / "opened")


def assert_silent(keystore: Keystore, sealed: Seal) -> None:
    assert refused(keystore, sealed) == "key-service"
    for act in (keystore.exists, keystore.shred, keystore.create):
        with pytest.raises(Refused, match="key service"):
            act(KEY)
    assert (keystore.wraps / f"{KEY}.wrap").exists()


def test_keys_are_tried_to_their_end(keystore: Keystore, served: Engine) -> None:
    assert try_keys(keystore).startswith("trial-")
    assert served.keys == {} and not list(keystore.wraps.iterdir())


def test_an_installation_uses_the_service_it_names(at: At, served: Engine, service: KeyService) -> None:
    """While the service is closed no file is taken and none is half there; then each has its key there alone."""
    made = at("founded")
    with (made.home / "enclave.toml").open("a") as settings:
        settings.write(
            f'\n[key_service]\naddress = "{service.address}"\ntoken = "{service.token}"\n'
            f'authority = "{service.authority}"\n'
        )
    made.close()
    served.sealed = True
    assert made.run("keys", "try", "--json", code=3).rules == ["key-service"]
    with pytest.raises(AssertionError, match="the key service did not"):
        reach(made, "begun")
    with made.enclave.store.view() as view:
        assert view.find(Holding) == []
    served.sealed = False
    assert made.run("keys", "try", "--json").body["kept at"] == service.address
    assert served.keys == {}
    reach(made, "begun")
    assert len(served.keys) == 1
    served.sealed = True
    assert made.run("destruction", "match-data", "DR-0034", "--json", who="hubert", code=3).rules == ["key-service"]
    served.sealed = False
    made.run("destruction", "match-data", "DR-0034", who="hubert")
    served.sealed = True
    assert made.run("recover", "--json", code=3).rules == ["key-service"]
    made.close()
    broker(made.home)  # the hub starts
    served.sealed = False
    made.run("recover")
    assert served.keys == {}
    assert not [path for path in made.enclave.settings.keys.glob("*.kek") if path.stem in served.keys]
