"""Serve the pages as the hub's service: ``python -m enclave.web``.

The home comes from ENCLAVE_HOME, everything else from what JupyterHub tells its services.
"""

from __future__ import annotations

import logging
import sys
from urllib.parse import urlsplit

import uvicorn

from enclave.app import open_enclave
from enclave.errors import EnclaveError
from enclave.settings import WebSettings, default_home
from enclave.web import HubLogin, create_app, judged_ahead, read_ahead


def main() -> None:
    """Serve until SIGTERM."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = WebSettings.from_environment()
        enclave = open_enclave(default_home())
        read_ahead(enclave)
    except EnclaveError as error:
        logging.getLogger(__name__).error("%s", error)
        sys.exit(error.exit_code)
    app = create_app(enclave, HubLogin(settings), prefix=settings.prefix, hub=settings.hub)
    at = urlsplit(settings.service_url)
    # Longer than any proxy keeps an idle connection (15 s ours, 60 s nginx), or what a person sends over one that is
    # closed in the same moment is lost: a proxy may not send it twice.
    # Only the hub's proxy on this host reaches the port: it alone is believed about the browser's scheme.
    with judged_ahead(enclave):
        uvicorn.run(
            app, host=at.hostname or "127.0.0.1", port=at.port or 80, server_header=False, access_log=False,
            timeout_keep_alive=75, proxy_headers=True, forwarded_allow_ips="127.0.0.1", log_level="warning",
        )  # fmt: skip


if __name__ == "__main__":
    main()
