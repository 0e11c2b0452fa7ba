"""An executed notebook as a page to read and a PDF to sign: its results, no code, nothing loaded from elsewhere.

nbconvert's own full templates link to content delivery networks, and its PDF asks for a browser of its own: here
the body of the page is its work, the frame forbids any request, and the Chromium that stands on the machine prints.

Source: DSA VI.B.
"""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbconvert import HTMLExporter

from p20kit.errors import Finding, P20KitError

BROWSERS = ("/usr/lib/chromium/chromium", "chromium", "chromium-browser", "google-chrome")
"""Debian's own program first: the script it stands behind needs files that a sandbox does not have."""
PATIENCE = 180.0
"""Seconds after which a page is not being printed any more."""

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><cachedir>{cache}</cachedir>
<alias binding="same"><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
<alias binding="same"><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.55 "Source Sans 3", "Segoe UI", "Helvetica Neue", Arial, sans-serif; color: #1c2733;
  max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.5rem 5rem; background: #fff; }}
h1 {{ font-size: 2rem; line-height: 1.2; margin: 0 0 .3rem; color: #00326b; }}
h2 {{ font-size: 1.25rem; margin: 2.6rem 0 .4rem; padding-top: .9rem; border-top: 1px solid #d7dee6;
  color: #00326b; }}
p {{ max-width: 44rem; margin: .5rem 0 1rem; }}
table {{ border-collapse: collapse; min-width: 22rem; margin: .6rem 0 1.2rem; font-size: .92rem;
  font-variant-numeric: tabular-nums; }}
th {{ text-align: left; font-weight: 600; }}
th, thead td {{ border-bottom: 1.5px solid #1c2733; padding: .35rem .9rem .35rem 0; }}
tbody td {{ border-bottom: 1px solid #e6ebf0; padding: .3rem .9rem .3rem 0; vertical-align: top; }}
td.n, th.n {{ text-align: right; }}
td.n {{ white-space: nowrap; }}
tr.force td {{ font-weight: 600; background: #eef4fb; }}
caption {{ text-align: left; color: #52616f; padding-bottom: .3rem; caption-side: top; }}
svg, img {{ max-width: 100%; height: auto; }}
code {{ font-size: .86em; overflow-wrap: anywhere; }}
a.anchor-link, .prompt, .jp-InputPrompt, .jp-OutputPrompt {{ display: none; }}
@page {{ size: letter; margin: 17mm 16mm 19mm; font: 8pt sans-serif; color: #52616f;
  @bottom-left {{ content: "{title}"; }} @bottom-right {{ content: counter(page) " of " counter(pages); }} }}
@media print {{
  html {{ font-size: 12px; }}
  body {{ font-family: sans-serif; font-size: 1rem; line-height: 1.45; padding: 0; max-width: none; }}
  h2 {{ margin-top: 1.8rem; }}
  h1, h2, h3, caption, thead, .text_cell {{ break-after: avoid; }}
  p {{ max-width: none; orphans: 3; widows: 3; }}
  tr, svg, img, caption, table.short {{ break-inside: avoid; }}
  tbody tr:nth-child(-n+3):not(:last-child) {{ break-after: avoid; }}
}}
</style></head><body>
<main>
{body}
</main></body></html>
"""


class PrintFailed(P20KitError):
    """A page was not printed."""


def write_page(executed: Path, target: Path, of: str) -> Path:
    """Write an executed notebook as a page of HTML.

    Parameters
    ----------
    executed : Path
        A notebook of nbformat 4; its first line of text is the page's title.
    target : Path
    of : str
        What it reports on; title and foot name it, on every sheet.

    Returns
    -------
    Path
        `target`; the page forbids the browser any request.
    """
    notebook = nbformat.read(executed, as_version=4)
    for cell in notebook.cells:
        # What libraries print while they work is no part of a report.
        cell["outputs"] = [o for o in cell.get("outputs", []) if o.output_type != "stream"]
        for output in cell["outputs"]:
            # A widget lives in a session; on a page it would be a script without one.
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    exporter = HTMLExporter(template_name="basic", exclude_input=True, exclude_output_prompt=True, embed_images=True)
    body, _ = exporter.from_notebook_node(notebook)
    title = next(
        (c.source.splitlines()[0].lstrip("# ") for c in notebook.cells if c.cell_type == "markdown"), "Report"
    )
    named = f"{title}, {of}".replace("<", "").replace('"', "")
    target.write_text(_PAGE.format(title=named, body=body), encoding="utf-8")
    return target


def find_browser() -> str:
    """Find the Chromium that prints.

    Raises
    ------
    PrintFailed
        If there is none.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        finding = Finding(
            "printer", "DSA VI.B", "the report", "no Chromium is installed", "Install Debian's chromium."
        )
        raise PrintFailed("the report cannot be printed", [finding])
    return found


def print_page(browser: str, page: Path, target: Path) -> None:
    """Print a page as PDF, with a browser that knows no address and keeps nothing.

    Parameters
    ----------
    browser : str
        As `find_browser` gives it.
    page, target : Path

    Raises
    ------
    PrintFailed
        If it was not printed; nothing of the page is in the message.
    """
    with TemporaryDirectory() as scratch:
        fonts = Path(scratch) / "fonts.conf"
        fonts.write_text(_FONTS.format(cache=scratch), encoding="utf-8")
        command = [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking"),
            *(f"--user-data-dir={scratch}/profile", "--no-pdf-header-footer", f"--print-to-pdf={target.resolve()}"),
            page.resolve().as_uri(),
        ]
        own = {"PATH": "/usr/bin:/bin", "HOME": scratch, "FONTCONFIG_FILE": str(fonts), "LANG": "C.UTF-8"}
        try:
            subprocess.run(command, env=own, check=True, capture_output=True, timeout=PATIENCE)
            printed = target.is_file()
        except (subprocess.SubprocessError, OSError):
            printed = False
    if not printed:
        finding = Finding("printer", "DSA VI.B", "the report", "the browser gave no PDF", "Run the match again.")
        raise PrintFailed("the report was not printed", [finding])
