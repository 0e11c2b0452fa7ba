"""The application: routes, who is signed in, forms that carry their token, headers, and how a refusal looks."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from enclave.agreement import InForce
from enclave.app import Enclave
from enclave.errors import EnclaveError, Fault, Finding, Refused, no_room, refuse
from enclave.ledger import Entry
from enclave.web import (
    actions,
    agency,
    asking,
    closing,
    controls,
    decisions,
    drafts,
    exhibits,
    governing,
    home,
    inbox,
    incidents,
    intake,
    ledger,
    opendata,
    oversight,
    overview,
    papers,
    people,
    programme,
    project,
    queue,
    request,
    responding,
    running,
    suspension,
)
from enclave.web.headers import DOCUMENT_POLICY, Headers, Unbroken
from enclave.web.identity import Login, SignedIn
from enclave.web.look import Look
from enclave.web.openapi import described
from enclave.web.posted import Posted, posted
from enclave.web.process import Turns
from enclave.web.visit import Act, Document, Done, Page, Show, Visit

log = logging.getLogger(__name__)

PAGES: Mapping[str, Show] = {
    "/": home.show,
    "/messages": inbox.show,
    "/projects/{project}": project.show,
    "/agency": agency.show,
    "/agency/{agency}/suspension": suspension.show,
    "/overview": overview.show,
    "/overview/years/{name}": overview.year,
    "/overview/years/{name}/report.pdf": overview.printed_year,
    "/incidents": incidents.show,
    "/programme": programme.show,
    "/agreements": drafts.show,
    "/agreements/{agreement}": drafts.draft,
    "/controls": controls.show,
    "/ledger": ledger.show,
    "/ledger/checkpoint": ledger.checkpoint,
    "/ledger/receipts/{name}": ledger.receipt,
    "/open-data": opendata.show,
    "/open-data/{request}": opendata.entry,
    "/projects/{project}/decisions": decisions.show,
    "/projects/{project}/decisions/ask": asking.show,
    "/projects/{project}/people": people.show,
    "/projects/{project}/people/{person}/exhibits/{kind}": exhibits.form,
    "/projects/{project}/people/{person}/exhibits/{kind}/signed": exhibits.signed,
    "/projects/{project}/exhibits": exhibits.show,
    "/projects/{project}/papers": papers.show,
    "/projects/{project}/papers/{name}": papers.document,
    "/projects/{project}/intake": intake.show,
    "/projects/{project}/matching": oversight.matches,
    "/projects/{project}/matching/run": running.show,
    "/projects/{project}/matching/{run}/report": oversight.match_report,
    "/projects/{project}/matching/{run}/report.pdf": oversight.printed_report,
    "/projects/{project}/matching/{run}/review": oversight.match_review,
    "/projects/{project}/requests": queue.show,
    "/projects/{project}/requests/{request}": request.show,
    "/projects/{project}/requests/{request}/leaving/{name}": request.leaving,
    "/projects/{project}/destruction": oversight.destructions,
    "/projects/{project}/destruction/early": closing.show,
    "/projects/{project}/destruction/{name}": oversight.certificate,
    "/projects/{project}/destruction/{name}/certificate.pdf": oversight.printed_certificate,
    "/projects/{project}/destruction/{name}/certificate.json": oversight.certificate_data,
    "/projects/{project}/ledger": ledger.show,
    "/projects/{project}/ledger/checkpoint": ledger.checkpoint,
    "/projects/{project}/ledger/receipts/{name}": ledger.receipt,
}
"""Every page, by its address below the prefix."""

FORMS: Mapping[str, Act] = {
    "/programme/complain": governing.complain,
    "/programme/cases/{case}/act": governing.act,
    "/programme/cases/{case}/{kind}/answer": programme.answer,
    "/programme/interruptions/announce": governing.announce,
    "/programme/interruptions/{name}/back": governing.back,
    "/programme/exceptions/grant": governing.grant,
    "/programme/exceptions/met": governing.meet,
    "/agreements/{agreement}/register": drafts.register,
    "/open-data/write": opendata.write,
    "/messages/read": inbox.mark_read,
    "/agency/{agency}/suspend": suspension.pull,
    "/agency/{agency}/reinstate": suspension.reinstate,
    "/agency/{agency}/notices/{project}/{name}/secured": responding.secured,
    "/incidents/{case}/step": incidents.take_step,
    "/incidents/open": responding.open_case,
    "/incidents/report": responding.report,
    "/incidents/hold": responding.hold,
    "/incidents/lift": responding.lift,
    "/projects/{project}/notices/{name}/supplement": responding.supplement,
    "/projects/{project}/notices/{name}/affects": responding.affects,
    "/projects/{project}/notices/{name}/review": responding.review,
    "/projects/{project}/notices/{name}/resolve": responding.resolve,
    "/projects/{project}/decisions/refuse-element": decisions.refuse_element,
    "/projects/{project}/decisions/{kind}/ask": asking.ask,
    "/projects/{project}/decisions/{kind}/available": decisions.confirm_available,
    "/projects/{project}/decisions/{kind}/answer": decisions.answer,
    "/projects/{project}/people/enlist": people.enlist,
    "/projects/{project}/people/{person}/exhibits/{kind}/record": exhibits.record,
    "/projects/{project}/exhibits/{kind}/sign": exhibits.sign,
    "/projects/{project}/people/{person}/review": people.review,
    "/projects/{project}/people/{person}/reinstate": people.reinstate,
    "/projects/{project}/people/{person}/approve": people.approve,
    "/projects/{project}/people/{person}/withdraw": people.withdraw,
    "/projects/{project}/papers/add": papers.add,
    "/projects/{project}/papers/sign": papers.sign,
    "/projects/{project}/papers/designate": papers.designate,
    "/projects/{project}/papers/{name}/tick": papers.tick,
    "/projects/{project}/papers/{name}/verify": papers.verify,
    "/projects/{project}/papers/{name}/withdraw": papers.withdraw,
    "/projects/{project}/intake/schedule": intake.schedule,
    "/projects/{project}/intake/keys": intake.register_key,
    "/projects/{project}/tell": actions.tell,
    "/projects/{project}/requests/collect": actions.collect,
    "/projects/{project}/requests/{request}/rerun": actions.rerun,
    "/projects/{project}/requests/{request}/clear": actions.clear,
    "/projects/{project}/requests/{request}/confirm": actions.confirm,
    "/projects/{project}/requests/{request}/return": actions.give_back,
    "/projects/{project}/requests/{request}/withdraw": actions.withdraw,
    "/projects/{project}/requests/{request}/waive": actions.waive,
    "/projects/{project}/requests/{request}/publish": actions.publish,
    "/projects/{project}/requests/{request}/final-copy": actions.file_copy,
    "/projects/{project}/destruction/early": closing.destroy,
    "/projects/{project}/destruction/{name}/signed": oversight.certificate_signed,
    "/ledger/verify": ledger.verify,
    "/projects/{project}/ledger/verify": ledger.verify,
    "/projects/{project}/matching/run": running.run,
    "/projects/{project}/matching/cut": running.cut,
    "/projects/{project}/matching/{run}/agree": actions.agree,
    "/projects/{project}/matching/{run}/open-review": actions.open_review,
    "/projects/{project}/matching/{run}/close-review": actions.close_review,
}
"""Every form's address; each takes POST only."""

