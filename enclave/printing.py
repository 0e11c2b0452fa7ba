"""A page of ours as a PDF, word for word: nothing in it depends on the machine or the moment.

The page says all that is needed: its title and language, in `<col style="width: 20%">` how wide the columns of a
table are, under ``@page`` what stands at the foot. Typefaces are embedded and text can be selected; the page stays
the one that is tagged for readers of screens. It reads our own templates, not HTML at large.

Source: ExF; EM VII.A.1.j.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import cache
from html import escape
from html.parser import HTMLParser
from io import BytesIO

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    HRFlowable,
    KeepTogether,
    LongTable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

_MAKER = "P20 WIN enclave"
_INK, _SOFT, _LINE = HexColor("#16202b"), HexColor("#444c56"), HexColor("#b9c2cd")
_DRAWN = {"bar": HexColor("#12507b"), "ground": HexColor("#e4e8ed")}
"""The colour of a rectangle of a chart, by its class."""
_SIDE = 21 * mm
_WIDTH = letter[0] - 2 * _SIDE
_PAD = 6
"""What the library leaves free around what is set on a page."""
_PIXEL = 0.75
"""A pixel of the page, in points."""
_BLOCKS = frozenset({"h1", "h2", "p", "li", "div", "td", "th", "pre", "caption"})
_CELLS = frozenset({"td", "th"})
_VOID = frozenset({"meta", "br", "col"})
_INLINE = {
    "strong": ("<b>", "</b>"),
    "label": ("<b>", "</b>"),
    "soft": (f'<font color="#{_SOFT.hexval()[2:]}">', "</font>"),
}
"""How what stands within a line is set, by its tag or a span's class."""
_FACE = ("FONTNAME", (0, 0), (-1, -1), "Vera")
"""For the cells of a table, whose own typeface would not be embedded."""
_SHARE = re.compile(r"width: (\d+)%")
_FOOT = re.compile(r'@bottom-left \{ content: "([^"]*)"')


def print_page(page: str, day: date) -> bytes:
    """Give the PDF of a page.

    Parameters
    ----------
    page : str
        HTML of one of our templates that are made to be printed.
    day : date
        Of what it says; the PDF is dated with it.
    """
    _, pages = _built(page, day, 0)
    body, _ = _built(page, day, pages)
    return body


def _built(page: str, day: date, pages: int) -> tuple[bytes, int]:
    """Lay the page out; give the PDF and how many pages it has, which each of them says."""
    reader, written = _Reader(), BytesIO()
    reader.feed(page)
    document = SimpleDocTemplate(
        written, pagesize=letter,
        leftMargin=_SIDE - _PAD, rightMargin=_SIDE - _PAD, topMargin=18 * mm, bottomMargin=20 * mm,
        title=reader.title, subject=reader.title, author=_MAKER, creator=_MAKER, producer=_MAKER,
        lang=reader.language, displayDocTitle=True, invariant=1, pageCompression=1, initialFontName=_faces()[0],
    )  # fmt: skip

    def foot(canvas: Canvas, laid_out: SimpleDocTemplate) -> None:
        canvas.setDateFormatter(lambda *_: f"D:{day:%Y%m%d}")
        canvas.setFont(_faces()[0], 7.5)
        canvas.setFillColor(_SOFT)
        canvas.drawString(_SIDE, 12 * mm, reader.foot)
        canvas.drawRightString(letter[0] - _SIDE, 12 * mm, f"Page {laid_out.page} of {pages}")

    document.build(reader.story, onFirstPage=foot, onLaterPages=foot)
    return written.getvalue(), document.page


