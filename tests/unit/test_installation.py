"""A new installation, and the file that says where everything is.

Source: EM XV.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from enclave.app import initialise, open_enclave
from enclave.errors import Invalid
from enclave.settings import load


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


def test_a_malformed_file_is_told_without_what_stands_in_it(tmp_path: Path) -> None:
    (tmp_path / "enclave.toml").write_text('database = "postgresql://hub:canary@db/enclave"\nkeys = 7\n', "utf-8")
    with pytest.raises(Invalid) as caught:
        load(tmp_path)
    assert "keys" in str(caught.value) and "canary" not in str(caught.value)
