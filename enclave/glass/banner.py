"""The line above the lab, put into the page outside the sandbox, where no code of a session can change it.

With it goes the question whether the browser prefers dark pages: answered before JupyterLab asks for its settings.
"""

from __future__ import annotations

SCHEME = "enclave-scheme"
"""The cookie that says which pages a browser prefers: light or dark."""
_PREFERRED = (
    f"<script>document.cookie = '{SCHEME}=' + (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')"
    " + '; SameSite=Strict; path=' + location.pathname.split('/lab')[0]</script>"
)
_STYLE = """<style>
#main { top: 26px !important; }
#enclave-banner { position: fixed; inset: 0 0 auto 0; height: 26px; z-index: 10; box-sizing: border-box;
  padding: 0 12px; font: 12px/26px system-ui, sans-serif; color: #fff; background: #16324f;
  display: flex; justify-content: space-between; white-space: nowrap; overflow: hidden; }
</style>"""
_RULE = "Nothing leaves but through a release request"


def with_banner(page: bytes, text: str) -> bytes:
    """Return an HTML page with a line above it that says whether the browser prefers dark pages.

    Parameters
    ----------
    page : bytes
        A page of JupyterLab; any other is returned as it is.
    text : str
        HTML text without markup.
    """
    end = page.rfind(b"</body>")
    if b"jupyter-config-data" not in page or end < 0:
        return page
    line = f'{_STYLE}{_PREFERRED}<div id="enclave-banner" role="status"><span>{text}</span><span>{_RULE}</span></div>'
    return page[:end] + line.encode() + page[end:]
