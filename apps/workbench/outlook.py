"""The route that says where a project stands and what more labels would bring."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from alnlp_apps.workbench.workspace import Workspace

Target = Annotated[float | None, Query(gt=0, le=1)]


def outlook_routes(workspace: Workspace) -> APIRouter:
    """The routes below a project's name."""
    router = APIRouter()

    @router.get("/outlook")
    def outlook(name: str, target: Target = None) -> dict[str, Any]:
        return workspace.desk(name).project.outlook(target)

    return router
