"""A browser's part, without a browser: start the hub, sign in, start a server, run cells.

Everything goes the public way: the provider's form, the hub's API, the kernel's websocket.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import websocket

LONGEST = 180.0
"""Seconds that anything is waited for at most; a busy machine makes it later, and waiting ends when it is there."""


class HubError(RuntimeError):
    """The hub, the provider or a server answered otherwise than hoped; the text says what it said."""

    def __init__(self, text: str, status: int = 0) -> None:
        """Keep the HTTP status beside the text."""
        super().__init__(text)
        self.status = status


@dataclass
class CellOutput:
    """What one cell showed.

    Attributes
    ----------
    text : str
        Streams and plain-text results, in order.
    error : str
        'Name: value' of the exception, empty when there was none.
    data : list of dict
        MIME bundles of results and displays.
    """

    text: str = ""
    error: str = ""
    data: list[dict[str, Any]] = field(default_factory=list)


def free_port() -> int:
    """Give a port of loopback that nobody else is given while this process runs.

    A socket that never listens keeps it: who is told to listen there can, and nobody who asks for any port gets it.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = int(held.getsockname()[1])
        held.detach()
    return port


def start_provider(port: int, people: Iterable[dict[str, Any]], home: Path) -> subprocess.Popen[bytes]:
    """Start the local OpenID Connect provider and wait for its answer.

    Parameters
    ----------
    people : iterable of dict
        Claims of each person: 'sub', 'amr', ...
    home : Path
        Of the installation, which must be a demonstration.
    """
    claims = [part for person in people for part in ("--user-claims", json.dumps(person))]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "demo.provider", str(home), "--port", str(port), *claims],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until_answered(f"http://127.0.0.1:{port}/.well-known/openid-configuration", process)
    return process


