"""A new installation, and the file that says where everything is.

Source: EM XV.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from enclave.app import initialise, open_enclave
from enclave.errors import EnclaveError, Invalid
from enclave.settings import load
from tests.postgresql import PostgreSQL


@pytest.mark.parametrize("name", ["hub", 'it\'s "the" hub, π'])
def test_a_home_of_any_name_is_closed_to_others(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir(mode=0o755)
    enclave = initialise(home, demo=True)
    try:
        assert home.stat().st_mode & 0o777 == enclave.settings.keys.stat().st_mode & 0o777 == 0o700
        assert load(home) == enclave.settings
        assert open_enclave(home).hub_keys.public.fingerprint == enclave.hub_keys.public.fingerprint
        with pytest.raises(Invalid):
            initialise(home)
    finally:
        enclave.store.close()
        shutil.rmtree(enclave.settings.runtime)


def test_a_registry_stands_where_it_is_told_to_and_in_no_database_that_holds_one(
    tmp_path: Path, postgresql: PostgreSQL
) -> None:
    address = postgresql.database()
    first = initialise(tmp_path / "first", demo=True, database=address)
    with first.store.view() as view:
        assert [entry["action"] for entry in view.entries()] == ["enclave.init"]
    assert load(tmp_path / "first").database == address and not list(tmp_path.glob("first/*.db"))
    nowhere = address.replace("enclave_", "none_")
    for name, database, rule in (
        ("second", address, "database-not-empty"),
        ("third", "nonsense", "database-address"),
        ("fourth", nowhere, "database-unreadable"),
    ):
        with pytest.raises(EnclaveError) as caught:
            initialise(tmp_path / name, demo=True, database=database)
        assert [finding.rule for finding in caught.value.findings] == [rule]
        assert not list((tmp_path / name).iterdir())
    initialise(tmp_path / "second", demo=True, database=postgresql.database()).store.close()
    first.store.close()


def test_a_malformed_file_is_told_without_what_stands_in_it(tmp_path: Path) -> None:
    (tmp_path / "enclave.toml").write_text('database = "postgresql://hub:canary@db/enclave"\nkeys = 7\n', "utf-8")
    with pytest.raises(Invalid) as caught:
        load(tmp_path)
    assert "keys" in str(caught.value) and "canary" not in str(caught.value)
