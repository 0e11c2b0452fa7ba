"""JupyterLab's own files, served from our disk: what is the same for everybody need not come from a sandbox.

Scripts, styles, themes and setting schemas then cannot carry anything of the session, and nothing a
session plants among its own files (an extension, a kernel's logo) reaches a browser.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import json5

from enclave.glass.banner import SCHEME

_SETTING_BYTES, _BROWSERS = 64 * 1024, 512
_THEMES, _DARK = "@jupyterlab/apputils-extension:themes", '{"theme": "JupyterLab Dark"}'
_DEFAULT_WORKSPACE = {"data": {}, "metadata": {"id": "default"}}


@dataclass(frozen=True, slots=True)
class LocalAnswer:
    """What to send: a file of ours, or a small document.

    Attributes
    ----------
    status : int
    file : Path, optional
    document : bytes
        JSON, sent when there is no file.
    """

    status: int = 200
    file: Path | None = None
    document: bytes = b""


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser's cookies say of it.

    Attributes
    ----------
    key : str
        Tells browsers apart: the hub's random session id; empty for none.
    dark : bool
        Whether it prefers dark pages, as the page we gave it found (`banner`).
    """

    key: str
    dark: bool


class LabFiles:
    """Answer the routes that `rules` calls local.

    Parameters
    ----------
    share : Path
        share/jupyter of the installation JupyterLab lives in.
    server_static : Path
        The static folder of jupyter_server.
    kernel_logos : Path
        The resources folder of ipykernel.
    app_settings : Path
        Folder with our overrides.json.
    """

    def __init__(self, share: Path, server_static: Path, kernel_logos: Path, app_settings: Path) -> None:
        """Store the folders; nothing is read."""
        self._share = share
        self._app_settings = app_settings
        self._folders = (
            ("/static/lab/", share / "lab" / "static"),
            ("/static/", server_static),
            ("/lab/extensions/", share / "labextensions"),
            ("/lab/api/themes/", share / "lab" / "themes"),
            ("/kernelspecs/python3/", kernel_logos),
        )
        # What a browser changed about its own lab, by browser; never written down.
        self._changed: OrderedDict[str, dict[str, str]] = OrderedDict()

    def answer(self, method: str, inner: str, *, browser: Browser, ids_only: bool, body: bytes) -> LocalAnswer:
        """Answer one request.

        Parameters
        ----------
        inner : str
            Decoded path below the server's prefix.
        browser : Browser
            Whose theme is not another's.
        ids_only : bool
            Only the names of the settings.
        body : bytes
            Of a PUT.
        """
        if inner.startswith("/lab/api/settings"):
            name = inner.removeprefix("/lab/api/settings").strip("/")
            return self._change(name, browser.key, body) if method == "PUT" else self._read(name, browser, ids_only)
        if inner.startswith("/lab/api/workspaces"):
            return LocalAnswer(204) if method not in ("GET", "HEAD") else _json(_DEFAULT_WORKSPACE)
        if inner.startswith("/lab/api/translations"):
            return _json({"data": {}, "message": ""})
        if inner == "/lab/api/build":
            return _json({"status": "stable", "message": ""})
        if inner.startswith("/api/config/") or inner == "/api/nbconvert":
            return _json({})
        for start, folder in self._folders:
            if inner.startswith(start):
                file = (folder / inner.removeprefix(start)).resolve()
                return LocalAnswer(file=file) if file.is_relative_to(folder.resolve()) and file.is_file() else _ABSENT
        return _ABSENT

    def _read(self, name: str, browser: Browser, ids_only: bool) -> LocalAnswer:
        # JupyterLab's own way of following the browser leaves its theme menu without effect
        changed = {_THEMES: _DARK} if browser.dark else {}
        changed |= self._changed.get(browser.key, {})
        if name:
            known = self._by_id.get(name)
            return _json(_with(known, changed.get(name))) if known else _ABSENT
        if ids_only:
            return _json({"settings": [{"id": known} for known in self._by_id]})
        if not changed:
            return LocalAnswer(document=self._all)
        return _json({"settings": [_with(known, changed.get(id_)) for id_, known in self._by_id.items()]})

    def _change(self, name: str, browser: str, body: bytes) -> LocalAnswer:
        try:
            raw = json.loads(body)["raw"]
            parsed = json5.loads(raw)
        except (ValueError, KeyError, TypeError):
            return LocalAnswer(400)
        if name not in self._by_id or not isinstance(parsed, dict) or len(body) > _SETTING_BYTES or not browser:
            return LocalAnswer(400)
        self._changed.setdefault(browser, {})[name] = raw
        self._changed.move_to_end(browser)
        while len(self._changed) > _BROWSERS:
            self._changed.popitem(last=False)
        return LocalAnswer(204)

    @cached_property
    def _by_id(self) -> dict[str, dict[str, Any]]:
        # Imported when first asked for: it brings a whole notebook server along.
        from jupyterlab_server.settings_utils import get_settings

        extensions = self._share / "labextensions"
        nowhere = str(self._app_settings / "nobody")
        found, _ = get_settings(
            str(self._app_settings),
            str(self._share / "lab" / "schemas"),
            nowhere,
            labextensions_path=[str(extensions)],
        )
        return {setting["id"]: setting for setting in found["settings"]}

    @cached_property
    def _all(self) -> bytes:
        return json.dumps({"settings": list(self._by_id.values())}).encode()


_ABSENT = LocalAnswer(404, document=b'{"message": "there is no such file"}')


def known(cookies: str) -> Browser:
    """Read what a browser's cookies say of it."""
    key = re.search(r"(?:^|;\s*)jupyterhub-session-id=([0-9a-zA-Z-]{16,64})", cookies)
    dark = re.search(rf"(?:^|;\s*){SCHEME}=dark(?:;|$)", cookies)
    return Browser(key.group(1) if key else "", dark is not None)


def _json(document: object) -> LocalAnswer:
    return LocalAnswer(document=json.dumps(document).encode())


def _with(setting: dict[str, Any], raw: str | None) -> dict[str, Any]:
    return setting if raw is None else {**setting, "raw": raw, "settings": json5.loads(raw)}
