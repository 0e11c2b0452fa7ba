"""What a PDF that was made here shows, read off its own streams: the text that selecting it gives, and its charts."""

from __future__ import annotations

import base64
import re
import zlib
from html.parser import HTMLParser

_STREAM = re.compile(rb"(\d+) 0 obj((?:(?!endobj).)*?)stream\r?\n(.*?)endstream", re.DOTALL)
_SHOWN = re.compile(rb"/(F\d[^\s]*) [\d.]+ Tf|\(((?:[^\\()]|\\.)*)\) Tj", re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def text_of(pdf: bytes) -> str:
    """Give the words in the order in which they are set, letters as each typeface's own map names them."""
    streams = _streams(pdf)
    fonts = {
        name: _letters(streams[int(number)])
        for name, number in re.findall(rb"/Name /(F\S+)(?:(?!endobj).)*?/ToUnicode (\d+) 0 R", pdf, re.DOTALL)
    }
    return "".join(_set(content, fonts) for content in _pages(pdf, streams))


def bars_of(pdf: bytes) -> list[float]:
    """Give how wide each filled rectangle is, in points, in the order in which they are drawn."""
    drawn = (re.findall(rb"n [\d.]+ [\d.]+ ([\d.]+) [\d.]+ re f\*", page) for page in _pages(pdf, _streams(pdf)))
    return [float(width) for page in drawn for width in page]


def beyond(pdf: bytes, page: str, foot: str) -> str:
    """Give what a PDF says beyond the words of the page it was made of, which stand in it block by block.

    Spaces are left aside, what stands at the foot of each of its pages, and the head of a table that goes on there.
    """
    blocks = _Blocks()
    blocks.feed(page)
    footed = rf"{re.escape(_close(foot))}Page\d+of\d+"
    before, *pages = re.split(footed, _close(text_of(pdf)))
    assert not before and len(pages) == len(re.findall(rb"/Contents ", pdf)), "not every page has its foot"
    heads = [_close(re.sub("<.*?>", "", head)) for head in re.findall("<thead>(.*?)</thead>", page, re.DOTALL)]
    for number, each in enumerate(pages[1:], 1):
        pages[number] = each.removeprefix(next(filter(each.startswith, heads), ""))
    told, rest = "".join(pages), ""
    for block in filter(None, map(_close, blocks.found)):
        before, found, told = told.partition(block)
        assert found, block
        rest += before
    return rest + told


def _close(text: str) -> str:
    return "".join(text.split())


class _Blocks(HTMLParser):
    """The words of a page, block by block."""

    _within = frozenset({"strong", "span", "code", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.found, self.quiet = [""], False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.quiet = self.quiet or tag == "head"
        self.found += [] if tag in self._within else [""]

    def handle_endtag(self, tag: str) -> None:
        self.quiet = self.quiet and tag != "head"
        self.found += [] if tag in self._within else [""]

    def handle_data(self, data: str) -> None:
        self.found[-1] += "" if self.quiet else data


def _streams(pdf: bytes) -> dict[int, bytes]:
    return {int(number): _opened(head, body) for number, head, body in _STREAM.findall(pdf)}


def _pages(pdf: bytes, streams: dict[int, bytes]) -> list[bytes]:
    return [streams[int(number)] for number in re.findall(rb"/Contents (\d+) 0 R", pdf)]


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