def start_hub(
    config_path: Path, log_path: Path | None = None, modules: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start JupyterHub with the installation's file and wait until it answers.

    Parameters
    ----------
    config_path : Path
        What ENCLAVE_HUB_CONFIG names.
    log_path : Path, optional
        Where its output goes; beside the file when absent.
    modules : Path, optional
        Folder of the module that the file's `broker` names, when it is not installed.

    Raises
    ------
    HubError
        If it ends instead; the text holds the end of its log.
    """
    config = json.loads(config_path.read_text())
    hub_config = Path(__file__).resolve().parent.parent / "hub_config" / "jupyterhub_config.py"
    log_path = log_path or config_path.with_suffix(".log")
    environment = {**os.environ, "ENCLAVE_HUB_CONFIG": str(config_path), "PYTHONWARNINGS": "ignore"}
    if modules is not None:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(modules), os.environ.get("PYTHONPATH"))))
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(hub_config)],
            env=environment,
            cwd=config["home"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    url = config.get("public_url") or f"http://{config.get('host', '127.0.0.1')}:{config.get('port', 8000)}"
    try:
        until_answered(f"{url}/hub/health", process)
    except HubError as error:
        raise HubError(f"{error}\n{log_path.read_text()[-3000:]}") from error
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the hub or the provider, with everything it started that does not outlive it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def login(base_url: str, username: str) -> requests.Session:
    """Sign in through the provider's form and return the browser's session.

    Raises
    ------
    HubError
        With the hub's words when it lets nobody in.
    """
    session = requests.Session()
    session.headers["User-Agent"] = "enclave-hub-client"
    page = session.get(f"{base_url}/hub/oauth_login?next=/hub/home", timeout=LONGEST)
    if urlsplit(page.url).netloc != urlsplit(base_url).netloc:
        page = session.post(page.url, data={"sub": username}, timeout=LONGEST)
    if page.status_code >= 400:
        raise HubError(_message(page), page.status_code)
    return session


def start_server(session: requests.Session, base_url: str, username: str, project: str) -> str:
    """Start `project`'s server and return its URL, with a final slash, once it answers.

    Raises
    ------
    HubError
        With the refusal's text when the person is not admitted.
    """
    api = f"{base_url}/hub/api/users/{username}/servers/{project}"
    answer = session.post(api, headers=xsrf(session, base_url, "/hub/"), timeout=LONGEST)
    if answer.status_code >= 400 and "already running" not in answer.text:
        raise HubError(_message(answer), answer.status_code)
    if answer.status_code == 202:
        until(lambda: _started(session, f"{api}/progress"))
    server_url = f"{base_url}/user/{username}/{project}/"
    page = session.get(urljoin(server_url, "lab"), timeout=LONGEST)
    if page.status_code >= 400:
        raise HubError(_message(page), page.status_code)
    return server_url


def stop_server(session: requests.Session, base_url: str, username: str, project: str) -> None:
    """Stop a server, and wait until it has stopped: a hub that is busy says before that it will."""
    api = f"{base_url}/hub/api/users/{username}"
    headers = xsrf(session, base_url, "/hub/")
    answer = session.delete(f"{api}/servers/{project}", headers=headers, timeout=LONGEST)
    if answer.status_code >= 400:
        raise HubError(_message(answer), answer.status_code)
    until(lambda: project not in session.get(api, headers=headers, timeout=LONGEST).json()["servers"])


@dataclass(frozen=True)
class Kernel:
    """A kernel of a server, and the channel to it.

    Attributes
    ----------
    url : str
        Where it is asked for and ended.
    """

    url: str
    channel: websocket.WebSocket


def start_kernel(session: requests.Session, server_url: str, timeout: float = LONGEST) -> Kernel:
    """Start a kernel of the server and open its channel.

    Raises
    ------
    HubError
        When the server starts none.
    """
    headers = xsrf(session, server_url, urlsplit(server_url).path)
    answer = session.post(
        urljoin(server_url, "api/kernels"), json={"name": "python3"}, headers=headers, timeout=LONGEST
    )
    if answer.status_code >= 400:
        raise HubError(_message(answer), answer.status_code)
    url = urljoin(server_url, f"api/kernels/{answer.json()['id']}")
    channel = websocket.create_connection(
        url.replace("http", "ws", 1) + "/channels",
        cookie="; ".join(f"{name}={value}" for name, value in cookies(session, url).items()),
        origin=f"{urlsplit(server_url).scheme}://{urlsplit(server_url).netloc}",
        timeout=timeout,
    )
    return Kernel(url, channel)


def run_cells(
    session: requests.Session, server_url: str, cells: Iterable[str], timeout: float = LONGEST
) -> list[CellOutput]:
    """Run code in a new kernel of the server and return what each cell showed; the kernel ends after."""
    kernel = start_kernel(session, server_url, timeout)
    try:
        return [run_cell(kernel.channel, code) for code in cells]
    finally:
        kernel.channel.close()
        session.delete(kernel.url, headers=xsrf(session, server_url, urlsplit(server_url).path), timeout=LONGEST)


def run_notebook(
    session: requests.Session, server_url: str, notebook: Path, timeout: float = 300
) -> list[CellOutput]:
    """Run the code cells of a notebook file of this machine in a new kernel of the server."""
    cells = json.loads(notebook.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return run_cells(session, server_url, code, timeout)


def send_cell(channel: websocket.WebSocket, code: str) -> str:
    """Ask a kernel to run code, and return the id of what was asked."""
    asked = uuid.uuid4().hex
    header = {"msg_id": asked, "msg_type": "execute_request", "username": "", "session": asked, "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
    request = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    channel.send(json.dumps(request))
    return asked


def run_cell(channel: websocket.WebSocket, code: str) -> CellOutput:
    """Run code in a kernel and return what it showed."""
    asked = send_cell(channel, code)
    output, replied, idle = CellOutput(), False, False
    while not (replied and idle):
        message = json.loads(channel.recv())
        if message.get("parent_header", {}).get("msg_id") != asked:
            continue
        kind, told = message["msg_type"], message["content"]
        replied = replied or kind == "execute_reply"
        idle = idle or (kind == "status" and told["execution_state"] == "idle")
        if kind == "stream":
            output.text += told["text"]
        elif kind in ("execute_result", "display_data"):
            output.data.append(told["data"])
            output.text += str(told["data"].get("text/plain", "")) + "\n"
        elif kind == "error":
            output.error = f"{told['ename']}: {told['evalue']}"
    return output


def _started(session: requests.Session, progress_url: str) -> bool:
    """Follow a start to its end; False where the hub has nothing to tell, between the start and the route to it."""
    with session.get(progress_url, stream=True, headers={"Accept": "text/event-stream"}, timeout=LONGEST) as events:
        for line in events.iter_lines():
            if line.startswith(b"data:"):
                event = json.loads(line[5:])
                if event.get("failed"):
                    raise HubError(event.get("message", "the server did not start"))
                if event.get("ready"):
                    return True
    return False


def cookies(session: requests.Session, url: str) -> dict[str, str]:
    """Return the cookies a browser would send to `url`."""
    prepared = requests.Request("GET", url).prepare()
    return {
        cookie.name: cookie.value or ""
        for cookie in session.cookies
        if prepared.path_url.startswith(cookie.path.rstrip("/"))
    }


def xsrf(session: requests.Session, base_url: str, path: str) -> dict[str, str]:
    """Return the headers that show a request comes from one of our own pages below `path`."""
    found = [cookie for cookie in session.cookies if cookie.name == "_xsrf" and cookie.path == path]
    origin = f"{urlsplit(base_url).scheme}://{urlsplit(base_url).netloc}"
    return {"X-XSRFToken": found[0].value or "" if found else "", "Referer": f"{origin}{path}home"}


def _message(answer: requests.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        text = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]+>", " ", answer.text)
        return f"{answer.status_code}: {' '.join(text.split())[:600]}"


def until(holds: Callable[[], bool], seconds: float = LONGEST) -> None:
    """Wait until something is so.

    Raises
    ------
    HubError
        When it still is not after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise HubError(f"not so after {seconds:.0f} s")
        time.sleep(0.1)


def until_answered(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process of ours answers at `url`.

    Raises
    ------
    HubError
        When it ends instead.
    """

    def answered() -> bool:
        if process.poll() is not None:
            raise HubError(f"ended with exit {process.returncode} before it answered")
        try:
            return requests.get(url, timeout=LONGEST).ok
        except requests.ConnectionError:
            return False

    until(answered)
