"""The route that says how far suggestions sway the answers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from alnlp_apps.workbench.workspace import Workspace


def bias_routes(workspace: Workspace) -> APIRouter:
    """The routes below a project's name."""
    router = APIRouter()

    @router.get("/bias")
    def bias(name: str) -> dict[str, Any]:
        project = workspace.desk(name).project
        return {"blind_share": project.settings.blind_share, **project.bias()}

    return router
