"""What is run and opened at a server is counted, and only a digest of the code is kept.

Source: DSA III.C; ExA 4.b.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import aiohttp
import pytest

from enclave.glass import Activity
from enclave.glass.frames import PROTOCOL
from hub_config import told
from tests.hub.test_glass_approved import message, packed, run
from tests.hub.test_glass_approved_proxy import ARRIVED, Recorder, approved_front
from tests.hub.test_glass_proxy import KERNEL, PREFIX, Front, front

ANA = "ana/dr-0034"
CELLS = ("project = open_project()", "project.tables", "")


def chained(*cells: str) -> str:
    """Give the digest of cells as anybody can compute it who has them in their order."""
    known = ""
    for cell in cells:
        known = hashlib.sha256((known + hashlib.sha256(cell.encode()).hexdigest()).encode()).hexdigest()
    return known


@pytest.mark.parametrize("protocols", [(), (PROTOCOL,)])
def test_cells_are_counted_in_either_protocol_and_nothing_else_is(tmp_path: Path, protocols: tuple[str, ...]) -> None:
    recorder = Recorder()

    async def check(found: Front, browser: aiohttp.ClientSession) -> None:
        async with browser.ws_connect(f"{found.url}{KERNEL}?session_id=x", protocols=protocols) as kernel:
            for asked in (
                message("kernel_info_request", {}),
                message("comm_msg", {"comm_id": "x"}),
                *map(run, CELLS),
            ):
                frame = packed(asked) if protocols else json.dumps(asked)
                await (kernel.send_bytes(frame) if isinstance(frame, bytes) else kernel.send_str(frame))
                while (await kernel.receive()).data != ARRIVED:
                    pass
            await kernel.send_str("[")
        found.activity.flush()

    found = front(tmp_path, check, recorder.answer)
    assert found.worked == {ANA: {"cells_run": 3, "code_sha256": chained(*CELLS)}}
    assert chained(*CELLS) != chained(*CELLS[::-1])


def test_a_cell_that_is_refused_was_not_run(tmp_path: Path) -> None:
    fronts: list[Front] = []

    async def check(found: Front, recorder: Recorder, browser: aiohttp.ClientSession) -> None:
        fronts.append(found)
        async with browser.ws_connect(f"{found.url}{KERNEL}?session_id=x") as kernel:
            for asked in (run("import os"), run()):
                await kernel.send_str(json.dumps(asked))
            while (await kernel.receive()).data != ARRIVED:
                pass
        found.activity.flush()

    approved_front(tmp_path, check)
    assert fronts[0].worked[ANA]["cells_run"] == 1


def test_documents_count_where_their_content_is_shown(tmp_path: Path) -> None:
    async def check(found: Front, browser: aiohttp.ClientSession) -> None:
        for asked in ("a.ipynb?content=1&type=notebook", "b.py", "b.py?content=0", "a.ipynb/checkpoints", "", "data"):
            async with browser.get(f"{found.url}{PREFIX}/api/contents/{asked}") as answer:
                assert answer.status == 200
        async with browser.put(f"{found.url}{PREFIX}/api/contents/b.py", json={}) as answer:
            assert answer.status == 200
        found.activity.flush()

    assert front(tmp_path, check, Recorder().answer).worked == {ANA: {"documents_opened": 2}}


def test_counts_outlive_the_proxy_and_end_with_the_server(tmp_path: Path) -> None:
    read, write = told.reader(tmp_path), told.writer(tmp_path)
    before = Activity(read, write)
    before.ran(ANA, "a = 1")
    before.opened(ANA)
    before.flush()
    after = Activity(read, write)
    after.ran(ANA, "a")
    after.forget(ANA)
    assert read(ANA) == {"cells_run": 2, "code_sha256": chained("a = 1", "a"), "documents_opened": 1}
    told.remove(tmp_path, ANA)
    after.ran(ANA, "b")
    after.flush()
    assert read(ANA) == {"cells_run": 1, "code_sha256": chained("b")}