DOCUMENTS = frozenset(
    f"/projects/{{project}}/{form}"
    for form in (
        "papers/add",
        "papers/designate",
        "intake/keys",
        "requests/{request}/final-copy",
        "people/{person}/exhibits/{kind}/record",
    )
)
"""Forms with which a document may come."""

_plain: TypeAdapter[Any] = TypeAdapter(Any)


class Pages:
    """The pages of one installation.

    Parameters
    ----------
    enclave : Enclave
    login : Login
        Says who is at the browser.
    prefix, hub : str
        Paths under which the pages and the hub stand; both begin and end with a slash.
    """

    def __init__(self, enclave: Enclave, login: Login, prefix: str, hub: str) -> None:
        self._enclave, self._login, self._prefix, self._hub = enclave, login, prefix, hub
        self._look = Look(prefix, hub, enclave.today)
        self._said: dict[str, str] = {}
        self._turns = Turns()

    def routes(self) -> list[BaseRoute]:
        """Give every route."""
        found: list[BaseRoute] = [Route(path, self._page(show), methods=["GET"]) for path, show in PAGES.items()]
        found += [Route(path, self._form(act, path in DOCUMENTS), methods=["POST"]) for path, act in FORMS.items()]
        static = StaticFiles(directory=Path(__file__).with_name("static"))
        sign_out = Route("/sign-out", self._sign_out, methods=["POST"])
        openapi = Route("/openapi.json", self._described, methods=["GET"])
        return [*found, openapi, sign_out, Mount("/static", static), *self._login.routes()]

    def _page(self, show: Show) -> Any:
        async def answer(asked: Request) -> Response:
            me = await self._login.who(asked)
            if me is None:
                return self._to_login(asked)
            visit = Visit(self._enclave, me, asked.path_params, hub=self._hub, query=asked.query_params)
            return await self._turns.take(lambda: self._given(asked, me, show(visit)))

        return answer

    def _form(self, act: Act, documents: bool) -> Any:
        async def answer(asked: Request) -> Response:
            me, form = await self._posted(asked, documents=documents)
            visit = Visit(self._enclave, me, asked.path_params, form.fields, self._hub, documents=form.documents)
            done = await run_in_threadpool(act, visit)
            if isinstance(done, Done):
                self._said[me.csrf] = done.said
                return RedirectResponse(f"{self._prefix}{done.path}", 303)
            return await self._turns.take(lambda: self._given(asked, me, done))

        return answer

    async def _posted(self, asked: Request, *, documents: bool = False) -> tuple[SignedIn, Posted]:
        """Give person and form of a POST that came from one of our own pages."""
        me = await self._login.who(asked)
        if me is None:
            raise HTTPException(401)
        asked.state.me = me
        # A browser sends JSON in another way, and we do not take it.
        form = await posted(asked, documents=documents)
        token = next(iter(form.fields.get("csrf", ())), "")
        other_site = asked.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
        if other_site or not secrets.compare_digest(token.encode(), me.csrf.encode()):
            raise refuse("form", "csrf", "DSA VI.E", "it did not come from your own page", "Open the page again.")
        return me, form

    def _given(self, asked: Request, me: SignedIn, given: Page[Any] | Document) -> Response:
        if isinstance(given, Document):
            disposition = f'attachment; filename="{given.download}"' if given.download else "inline"
            headers = {"Content-Security-Policy": DOCUMENT_POLICY, "Content-Disposition": disposition}
            if isinstance(given.content, bytes):
                return Response(given.content, media_type=given.media_type, headers=headers)
            return FileResponse(given.content, media_type=given.media_type, headers=headers)
        if _wants_json(asked):
            return Response(_plain.dump_json(given.model), media_type="application/json")
        said = self._said.pop(me.csrf, "")
        return Response(self._look.page(given, me, said), media_type="text/html")

    async def _described(self, asked: Request) -> Response:
        if await self._login.who(asked) is None:
            raise HTTPException(401)
        return JSONResponse(self._description)

    @cached_property
    def _description(self) -> dict[str, Any]:
        return described(PAGES, FORMS, DOCUMENTS, self._prefix)

    def _to_login(self, asked: Request) -> Response:
        if _wants_json(asked):
            raise HTTPException(401)
        return RedirectResponse(f"{self._prefix}login?next={quote(self._prefix.rstrip('/') + _path(asked))}", 302)

    async def _sign_out(self, asked: Request) -> Response:
        await self._posted(asked)
        answer = RedirectResponse(self._login.sign_out(asked), 303)
        answer.headers["Clear-Site-Data"] = '"cache"'
        return answer

    # --- what goes wrong --------------------------------------------------------------------------

    async def refused(self, asked: Request, error: Exception) -> Response:
        """Show every finding of what the rooms raise; enter what was refused at this door.

        A ledger that takes nothing does not take that either; the person reads why all the same.
        """
        if not isinstance(error, EnclaveError):  # pragma: no cover - Starlette registers us for these alone
            raise error
        me = await self._login.who(asked)
        if isinstance(error, Refused) and me is not None:
            rules = {"rules": [finding.rule for finding in error.findings], "method": asked.method}
            entry = Entry(
                me.name, "page.refuse", asked.path_params.get("project", ""), self._project(asked),
                error.findings[0].clause if error.findings else "", "refused", rules,
            )  # fmt: skip
            with suppress(Refused):
                await run_in_threadpool(self._enclave.store.enter, entry)
        if isinstance(error, Fault):
            log.error("fault: %s", error.subject)
        return self._problem(asked, me, error.http_status, error.subject, error.findings)

    async def unanswered(self, asked: Request, error: Exception) -> Response:
        """Show 401, 404 and their like in our own words."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        me = await self._login.who(asked)
        words = {401: "sign in first", 404: "there is no such page", 405: "this address takes no such request"}
        return self._problem(asked, me, status, words.get(status, "the request cannot be taken"), ())

    def broken(self, scope: Scope, error: Exception) -> Response:
        """Say that it is our fault and nothing else, but where there is no room left: that passes."""
        full = no_room(error)
        subject = full.subject if full else "something here is broken; tell the Operating Group"
        return self._problem(Request(scope), None, 500, subject, full.findings if full else ())

    def _problem(
        self, asked: Request, me: SignedIn | None, status: int, subject: str, findings: tuple[Finding, ...]
    ) -> Response:
        if _wants_json(asked):
            return JSONResponse({"error": subject, "findings": [f.as_dict() for f in findings]}, status)
        return Response(self._look.problem(status, subject, findings, me), status, media_type="text/html")

    def _project(self, asked: Request) -> str:
        """Give the project of the address where it is a registered one; an invented one is nobody's register."""

        with self._enclave.store.view() as view:
            known = view.get(InForce, asked.path_params.get("project", ""))
        return known.project if known else ""


def create_app(enclave: Enclave, login: Login, *, prefix: str = "/", hub: str = "/hub/") -> Starlette:
    """Put the pages of an installation together.

    Parameters
    ----------
    login : Login
        `HubLogin` in production.
    prefix, hub : str
        Paths of the pages and of the hub; both begin and end with a slash.
    """
    pages = Pages(enclave, login, prefix, hub)
    routes = pages.routes()
    app = Starlette(
        routes=[Mount(prefix.rstrip("/"), routes=routes)] if prefix != "/" else routes,
        exception_handlers={EnclaveError: pages.refused, HTTPException: pages.unanswered},
        middleware=[Middleware(Headers), Middleware(Unbroken, answer=pages.broken)],
    )
    app.router.redirect_slashes = False
    return app


def _wants_json(asked: Request) -> bool:
    return asked.query_params.get("format") == "json"


def _path(asked: Request) -> str:
    """Give the address below the prefix, with its query, as the browser wrote it."""
    path = asked.scope["path"][len(asked.scope.get("root_path", "")) :]
    return f"{path}?{asked.url.query}" if asked.url.query else path


__all__ = ["FORMS", "PAGES", "Pages", "create_app"]
