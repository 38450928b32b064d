"""The routes of the inbox of suspicious answers."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Query

from alnlp.project import Counterpart, Project, Suspect
from alnlp_apps.workbench.workspace import Workspace

Limit = Annotated[int, Query(ge=1, le=500)]

_LOOKS_AT_ONCE = 2


def review_routes(workspace: Workspace) -> APIRouter:
    """The routes below a project's name."""
    router = APIRouter()
    # A look at thousands of answers takes seconds: those that wait for one must not hold the
    # threads that answers come in by.
    looking = CapacityLimiter(_LOOKS_AT_ONCE)

    @router.get("/suspects")
    async def suspects(name: str, limit: Limit = 50) -> dict[str, Any]:
        return await run_sync(partial(_suspects, workspace, name, limit), limiter=looking)

    @router.post("/read")
    def read(name: str, body: dict[str, Any]) -> dict[str, Any]:
        desk = workspace.desk(name)
        desk.read()
        return desk.status()

    return router


def _suspects(workspace: Workspace, name: str, limit: int) -> dict[str, Any]:
    project = workspace.desk(name).project
    found = project.suspects(limit)
    return {
        "suspects": [_suspect(project, one) for one in found],
        "total": found.total,
        "notice": found.notice,
        "by_words": found.by_words,
    }


def _suspect(project: Project, one: Suspect) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "example": _example(project, one),
        "given": one.given,
        "answers": [{"annotator": by, "answer": said} for by, said in one.answers.items()],
        "proposed": one.proposed,
        "score": one.score,
        "reason": one.reason,
        "others": [
            {
                "example": _example(project, other),
                "given": other.given,
                "here": other.here,
                "there": other.there,
            }
            for other in one.others
        ],
    }


def _example(project: Project, of: Suspect | Counterpart) -> dict[str, Any]:
    example = of.example
    return {"id": example.id, "text": example.text, "words": project.words(example.id)}
