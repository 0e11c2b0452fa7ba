"""Files of code that leaves: made of its syntax, under its licence; no comment, blank or output of the session's.

Source: SDP 12.c; DSA I.
"""

from __future__ import annotations

import json
from typing import Any

from p20kit.sharing import CodeRequested

NOTEBOOK, SCRIPT = "application/x-ipynb+json", "text/x-python"
_KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def file_name(number: int, code: CodeRequested) -> str:
    """Give the name of a program's file, after the request's id."""
    return f"code_{number}.{'py' if code.form == 'script' else 'ipynb'}"


def program(code: CodeRequested, about: str) -> tuple[str, bytes]:
    """Give the media type and the bytes of a program.

    Source: SDP 12.c.
    """
    head = "".join(f"# {line}\n" for line in (code.title, f"SPDX-License-Identifier: {code.licence}", about, _ANEW))
    if code.form == "script":
        return SCRIPT, f"{head}\n{code.written[0]}\n".encode()
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "execution_count": None, "id": f"cell-{number}", "metadata": {}, "outputs": [],
         "source": text}
        for number, text in enumerate([head.rstrip("\n"), *code.written])
    ]  # fmt: skip
    body = {"cells": cells, "metadata": _KERNEL, "nbformat": 4, "nbformat_minor": 5}
    return NOTEBOOK, (json.dumps(body, indent=1) + "\n").encode()


_ANEW = "Written anew from its syntax; its comments and its outputs stayed inside."
