"""The hub's file belongs to its installation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub_config.config import load


def written(home: Path, runtime: str) -> Path:
    identity = {"issuer": "https://id.example.org", "client_id": "enclave", "client_secret": "x"}
    path = home / "hub.json"
    path.write_text(json.dumps({"home": str(home), "runtime_dir": runtime, "identity": identity}), "utf-8")
    return path


def test_sessions_are_looked_for_where_they_are_opened(tmp_path: Path) -> None:
    (tmp_path / "enclave.toml").write_text(
        f"keys = '{tmp_path}/keys'\nruntime = '/dev/shm/enclave-x'\ndatabase = 'sqlite://'\n", "utf-8"
    )
    assert load(written(tmp_path, "/dev/shm/enclave-x")).runtime_dir == Path("/dev/shm/enclave-x")
    with pytest.raises(ValueError, match=r"runtime_dir must be `runtime` of enclave\.toml"):
        load(written(tmp_path, "/dev/shm/enclave-y"))
