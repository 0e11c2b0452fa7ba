"""What a browser may ask of a sandbox, request by request."""

from __future__ import annotations

import pytest

from enclave.glass import Way, judge

PREFIX = "/user/ana/dr-0034"
KERNEL = "4c03e668-c89a-4779-92ee-48a962a1ece2"


def way(request: str) -> Way:
    method, _, target = request.partition(" ")
    path, _, query = target.partition("?")
    return judge(method, path if path.startswith("!") else PREFIX + path, query, PREFIX).way


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /lab",
        "GET /lab/tree/templates/getting_started.ipynb",
        "GET /oauth_callback?code=x&state=y",
        "GET /static/lab/main.1234.js?v=1234",
        "GET /lab/api/settings",
        "PUT /lab/api/settings/@jupyterlab/apputils-extension:themes",
        "GET /api/kernelspecs?1763670000000",
        "POST /api/kernels",
        f"GET /api/kernels/{KERNEL}/channels?session_id=x",
        f"POST /api/kernels/{KERNEL}/interrupt",
        "GET /api/contents?content=1&hash=0&1763670000000",
        "GET /api/contents/analysis.ipynb?type=notebook&content=1&hash=1&contentProviderId=undefined&1763670000000",
        "GET /api/contents/src/model.py?type=file&format=text",
        "GET /api/contents/rows.parquet?content=0",
        "PUT /api/contents/analysis.ipynb",
        "POST /api/contents/analysis.ipynb/checkpoints",
    ],
)
def test_work_goes_through(request_line: str) -> None:
    assert way(request_line) is not Way.CLOSED


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /files/rows.csv",
        "GET /files/analysis.ipynb",
        "HEAD /files/rows.csv",
        "GET /view/rows.html",
        "GET /nbconvert/html/analysis.ipynb",
        "POST /nbconvert/html",
        "GET /api/notebooks/analysis.ipynb",
        "GET /terminals/1",
        "POST /api/terminals",
        "GET /terminals/websocket/1",
        "GET /kernelspecs/mine/rows.csv",
        "GET /kernelspecs/python3/kernel.js",
        "GET /api/kernelspecs/mine",
        "GET /lab/api/extensions",
        "GET /lab/api/listings/x",
        "GET /lab/api/plugins",
        "GET /lsp/ws/x",
        "GET /metrics",
        "GET /proxy/8080/",
        "GET /tree/rows.csv",
        "GET /edit/x.py",
        "GET /api/contents/rows.csv",
        "GET /api/contents/rows.parquet?content=1",
        "GET /api/contents/rows.json?format=json",
        "GET /api/contents/picture.png?format=base64",
        "GET /api/contents/analysis.ipynb?format=base64",
        "GET /api/contents/rows?type=file",
        "GET /api/contents/rows.csv?content=0&content=1",
        "GET /api/contents/rows.csv?content=0&%63ontent=1",
        "GET /api/contents/x.py?whatever=1",
        "DELETE /lab",
        "POST /api/shutdown",
    ],
)
def test_everything_else_is_closed(request_line: str) -> None:
    assert way(request_line) is Way.CLOSED


@pytest.mark.parametrize(
    "path",
    [
        "/user/ana/dr-0034/lab/../files/rows.csv",
        "/user/ana/dr-0034/lab/%2e%2e/files/rows.csv",
        "/user/ana/dr-0034/lab/%2E./files/rows.csv",
        "/user/ana/dr-0034//files/rows.csv",
        "/user/ana/dr-0034/%66iles/rows.csv",
        "/user/ana/dr-0034/%2566iles/rows.csv",
        "/user/ana/dr-0034/static%2f..%2ffiles/rows.csv",
        "/user/ana/dr-0034/lab%5c..%5cfiles/rows.csv",
        "/user/ana/dr-0034/api/contents/rows.csv%00.py",
        "/user/ana/dr-0034/api/contents/rows.csv%0a.py",
        "/user/ana/dr-0034/api/contents/rows.csv;.py",
        "/user/ana/dr-0034/api/contents/rows.csv%3fx.py",
        "/user/ana/dr-0034/api/contents/rows.csv%23x.py",
        "/user/ana/dr-0034/api/contents/%ff.py",
        "http://other/user/ana/dr-0034/lab",
        "/user/ana/dr-0035/lab",
        "/user/ana/dr-0034x/lab",
    ],
)
def test_an_address_that_two_readers_read_differently_is_closed(path: str) -> None:
    assert judge("GET", path, "", PREFIX).way is Way.CLOSED


def test_a_name_without_a_suffix_is_asked_for_as_a_folder() -> None:
    ruling = judge("GET", f"{PREFIX}/api/contents/rows", "content=1", PREFIX)
    assert (ruling.way, ruling.query) == (Way.API, "content=1&type=directory")


def test_what_goes_on_is_what_was_judged() -> None:
    ruling = judge("GET", f"{PREFIX}/api/contents/%6dy%20note.md", "format=text", PREFIX)
    assert ruling.path == f"{PREFIX}/api/contents/my%20note.md"
