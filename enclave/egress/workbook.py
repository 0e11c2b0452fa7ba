"""One workbook of everything that leaves, for who works with spreadsheets; the same figures give the same bytes.

Source: DSA III.G.2.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime

import openpyxl
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

Cell = str | int | float | None
Rows = Sequence[Sequence[Cell]]
FORMULA = ("=", "+", "-", "@", "\t", "\r")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MADE = datetime(1980, 1, 1)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")
_WIDEST = 60


def plain(label: object) -> str:
    """Give a label that no spreadsheet takes for a formula."""
    text = str(label)
    return f"'{text}" if text.startswith(FORMULA) else text


def as_workbook(sheets: Mapping[str, Rows]) -> bytes:
    """Write sheets of rows, the first row of each being its head.

    Parameters
    ----------
    sheets : mapping of str to rows
        Texts, numbers, and None for what is hidden.
    """
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    book.properties.creator, book.properties.created = "P20 WIN", _MADE
    for name, rows in sheets.items():
        _fill(book.create_sheet(name), rows)
    written = io.BytesIO()
    book.save(written)
    return _same_every_time(written)


def _fill(sheet: Worksheet, rows: Rows) -> None:
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(number, column, plain(value) if isinstance(value, str) else value)
            if isinstance(value, str):
                cell.data_type = "s"
            elif value is not None:
                cell.number_format = "#,##0" if isinstance(value, int) else "#,##0.####"
            if number == 1:
                cell.font = Font(bold=True)
                cell.border = Border(bottom=Side("thin"))
                cell.alignment = Alignment(wrap_text=True, vertical="bottom")
    for column, cells in enumerate(zip(*rows, strict=True), start=1):
        widest = max(len(str(value)) for value in cells if value is not None)
        sheet.column_dimensions[get_column_letter(column)].width = min(widest + 2, _WIDEST)
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _same_every_time(written: io.BytesIO) -> bytes:
    """Pack the parts again without the moment they were written at."""
    target = io.BytesIO()
    with zipfile.ZipFile(written) as parts, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(parts.namelist()):
            content = parts.read(name)
            if name == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>1980-01-01T00:00:00Z", content)
            packed.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()
