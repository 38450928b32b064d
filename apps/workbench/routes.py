"""The JSON routes under /alnlp/, beside Gradio: asking, answering, looking."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Annotated, Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from alnlp.errors import AlnlpError, DataError, ProjectError, StoreError
from alnlp.project import Answered, Project
from alnlp.store import NewEvent
from alnlp_apps.workbench import payloads
from alnlp_apps.workbench.bias import bias_routes
from alnlp_apps.workbench.download import download_routes
from alnlp_apps.workbench.finding import finding_routes
from alnlp_apps.workbench.gate import Refused, check_user
from alnlp_apps.workbench.outlook import outlook_routes
from alnlp_apps.workbench.reviewing import review_routes
from alnlp_apps.workbench.texts import TEXTS, language
from alnlp_apps.workbench.workspace import Desk, Workspace

_LOG = logging.getLogger("alnlp.workbench")
_CHOICES_AT_ONCE = 4

Annotator = Annotated[str, Query(min_length=1, max_length=64)]
Limit = Annotated[int, Query(ge=1, le=500)]
Offset = Annotated[int, Query(ge=0, le=10**9)]


class OtherProject(AlnlpError):
    """Answers for a project that only has the same name."""


def add_routes(app: FastAPI, workspace: Workspace) -> None:
    """Add the JSON routes, and make every failure in them one line."""
    app.include_router(_session_routes(workspace), prefix="/alnlp")
    app.include_router(_project_routes(workspace), prefix="/alnlp/projects/{name}")
    app.include_router(finding_routes(workspace), prefix="/alnlp/projects/{name}")
    app.include_router(download_routes(workspace), prefix="/alnlp/projects/{name}")
    app.include_router(outlook_routes(workspace), prefix="/alnlp/projects/{name}")
    app.include_router(bias_routes(workspace), prefix="/alnlp/projects/{name}")
    app.include_router(review_routes(workspace), prefix="/alnlp/projects/{name}")
    app.add_exception_handler(AlnlpError, _failure)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Exception, _crash)


def _session_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter()

    @router.get("/texts.js")
    def texts(accept_language: Annotated[str, Header()] = "") -> Response:
        tongue = language(accept_language)
        words = json.dumps({"language": tongue, **TEXTS[tongue]}, ensure_ascii=False)
        return Response(
            f"export default {words};\n",
            media_type="text/javascript",
            headers={"Cache-Control": "no-cache", "Vary": "Accept-Language"},
        )

    @router.get("/projects")
    def projects(request: Request) -> dict[str, Any]:
        return {
            "projects": workspace.names(),
            "selected": workspace.selected,
            "user": request.scope["alnlp.user"],
        }

    return router


def _project_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter()
    # A project makes one choice after the other, and one may take seconds: those that wait must
    # not hold all the threads that answers come in by.
    choosing = CapacityLimiter(_CHOICES_AT_ONCE)

    @router.get("/state")
    def state(request: Request, name: str, annotator: Annotator) -> dict[str, Any]:
        check_user(request, annotator)
        desk = workspace.desk(name)
        return payloads.state(desk.project, desk.status())

    @router.get("/status")
    def status(name: str) -> dict[str, Any]:
        return workspace.desk(name).status()

    @router.post("/ask")
    async def ask(request: Request, name: str, body: payloads.Ask) -> dict[str, Any]:
        check_user(request, body.annotator)
        return await run_sync(handed_out, name, body, limiter=choosing)

    def handed_out(name: str, body: payloads.Ask) -> dict[str, Any]:
        desk = workspace.desk(name)
        project = desk.project
        keep = None
        if body.rerank:  # what was searched for no model is to put off
            keep = [*body.keep, *project.asked_about(body.annotator)]
        batch = project.ask(body.n, annotator=body.annotator, keep=keep)
        if not batch:
            desk.train_if_due(1)  # the last batch may be smaller than the others
        found = project.found([example.id for example in batch])
        return {
            "examples": [
                payloads.asked(example) | payloads.remarks(known, body.annotator)
                for example, known in zip(batch, found, strict=True)
            ],
            "notice": batch.notice if batch else None,  # the screen says so in its own words
            "settled": project.settled(body.keep, annotator=body.annotator),
            "lost": project.lost(body.keep, annotator=body.annotator),
        }

    @router.post("/events")
    def events(request: Request, name: str, body: payloads.Events) -> dict[str, Any]:
        check_user(request, body.annotator)
        desk = workspace.desk(name)
        if body.project is not None and body.project != desk.project.uid:
            raise OtherProject(f"project: {name!r} is another project than these answers belong to")
        usable, refused = _read_events(body)
        saved, unusable = _record(desk, usable)
        try:
            status = desk.status()
        except AlnlpError as error:  # what is on disk is saved, whatever else is wrong
            _LOG.error("%s: no status: %s", name, error)
            status = None
        return {"saved": saved, "refused": refused + unusable, "status": status}

    @router.get("/answered")
    def answered(
        request: Request, name: str, annotator: Annotator, limit: Limit = 50, offset: Offset = 0
    ) -> dict[str, Any]:
        check_user(request, annotator)
        project = workspace.desk(name).project
        newest = project.undoable(annotator, offset + limit)[offset:]
        undone = project.redoable(annotator, limit)
        return {
            "answered": _with_examples(project, annotator, newest),
            "undone": _with_examples(project, annotator, undone),
        }

    @router.get("/example")
    def example(name: str, example_id: str) -> dict[str, Any]:
        project = workspace.desk(name).project
        return payloads.found(project.found([example_id])[0], project.words(example_id))

    @router.get("/rounds")
    def rounds(name: str) -> dict[str, Any]:
        return {
            "rounds": [payloads.finished(made) for made in workspace.desk(name).project.history]
        }

    @router.post("/labels")
    def labels(name: str, body: payloads.NewLabel) -> dict[str, Any]:
        desk = workspace.desk(name)
        desk.project.add_label(body.name)
        return payloads.state(desk.project, desk.status())

    @router.post("/guidelines")
    def guidelines(name: str, body: payloads.NewGuidelines) -> dict[str, Any]:
        desk = workspace.desk(name)
        desk.project.update_settings(guidelines=body.guidelines)
        return payloads.state(desk.project, desk.status())

    @router.post("/train")
    def train(name: str, body: dict[str, Any]) -> dict[str, Any]:
        desk = workspace.desk(name)
        desk.train()
        return desk.status()

    @router.post("/cancel")
    def cancel(name: str, body: dict[str, Any]) -> dict[str, Any]:
        desk = workspace.desk(name)
        desk.cancel()
        return desk.status()

    return router


def _with_examples(
    project: Project, annotator: str, items: Sequence[Answered]
) -> list[dict[str, Any]]:
    found = project.found([item.example.id for item in items])
    return [
        payloads.answered(item, project.words(item.example.id), payloads.remarks(known, annotator))
        for item, known in zip(items, found, strict=True)
    ]


def _read_events(body: payloads.Events) -> tuple[list[NewEvent], list[dict[str, str]]]:
    usable, refused = [], []
    for raw in body.events:
        try:
            usable.append(payloads.EventIn.model_validate(raw).by(body.annotator))
        except ValidationError as error:
            refused.append({"uid": str(raw.get("uid", "")), "error": _first(error.errors())})
    return usable, refused


def _record(desk: Desk, events: Sequence[NewEvent]) -> tuple[list[str], list[dict[str, str]]]:
    """Store all at once; if one of them cannot be used, store those that can, in their order."""
    try:
        return [event.uid for event in desk.record(events)], []
    except DataError:
        pass
    saved, refused = [], []
    for event in events:
        try:
            saved += [stored.uid for stored in desk.record([event])]
        except DataError as error:
            refused.append({"uid": event.uid, "error": str(error)})
    return saved, refused


def _status_of(error: AlnlpError) -> int:
    kinds = {Refused: 403, OtherProject: 409, ProjectError: 404, DataError: 422, StoreError: 503}
    return next((status for kind, status in kinds.items() if isinstance(error, kind)), 400)


async def _failure(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AlnlpError)
    return JSONResponse({"error": str(error)}, _status_of(error))


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"error": _first(error.errors())}, 422)


async def _crash(request: Request, error: Exception) -> JSONResponse:
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JSONResponse({"error": f"unexpected failure ({type(error).__name__})"}, 500)


def _first(problems: Sequence[Any]) -> str:
    problem = problems[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}, got {problem.get('input')!r:.60}"