class _Reader(HTMLParser):
    """Reads one of our pages, block by block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = self.language = self.foot = ""
        self.story: list[Flowable] = []
        self.text = ""
        self.tags: list[tuple[str, str]] = []
        self.number = 0
        self.rows: list[list[Flowable]] = []
        self.shares: list[float] = []
        self.caption: list[Flowable] = []
        self.chart: _Chart | None = None
        self.signs: list[Paragraph] = []
        self.section: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        named = said.get("class", "")
        if tag in _BLOCKS or tag == "ul":
            self._flush()
        self.text += "<br/>" if tag == "br" else _inline(tag, named)[0]
        match tag:
            case "html":
                self.language = said.get("lang", "")
            case "table":
                self.rows, self.shares, self.caption = [], [], []
            case "col":
                self.shares += [int(share) / 100 for share in _SHARE.findall(said.get("style", ""))]
            case "tr":
                self.rows.append([])
            case "svg":
                self.chart = _Chart(int(said["width"]) * _PIXEL, int(said["height"]) * _PIXEL)
            case "rect" if self.chart is not None:
                self.chart.bars.append((int(said["width"]) * _PIXEL, named))
            case "section":
                self.section = len(self.story)
        if tag not in _VOID:
            self.tags.append((tag, named))

    def handle_endtag(self, tag: str) -> None:
        self.text += _inline(*self.tags[-1])[1]
        if tag in _BLOCKS or tag == "ul":
            self._flush()
        if tag == "table":
            self._set_table()
        if self.tags[-1] == ("div", "signature"):
            self.story.append(_signatures(self.signs))
        if tag == "section" and self.section is not None:
            self.story[self.section :] = [KeepTogether(self.story[self.section :])]
            self.section = None
        self.tags.pop()

    def handle_data(self, data: str) -> None:
        around = [tag for tag, _ in self.tags]
        if around[-1:] == ["title"]:
            self.title += data
        elif around[-1:] == ["style"]:
            self.foot += "".join(_FOOT.findall(data))
        elif around and "head" not in around:
            self.text += escape(data, quote=False)

    def _flush(self) -> None:
        """Set the text gathered so far as the block that it stands in."""
        around = [tag for tag, _ in self.tags]
        block, named = next((each for each in reversed(self.tags) if each[0] in _BLOCKS), ("", ""))
        text, self.text = self.text, ""
        text = text.replace("\n", "<br/>") if block == "pre" else " ".join(text.split())
        if not text and block not in _CELLS:
            return
        style = _styles()
        if block in _CELLS:
            self._set_cell(text, "head" if "thead" in around else "cell", named)
        elif block == "caption":
            self.caption.append(Paragraph(text, style["caption"]))
        elif block == "div":
            self.signs.append(Paragraph(text, style["sign"]))
        elif block == "li" and "ul" in around:
            self.story.append(Paragraph(text, style["plain"]))
        elif block == "li":
            self.number += 1
            self.story.append(Paragraph(text, style["li"], bulletText=f"{self.number}."))
        elif block == "h2":
            self.story += [CondPageBreak(30 * mm)] if self.section is None else []
            self.story += [Paragraph(text, style["h2"]), HRFlowable("100%", 1.2, color=_INK, spaceAfter=2 * mm)]
        else:
            self.story.append(Paragraph(text, style[named if named in style else block]))

    def _set_cell(self, text: str, kind: str, named: str) -> None:
        cell = Paragraph(text, _styles()[f"{kind} n" if "n" in named.split() else kind])
        if self.chart is not None:
            self.chart.said, cell, self.chart = cell, self.chart, None
        self.rows[-1].append(cell)

    def _set_table(self) -> None:
        lines = TableStyle([
            _FACE, ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 3), ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ])  # fmt: skip
        widths = [share * _WIDTH for share in self.shares]
        table = LongTable(self.rows, colWidths=widths, repeatRows=1, style=lines)
        self.story += [KeepTogether([*self.caption, table]) if self.caption else table, Spacer(1, 2 * mm)]


def _inline(tag: str, named: str) -> tuple[str, str]:
    return _INLINE.get(named if tag == "span" else tag, ("", ""))


class _Chart(Flowable):  # type: ignore[misc]
    """A bar as the page draws it, and to its right what is written there."""

    def __init__(self, wide: float, high: float) -> None:
        super().__init__()
        self.wide, self.high = wide, high
        self.bars: list[tuple[float, str]] = []
        self.said = Paragraph("")

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        _, self.height = self.said.wrap(width - self.wide - _PAD, height)
        self.height = max(self.height, _styles()["cell"].leading)
        return width, self.height

    def draw(self) -> None:
        for width, named in self.bars:
            self.canv.setFillColor(_DRAWN[named])
            self.canv.rect(0, self.height - self.high - 1.5, width, self.high, stroke=0, fill=1)
        self.said.drawOn(self.canv, self.wide + _PAD, self.height - self.said.height)


def _signatures(signs: Sequence[Paragraph]) -> LongTable:
    """Rule the lines to sign on, two to a row as on the form."""
    rows = [[first, "", second] for first, second in zip(signs[::2], [*signs[1::2], ""], strict=True)]
    lines = [("LINEABOVE", (column, row), (column, row), 0.7, _INK)
             for row, each in enumerate(rows) for column in (0, 2) if each[column]]  # fmt: skip
    shape = [_FACE, ("LEFTPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    return LongTable(
        rows, colWidths=[0.7 * _WIDTH, 0.04 * _WIDTH, 0.26 * _WIDTH], rowHeights=15 * mm,
        style=TableStyle([*shape, *lines]), spaceBefore=13 * mm,
    )  # fmt: skip


@cache
def _faces() -> tuple[str, str]:
    """Register the typefaces that come with the library, to be embedded."""
    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
    pdfmetrics.registerFont(TTFont("Vera-Bold", "VeraBd.ttf"))
    pdfmetrics.registerFontFamily("Vera", normal="Vera", bold="Vera-Bold", italic="Vera", boldItalic="Vera-Bold")
    return "Vera", "Vera-Bold"


@cache
def _styles() -> dict[str, ParagraphStyle]:
    plain, bold = _faces()
    body = ParagraphStyle("p", fontName=plain, fontSize=9, leading=13, textColor=_INK, spaceAfter=2 * mm)

    def like(name: str, parent: ParagraphStyle = body, **changes: object) -> ParagraphStyle:
        return ParagraphStyle(name, parent, **changes)

    cell = like("cell", fontSize=8, leading=10.5, spaceAfter=0)
    head = like("head", cell, fontName=bold)
    soft = like("soft", fontSize=8.5, leading=12, textColor=_SOFT)
    return {
        "p": body,
        "h1": like("h1", fontName=bold, fontSize=15, leading=20, alignment=TA_CENTER, spaceAfter=5 * mm),
        "h2": like("h2", fontName=bold, fontSize=9.5, spaceBefore=5 * mm, spaceAfter=0.6 * mm, keepWithNext=1),
        "soft": soft,
        "li": like("li", leftIndent=6 * mm, bulletFontName=plain, bulletFontSize=9),
        "plain": like("plain", leftIndent=10 * mm),
        "pre": like(
            "pre", fontSize=6.8, leading=9.2, backColor=HexColor("#f4f5f7"), borderPadding=3, spaceAfter=4 * mm
        ),
        "sign": like("sign", fontSize=8, leading=10, textColor=_SOFT),
        "caption": like("caption", fontName=bold, fontSize=8.5, leading=12, spaceBefore=2 * mm, spaceAfter=0.6 * mm),
        "cell": cell,
        "head": head,
        "cell n": like("cell n", cell, alignment=TA_RIGHT),
        "head n": like("head n", head, alignment=TA_RIGHT),
    }
