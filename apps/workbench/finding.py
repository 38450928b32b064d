"""The routes that find examples, and ask about what was found."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request

from alnlp_apps.workbench import payloads
from alnlp_apps.workbench.gate import check_user
from alnlp_apps.workbench.workspace import Workspace

_SEARCHES_AT_ONCE = 4


def finding_routes(workspace: Workspace) -> APIRouter:
    """The routes below a project's name."""
    router = APIRouter()
    # A search may wait for a process that starts or for an index that is made: those that wait
    # must not hold all the threads that answers come in by.
    searching = CapacityLimiter(_SEARCHES_AT_ONCE)

    @router.get("/search")
    async def search(name: str, wish: Annotated[payloads.Search, Query()]) -> dict[str, Any]:
        return await run_sync(partial(_search, workspace, name, wish), limiter=searching)

    @router.post("/ask_about")
    def ask_about(request: Request, name: str, body: payloads.AskAbout) -> dict[str, Any]:
        check_user(request, body.annotator)
        project = workspace.desk(name).project
        batch = project.ask_about(body.example_ids, annotator=body.annotator, why=body.why)
        found = project.found([example.id for example in batch])
        return {
            "examples": [
                payloads.asked(example) | payloads.remarks(known, body.annotator)
                for example, known in zip(batch, found, strict=True)
            ]
        }

    return router


def _search(workspace: Workspace, name: str, wish: payloads.Search) -> dict[str, Any]:
    desk = workspace.desk(name)
    project, embedding, unread = desk.project, None, 0
    if wish.by == "meaning" or wish.like:
        unread = project.unread
        if unread:
            desk.read()
        if unread == len(project.pool):
            return {"found": [], "total": 0, "unread": unread}
        if wish.query.strip():
            embedding = desk.embed(wish.query)
        else:
            desk.expect_query()
    items, total = project.search(
        wish.query,
        by=wish.by,
        like=_ids(wish.like),
        unlike=_ids(wish.unlike),
        embedding=embedding,
        which=wish.which,
        label=wish.label,
        limit=wish.limit,
        offset=wish.offset,
    )
    found = [payloads.found(item, project.words(item.example.id)) for item in items]
    return {"found": found, "total": total, "unread": unread}


def _ids(joined: str) -> list[str]:
    return [part for part in joined.split(",") if part]
