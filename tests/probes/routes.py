"""Attempts through the browser's door: routes of the server, and addresses that two readers may read differently.

What is planted in the sandbox has been put where the route would find it, and the marker stands in all of it.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from demo import hub_client

MARKER = "planted-marker"
MIB = 2**20

# Run in the sandbox first: rows in every form, and every folder in which a server looks for more than files.
PLANT = f"""
import json, os, pathlib, shutil
home = pathlib.Path('/home/analyst'); marker = '{MARKER}'
for name in ('rows.csv', 'rows.json', 'rows.html', 'rows.svg', 'rows', 'rows.csv;.py', '.hidden.py', 'picture.png'):
    (home / name).write_text(marker)
(home / 'rows.parquet').write_bytes(marker.encode() * 9)
(home / 'large.py').write_text(marker * 300_000)
(home / 'folder.ipynb').mkdir(exist_ok=True); (home / 'folder.ipynb' / 'rows.csv').write_text(marker)
(home / 'link.py').unlink(missing_ok=True); (home / 'link.py').symlink_to('/etc/passwd')
for folder in ('/tmp/jupyter/data', '/tmp/jupyter/config', str(home / '.local/share/jupyter')):
    for below in ('kernels/mine', 'labextensions/mine/static', 'lab/static', 'lab/themes/mine', 'nbextensions',
                  'labconfig', 'lab/user-settings/mine', 'custom', 'lab/workspaces', 'lab/schemas/mine'):
        made = pathlib.Path(folder, below); made.mkdir(parents=True, exist_ok=True)
        for name in ('rows.csv', 'rows.js', 'index.css', 'logo-64x64.png', 'plugin.json', 'page_config.json'):
            (made / name).write_text(json.dumps({{'x': marker}}))
    spec = {{'argv': ['true'], 'display_name': marker, 'language': marker, 'metadata': {{'x': marker}}}}
    pathlib.Path(folder, 'kernels/mine/kernel.json').write_text(json.dumps(spec))
