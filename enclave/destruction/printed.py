"""The page of a certificate as a PDF, word for word, to sign: nothing in it depends on the machine or the moment.

Its typefaces are embedded, its text can be selected, and it has a title and a language. The page stays the one that
is tagged for readers of screens.

Source: ExF.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from html import escape
from html.parser import HTMLParser
from io import BytesIO

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    HRFlowable,
    KeepTogether,
    LongTable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

_TITLE = "P20 WIN Data Destruction Certificate"
_INK, _SOFT, _LINE = HexColor("#16202b"), HexColor("#444c56"), HexColor("#b9c2cd")
_SIDE = 21 * mm
_WIDTH = letter[0] - 2 * _SIDE
_PAD = 6
"""What the library leaves free around what is set on a page."""
_BLOCKS = frozenset({"h1", "h2", "p", "li", "div", "td", "th", "pre"})
_SPACED = {"swept": (0.8, 0.2), "proofs": (0.2, 0.35, 0.45), "outside": (0.35, 0.15, 0.5)}
"""Shares of the width that the columns of each table take, by its class."""
_INLINE = {"strong": "b", "span": "b"}


def to_pdf(page: str, subject: str, day: date) -> bytes:
    """Give the PDF of a certificate's page.

    Parameters
    ----------
    page : str
        As `Certificate.to_html` gives it.
    subject : str
        What it is of, for the PDF's title.
    day : date
        Of the destruction, for the foot of each page.
    """
    _, pages = _built(page, subject, day, 0)
    body, _ = _built(page, subject, day, pages)
    return body


def _built(page: str, subject: str, day: date, pages: int) -> tuple[bytes, int]:
    """Lay the page out; give the PDF and how many pages it has, which each of them says."""
    written = BytesIO()
    document = SimpleDocTemplate(
        written, pagesize=letter,
        leftMargin=_SIDE - _PAD, rightMargin=_SIDE - _PAD, topMargin=18 * mm, bottomMargin=20 * mm,
        title=f"{_TITLE}: {subject}", author="P20 WIN enclave", subject=subject, creator="P20 WIN enclave",
        producer="P20 WIN enclave", lang="en", displayDocTitle=True, invariant=1, pageCompression=1,
        initialFontName=_faces()[0],
    )  # fmt: skip

    def foot(canvas: Canvas, laid_out: SimpleDocTemplate) -> None:
        canvas.setDateFormatter(lambda *_: f"D:{day:%Y%m%d}")
        canvas.setFont(_faces()[0], 7.5)
        canvas.setFillColor(_SOFT)
        canvas.drawString(_SIDE, 12 * mm, f"{_TITLE}, {day}")
        canvas.drawRightString(letter[0] - _SIDE, 12 * mm, f"Page {laid_out.page} of {pages}")

    document.build(_read(page), onFirstPage=foot, onLaterPages=foot)
    return written.getvalue(), document.page


def _read(page: str) -> list[Flowable]:
    reader = _Reader()
    reader.feed(page)
    return reader.story


class _Reader(HTMLParser):
    """Reads the certificate's own page, block by block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.story: list[Flowable] = []
        self.text = ""
        self.tags: list[tuple[str, str]] = []
        self.number = 0
        self.rows: list[list[Paragraph]] = []
        self.signs: list[Paragraph] = []
        self.section: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs).get("class") or ""
        if tag in _BLOCKS or tag == "ul":
            self._flush()
        if tag in _INLINE:
            self.text += f"<{_INLINE[tag]}>"
        if tag == "tr":
            self.rows.append([])
        if tag == "section":
            self.section = len(self.story)
        if tag not in {"meta", "br"}:
            self.tags.append((tag, named))

    def handle_endtag(self, tag: str) -> None:
        if tag in _INLINE:
            self.text += f"</{_INLINE[tag]}>"
        if tag in _BLOCKS or tag == "ul":
            self._flush()
        if tag == "table":
            self._add(_table(self.rows, _SPACED[self.tags[-1][1]]), Spacer(1, 2 * mm))
            self.rows = []
        if self.tags[-1] == ("div", "signature"):
            self._add(_signatures(self.signs))
        if tag == "section" and self.section is not None:
            self.story[self.section :] = [KeepTogether(self.story[self.section :])]
        self.tags.pop()

    def handle_data(self, data: str) -> None:
        if self.tags and not {"head", "style", "title"} & {tag for tag, _ in self.tags}:
            self.text += escape(data, quote=False)

    def _flush(self) -> None:
        """Set the text gathered so far as the block that it stands in."""
        tags = [tag for tag, _ in self.tags]
        block = next((each for each in reversed(self.tags) if each[0] in _BLOCKS), ("", ""))
        text, self.text = self.text, ""
        text = text.replace("\n", "<br/>") if block[0] == "pre" else " ".join(text.split())
        if not text and block[0] not in {"td", "th"}:
            return
        style = _styles()
        if block[0] in {"td", "th"}:
            self.rows[-1].append(Paragraph(text, style[block[0]]))
        elif block[0] == "div":
            self.signs.append(Paragraph(text, style["sign"]))
        elif block[0] == "li" and "ul" in tags:
            self._add(Paragraph(text, style["plain"]))
        elif block[0] == "li":
            self.number += 1
            self._add(Paragraph(text, style["li"], bulletText=f"{self.number}."))
        elif block[0] == "h2":
            self._add(Paragraph(text, style["h2"]), HRFlowable("100%", 1.2, color=_INK, spaceAfter=2 * mm))
        else:
            self._add(Paragraph(text, style["intro" if block[1] == "intro" else block[0]]))

    def _add(self, *flowables: Flowable) -> None:
        self.story += flowables


def _table(rows: list[list[Paragraph]], shares: Sequence[float]) -> LongTable:
    lines = TableStyle([
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 8),
        ("TOPPADDING", (0, 0), (-1, -1), 3), ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
    ])  # fmt: skip
    widths = [share * _WIDTH for share in shares]
    return LongTable(rows, colWidths=widths, repeatRows=1, style=lines)


def _signatures(signs: Sequence[Paragraph]) -> LongTable:
    """Rule the lines to sign on, two to a row as on the form."""
    rows = [[first, "", second] for first, second in zip(signs[::2], [*signs[1::2], ""], strict=True)]
    lines = [("LINEABOVE", (column, row), (column, row), 0.7, _INK)
             for row, each in enumerate(rows) for column in (0, 2) if each[column]]  # fmt: skip
    shape = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP")]
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

    def like(name: str, **changes: object) -> ParagraphStyle:
        return ParagraphStyle(name, body, **changes)

    return {
        "p": body,
        "h1": like("h1", fontName=bold, fontSize=15, leading=20, alignment=TA_CENTER, spaceAfter=5 * mm),
        "h2": like("h2", fontName=bold, fontSize=9.5, spaceBefore=5 * mm, spaceAfter=0.6 * mm, keepWithNext=1),
        "intro": like("intro", fontSize=8.5, leading=12, textColor=_SOFT),
        "li": like("li", leftIndent=6 * mm, bulletFontName=plain, bulletFontSize=9),
        "plain": like("plain", leftIndent=10 * mm),
        "pre": like(
            "pre", fontSize=6.8, leading=9.2, backColor=HexColor("#f4f5f7"), borderPadding=3, spaceAfter=4 * mm
        ),
        "sign": like("sign", fontSize=8, leading=10, textColor=_SOFT),
        "td": like("td", fontSize=8, leading=10.5, spaceAfter=0),
        "th": like("th", fontName=bold, fontSize=8, leading=10.5, spaceAfter=0),
    }
