"""The text of a PDF that was made here, read off its own streams: what selecting it in a reader gives."""

from __future__ import annotations

import base64
import re
import zlib

_STREAM = re.compile(rb"(\d+) 0 obj((?:(?!endobj).)*?)stream\r?\n(.*?)endstream", re.DOTALL)
_SHOWN = re.compile(rb"/(F\d[^\s]*) [\d.]+ Tf|\(((?:[^\\()]|\\.)*)\) Tj", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def text_of(pdf: bytes) -> str:
    """Give the words in the order in which they are set, letters as each typeface's own map names them."""
    streams = {int(number): _opened(head, body) for number, head, body in _STREAM.findall(pdf)}
    fonts = {
        name: _letters(streams[int(number)])
        for name, number in re.findall(rb"/Name /(F\S+)(?:(?!endobj).)*?/ToUnicode (\d+) 0 R", pdf, re.DOTALL)
    }
    contents = [int(number) for number in re.findall(rb"/Contents (\d+) 0 R", pdf)]
    return "".join(_set(streams[number], fonts) for number in contents)


def _opened(head: bytes, body: bytes) -> bytes:
    if b"/ASCII85Decode" in head:
        body = base64.a85decode(body.strip().removesuffix(b"~>"))
    return zlib.decompress(body) if b"/FlateDecode" in head else body


def _letters(to_unicode: bytes) -> dict[int, str]:
    """Read a typeface's ToUnicode map."""
    found = dict[int, str]()
    for first, _, listed in re.findall(rb"<(\w+)> <(\w+)>\s*\[(.*?)\]", to_unicode, re.DOTALL):
        for code, letter in enumerate(re.findall(rb"<(\w+)>", listed), int(first, 16)):
            found[code] = bytes.fromhex(letter.decode()).decode("utf-16-be")
    for code, letter in re.findall(rb"^<(\w{2})> <(\w{4})>$", to_unicode, re.MULTILINE):
        found[int(code, 16)] = bytes.fromhex(letter.decode()).decode("utf-16-be")
    return found


def _set(content: bytes, fonts: dict[bytes, dict[int, str]]) -> str:
    words, letters = "", dict[int, str]()
    for font, shown in _SHOWN.findall(content):
        if font:
            letters = fonts.get(font, {})
        codes = _ESCAPED.sub(lambda each: _NAMED.get(each[1]) or _code(each[1]), shown)
        words += "".join(letters[code] for code in codes)
    return words


def _code(escaped: bytes) -> bytes:
    return bytes([int(escaped, 8)]) if len(escaped) == 3 else escaped
