"""The proxy's command line: configurable-http-proxy's, so that the hub starts it unchanged."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from aiohttp import web

from enclave.glass import Activity, Glass, Meter, Refusals, Routes, Shown, earlier_today
from enclave.glass.api import api
from enclave.glass.routes import Route
from hub_config import posted, told
from hub_config.config import HubConfig, lab_files, load
from hub_config.lines import Lines
from hub_config.tls import Credentials, redirecting

FLUSH_SECONDS = 5


def main() -> None:
    """Run until SIGTERM."""
    options = _options()
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    asyncio.run(_serve(options, load()))


async def _serve(options: argparse.Namespace, config: HubConfig) -> None:
    with closing(Lines(config.shown)) as shown, config.shown.open(encoding="utf-8") as before:
        earlier = earlier_today(before, date.today())

        def record(entry: Shown) -> None:
            shown.add(entry.line())

        def write_down() -> None:
            # while the disk is full the meter keeps its counts, and no more than one line a server waits
            if shown.settle():
                meter.flush()
                shown.settle()

        routes = Routes()
        meter = Meter(config.daily_bytes, date.today, record, earlier)
        refusals = Refusals(told.reader(config.refused), told.writer(config.refused))
        activity = Activity(told.reader(config.activity), told.writer(config.activity))
        glass = Glass(
            routes,
            meter,
            lab_files(),
            error_target=options.error_target,
            now=lambda: datetime.now(UTC).isoformat(),
            posted=posted.reader(config.posted),
            refused=refusals.note,
            activity=activity,
            scheme=config.own_url.partition(":")[0],
        )
        token = os.environ.pop("CONFIGPROXY_AUTH_TOKEN", "")

        async def dropped(route: Route) -> None:
            # a server stops: what it showed must stand in the file before the hub closes its session
            await glass.drop(route)
            write_down()
            refusals.forget(route.server or "")
            activity.forget(route.server or "")

        shows = Credentials(Path(options.ssl_cert), Path(options.ssl_key)) if options.ssl_cert else None
        public = Place(options.ip, options.port, options.socket, shows.context if shows else None)
        runners = [
            await _listen(api(routes, token, dropped), Place(options.api_ip, options.api_port, options.api_socket)),
            await _listen(glass.application(), public),
        ]
        if options.redirect_port:
            runners.append(await _listen(redirecting(config.own_url), Place(options.ip, options.redirect_port)))
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), FLUSH_SECONDS)
            write_down()
            refusals.flush()
            activity.flush()
            if shows:
                shows.renew()
        for runner in reversed(runners):
            await runner.cleanup()
        write_down()
        activity.flush()


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen: a unix socket, or an address and port, over TLS if there is a context."""

    host: str
    port: int
    socket: str | None = None
    tls: ssl.SSLContext | None = None


async def _listen(application: web.Application, place: Place) -> web.AppRunner:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1, handler_cancellation=True)
    await runner.setup()
    site: web.BaseSite
    if place.socket:
        Path(place.socket).unlink(missing_ok=True)
        site = web.UnixSite(runner, place.socket)
    else:
        site = web.TCPSite(runner, place.host or None, place.port, ssl_context=place.tls)
    await site.start()
    return runner


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--ip", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--socket")
    parser.add_argument("--api-ip", default="127.0.0.1")
    parser.add_argument("--api-port", type=int, default=8001)
    parser.add_argument("--api-socket")
    parser.add_argument("--ssl-cert")
    parser.add_argument("--ssl-key")
    parser.add_argument("--redirect-port", type=int, default=0)
    parser.add_argument("--error-target", default="")
    parser.add_argument("--log-level", default="info")
    return parser.parse_args()


if __name__ == "__main__":
    main()