print('planted')
"""


@dataclass(frozen=True)
class Asked:
    """One request, and whether anything of ours came back.

    Parameters
    ----------
    name, tried : str
    requests : tuple of (str, str, object)
        Method, address below the server's own (or from the root where it starts with '!'), JSON body; in order.
    expected : str
        Statuses of the last answer that mean it failed.
    """

    name: str
    tried: str
    requests: tuple[tuple[str, str, object], ...]
    expected: str = "403"


def _get(name: str, address: str, tried: str, expected: str = "403") -> Asked:
    return Asked(name, tried, (("GET", address, None),), expected)


def _renamed(name: str, address: str, tried: str, expected: str = "403") -> Asked:
    return Asked(name, tried, (("PATCH", "api/contents/rows.csv", {"path": name}), ("GET", address, None)), expected)


ROUTES = (
    _get("files", "files/rows.csv", "download a file"),
    _get("files of a notebook", "files/templates/getting_started.ipynb", "download a notebook"),
    Asked("head of files", "learn of a file", (("HEAD", "files/rows.csv", None),)),
    _get("files with download", "files/rows.csv?download=1", "download a file as an attachment"),
    _get("view", "view/rows.html", "frame a file"),
    _get("contents of data", "api/contents/rows.csv", "read a table as JSON"),
    _get("contents as base64", "api/contents/rows.parquet?format=base64&content=1", "read bytes as base64"),
    _get("contents as text", "api/contents/rows.csv?format=text&type=file", "read a table as text"),
    _get("contents without a suffix", "api/contents/rows?type=file", "read a file that names no type"),
    _get("contents without a suffix or type", "api/contents/rows?content=1", "the same, unasked", "400 403 404"),
    _get("contents of a picture", "api/contents/picture.png", "read a picture"),
    _get("notebook as bytes", "api/contents/templates/getting_started.ipynb?format=base64", "read it as bytes"),
    _get("contents below a folder named as a notebook", "api/contents/folder.ipynb/rows.csv", "read a table there"),
    _get("contents of a hidden file", "api/contents/.hidden.py?type=file&format=text", "read one", "400 403 404"),
    _get("large text", "api/contents/large.py?type=file&format=text", "read 4 MB of rows under a name for code"),
    _get("nbconvert", "nbconvert/html/templates/getting_started.ipynb?download=1", "export a notebook"),
    Asked("nbconvert of a body", "have a notebook of ours exported", (("POST", "nbconvert/html", {"cells": []}),)),
    _get("nbconvert by script", "nbconvert/script/templates/getting_started.ipynb", "export its code"),
    _get("api of notebooks", "api/notebooks/rows.csv", "be sent on to the contents"),
    _get("tree", "tree/rows.csv", "open the older interface"),
    _get("edit", "edit/rows.csv", "open the older editor"),
    _get("notebooks", "notebooks/rows.csv", "open the older notebook"),
    _get("lab files", "lab/files/rows.csv", "find the route under another", "403 404"),
    _get("terminal", "terminals/websocket/1", "open a terminal"),
    Asked("new terminal", "start one", (("POST", "api/terminals", {}),)),
    _get("kernel's own files", "kernelspecs/mine/rows.csv", "read through a kernel of our own"),
    _get("kernel's logo", "kernelspecs/mine/logo-64x64.png", "read through its picture"),
    _get("kernel's words", "api/kernelspecs/mine", "read through its description"),
    # it may start: one more program inside, of whose words nothing comes back
    Asked("foreign kernel", "start one of our own", (("POST", "api/kernels", {"name": "mine"}),), "201 400 403 500"),
    _get("extension's own files", "lab/extensions/mine/static/rows.js", "read through an extension", "403 404"),
    _get("theme of our own", "lab/api/themes/mine/index.css", "read through a theme", "403 404"),
    _get("settings of our own", "lab/api/settings/mine:plugin", "read through a setting", "403 404"),
    _get("listings", "lab/api/listings/rows.csv", "read through the list of extensions"),
    _get("plugins", "lab/api/plugins", "read the list of plugins"),
    _get("extension manager", "lab/api/extensions", "read or install extensions"),
    _get("news", "lab/api/news", "have the server fetch news"),
    _get("static of our own", "static/lab/rows.js", "read through the lab's own files", "403 404"),
    _get("custom style", "custom/custom.css", "read through the custom style"),
    _get("nbextensions", "nbextensions/rows.js", "read through an older extension"),
    _get("language servers", "lsp/status", "speak to a language server"),
    _get("collaboration", "api/collaboration/room/x", "share a document"),
    _get("proxy of servers", "proxy/8888/rows.csv", "reach a port inside"),
    _get("metrics", "metrics", "read counters that we could name"),
    _get("security report", "api/security/csp-report", "leave words with the server"),
    _get("api description", "api/spec.yaml", "read it"),
    Asked("shutdown", "stop the server", (("POST", "api/shutdown", {}),)),
    Asked("copy under another name", "copy a table to a name for text, and read bytes of it",
          (("POST", "api/contents", {"copy_from": "rows.csv"}), ("GET", "api/contents/rows-Copy1.csv", None))),
    Asked("trace", "have the request sent back", (("TRACE", "lab", None),), "403 405"),
    Asked("connect", "have the proxy connect elsewhere", (("CONNECT", "!example.org:443", None),), "400 403 404 405"),
    Asked("options", "ask what may be asked from elsewhere", (("OPTIONS", "api/contents", None),), "200 403"),
    Asked("hub's users", "list everybody", (("GET", "!/hub/api/users", None),)),
    Asked("hub's proxy", "list every route", (("GET", "!/hub/api/proxy", None),)),
    Asked("another's server", "read another's contents", (("GET", "!/user/cleo/dr-0034/api/contents", None),),
          "302 403 404"),
    Asked("another's start", "start another's server", (("POST", "!/hub/api/users/cleo/servers/dr-0034", {}),),
          "403 404"),
    Asked("server without a project", "start the default server", (("POST", "!/hub/api/users/ana/server", {}),),
          "400 403 500"),
)  # fmt: skip

_ME = "/user/ana/dr-0034"
TRICKS = (
    _get("encoded letter", "%66iles/rows.csv", "write /files with an encoded letter"),
    _get("twice encoded", "%2566iles/rows.csv", "encode it twice"),
    _get("two slashes", "/files/rows.csv", "put two slashes before it"),
    _get("dots", "lab/../files/rows.csv", "climb to it"),
    _get("encoded dots", "lab/%2e%2e/files/rows.csv", "climb with encoded dots"),
    _get("half encoded dots", "lab/.%2e/files/rows.csv", "climb with one encoded dot"),
    _get("encoded slash", "lab%2f..%2ffiles/rows.csv", "climb with encoded slashes"),
    _get("backslash", "lab\\..\\files\\rows.csv", "climb with backslashes"),
    _get("encoded backslash", "lab%5c..%5cfiles/rows.csv", "climb with encoded backslashes"),
    _get("null", "api/contents/rows.csv%00.py", "end the name early"),
    _get("new line", "api/contents/rows.csv%0a.py", "end the line early", "403 404"),
    _get("carriage return", "api/contents/x%0d%0aX-Rows:%20y.py", "add a header", "403 404"),
    _get("semicolon", "api/contents/rows.csv;.py", "add parameters to a name"),
    _get("encoded question mark", "api/contents/rows.csv%3fx.py", "move the query into the name"),
    _get("encoded hash", "api/contents/rows.csv%23x.py", "move the fragment into the name"),
    _get("not text", "api/contents/%ff%fe.py", "write a name that is not UTF-8"),
    _get("overlong slash", "lab%c0%af..%c0%affiles/rows.csv", "write a slash in too many bytes"),
    _get("full-width dots", "lab/%ef%bc%8e%ef%bc%8e/files/rows.csv", "climb with other dots", "403 404"),
    _get("key twice", "api/contents/rows.csv?content=0&content=1", "say one thing first and another last"),
    _get("encoded key twice", "api/contents/rows.csv?content=0&%63ontent=1", "the same, one of them encoded"),
    _get("key with a null", "api/contents/rows.csv?content=0&content%00=1", "the same with an end in it"),
    _get("unknown key", "api/contents/x.py?download=1", "ask for more"),
    _get("many keys", "lab?" + "&".join(f"k{n}=1" for n in range(60)), "hide one key among many"),
    _get("whole address", "!http://elsewhere.example/user/ana/dr-0034/files/rows.csv", "name another host",
         "400 403 404"),
    _get("whole address of our own", "!http://127.0.0.1/user/ana/dr-0034/files/rows.csv", "name the host",
         "400 403 404"),
    _get("another's prefix", "!/user/ana/dr-0034/../../cleo/dr-0034/api/contents", "climb into another's", "403 404"),
    _get("prefix that goes on", "!/user/ana/dr-0034x/api/contents", "name more than the prefix", "302 403 404"),
    _get("upper-case prefix", "!/user/ANA/dr-0034/api/contents", "write the prefix in capitals", "302 403 404"),
    _get("encoded prefix", "!/user/%61na/dr-0034/files/rows.csv", "encode a letter of the prefix"),
    _get("query instead of path", "!/user/ana/dr-0034?/files/rows.csv", "put the path behind a question mark",
         "302 400 403 404"),
    Asked("suffix in capitals", "ask for a table whose suffix is in capitals",
          (("PATCH", "api/contents/rows.json", {"path": "rows.CSV"}), ("GET", "api/contents/rows.CSV", None))),
    _get("trailing dot", "api/contents/rows.csv.?type=file", "end the name with a dot"),
    _get("trailing space", "api/contents/rows.csv%20?type=file", "end the name with a space"),
    _get("trailing slash", "api/contents/rows.csv/", "end the name with a slash"),
)  # fmt: skip


def answer(session: hub_client.requests.Session, server: str, asked: Asked) -> str:
    """Ask, and give 'open' when a marker came back, else the last status.

    The address goes out as it is written: a client's own way to write it would be another attempt.
    """
    place = urlsplit(server)
    status = 0
    for method, address, body in asked.requests:
        target = address[1:] if address.startswith("!") else f"{_ME}/{address}"
        headers = hub_client.xsrf(session, server, f"{_ME}/" if target.startswith("/user") else "/hub/")
        found = hub_client.cookies(session, server) | hub_client.cookies(
            session, f"{place.scheme}://{place.netloc}/hub/"
        )
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in found.items())
        connection = http.client.HTTPConnection(place.netloc, timeout=60)
        connection.putrequest(method, target, skip_accept_encoding=True)
        told = b"" if body is None else json.dumps(body).encode()
        for name, value in {**headers, "Content-Length": str(len(told))}.items():
            connection.putheader(name, value)
        connection.endheaders(told)
        said = connection.getresponse()
        status, content = said.status, said.read() + str(said.getheaders()).encode()
        connection.close()
        if MARKER.encode() in content and status < 400:
            return "open"
    return str(status)
