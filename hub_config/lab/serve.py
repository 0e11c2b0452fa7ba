"""The first program of a researcher's sandbox: JupyterLab on the socket the hub listens on.

Runs inside, where the researcher's own code runs too: nothing here is a boundary. What it closes, it
closes so that nothing is offered that the proxy outside would refuse.
"""

import ctypes
import json
import os
import shutil
import socket
import sys
from pathlib import Path

from start_page import start_page

HOME = Path("/home/analyst")
TEMPLATES = Path("/project/templates")
ABOUT = Path("/project/project.json")
START = HOME / "Start here.md"
# Not imported until it is used: a kernel starts no later for it.
PRELOADED = """\
import importlib.util, sys
found = importlib.util.find_spec("p20kit")
found.loader = importlib.util.LazyLoader(found.loader)
p20kit = sys.modules["p20kit"] = importlib.util.module_from_spec(found)
found.loader.exec_module(p20kit)
del found, importlib, sys
"""
PR_SET_DUMPABLE = 4


def main() -> None:
    """Take the socket, lay out the templates, serve."""
    # Kernels run under the same uid: without this they could read the server's memory and descriptors.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    # An optional check of jsonschema builds a grammar on import, half of the start time; absent, it is skipped.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    listener = pod_socket() or socket.socket(fileno=inherited_socket() or called_for_socket())
    listener.setblocking(False)
    os.set_inheritable(listener.fileno(), False)
    lay_out_templates()
    write_start_page()
    preload()
    serve(listener)


def pod_socket() -> socket.socket | None:
    """Listen on the pod's address, where there is one: a cluster hands no socket in."""
    port = os.environ.pop("ENCLAVE_PORT", "")
    return socket.create_server(("", int(port)), backlog=128) if port else None


def inherited_socket() -> int | None:
    """Return the listening socket that bubblewrap handed in."""
    told = os.environ.pop("ENCLAVE_LISTEN_FD", "")
    return int(told) if told else None


def called_for_socket() -> int:
    """Call the hub once for the listening socket and the environment, where an engine could hand neither in."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as hub:
        hub.connect(os.environ.pop("ENCLAVE_DOOR"))
        told, descriptors, _, _ = socket.recv_fds(hub, 2**16, 1)
    os.environ.update(json.loads(told))
    return descriptors[0]


def lay_out_templates() -> None:
    """Put read-only copies of the project's templates where the file browser shows them."""
    if not TEMPLATES.is_dir():
        return
    shown = HOME / "templates"
    shutil.rmtree(shown, ignore_errors=True)
    shown.mkdir()
    for template in sorted(TEMPLATES.glob("*.ipynb")):
        shutil.copyfile(template, shown / template.name)
        (shown / template.name).chmod(0o444)


def write_start_page() -> None:
    """Write what the project is about where the lab opens it; a session without Resultant Data has no such page."""
    if START.is_dir():
        return  # the person's own, whatever it is for
    START.unlink(missing_ok=True)
    if ABOUT.is_file():
        templates = sorted(path.name for path in TEMPLATES.glob("*.ipynb"))
        START.write_text(start_page(json.loads(ABOUT.read_text("utf-8")), templates), "utf-8")


def preload() -> None:
    """Have every kernel know `p20kit`."""
    startup = Path(os.environ["IPYTHONDIR"]) / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "00-p20kit.py").write_text(PRELOADED, "utf-8")


def serve(listener: socket.socket) -> None:
    """Run the single-user server on `listener`."""
    from jupyter_server.base.handlers import APIHandler
    from jupyter_server.serverapp import ServerApp
    from jupyterhub.singleuser import main as singleuser

    def take_over(app: ServerApp) -> bool:
        app.http_server.add_socket(listener)
        return True

    ServerApp._bind_http_server_unix = take_over
    # An open page asks for its kernels every few seconds: only what kernels do is work.
    APIHandler._track_activity = False
    idle = int(os.environ.pop("ENCLAVE_IDLE"))
    closed = ("jupyter_lsp", "jupyter_server_terminals", "nbclassic", "notebook")
    sys.argv[1:] = [
        "--ServerApp.sock=/run/enclave/me/u.sock",
        f"--ServerApp.root_dir={HOME}",
        "--ServerApp.terminals_enabled=False",
        "--ServerApp.allow_remote_access=True",
        "--ServerApp.quit_button=False",
        *(f"--ServerApp.jpserver_extensions={name}=False" for name in closed),
        "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.lock_all_plugins=True",
        "--KernelManager.transport=ipc",
        "--KernelSpecManager.allowed_kernelspecs=python3",
        "--ContentsManager.allow_hidden=False",
        # A kernel that runs a cell is never idle; one that does not is, whether or not a browser looks at it.
        f"--MappingKernelManager.cull_idle_timeout={idle}",
        "--MappingKernelManager.cull_connected=True",
        f"--MappingKernelManager.cull_interval={max(1, min(idle // 10, 60))}",
        f"--ServerApp.shutdown_no_activity_timeout={idle}",
    ]
    singleuser()


if __name__ == "__main__":
    main()
