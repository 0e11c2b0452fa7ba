"""Files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write name -> bytes into a new folder, all of it synced to the disk."""
    if folder.exists():
        shutil.rmtree(folder)
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, body)
    for path in {folder, *((folder / name).parent for name in files)}:
        sync_folder(path)


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write name -> bytes into a folder that takes the place of an earlier one only when it is whole."""
    building, earlier = (folder.with_name(f".{folder.name}.{word}") for word in ("partial", "earlier"))
    write_folder(building, files)
    if folder.exists():
        folder.rename(earlier)
    building.rename(folder)
    sync_folder(folder.parent)
    shutil.rmtree(earlier, ignore_errors=True)


def write_whole(path: Path, body: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def sync_folder(folder: Path) -> None:
    """Sync the names a folder holds to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
