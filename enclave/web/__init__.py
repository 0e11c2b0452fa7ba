"""The pages of the control plane: what each person sees of a project, and the few things they do there.

Rendered here, without scripts, behind JupyterHub's sign-on; each page is JSON too with ``?format=json``.
"""

from enclave.web.application import FORMS, PAGES, create_app
from enclave.web.identity import HubLogin, Login, Sessions, SignedIn
from enclave.web.looked import judged_ahead
from enclave.web.process import read_ahead

__all__ = ["FORMS", "PAGES", "HubLogin", "Login", "Sessions", "SignedIn", "create_app", "judged_ahead", "read_ahead"]
