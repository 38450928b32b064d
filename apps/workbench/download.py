"""The route that hands the answers out as a file."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from alnlp.errors import DataError
from alnlp_apps.workbench.workspace import Workspace


def download_routes(workspace: Workspace) -> APIRouter:
    """The routes below a project's name."""
    router = APIRouter()

    @router.get("/export")
    def export(name: str, format: str) -> Response:
        """The answers; the header Alnlp-Remarks is a JSON list of what the format cannot say."""
        project = workspace.desk(name).project
        if format not in project.formats:
            expected = ", ".join(project.formats)
            raise DataError(f"format: got {format!r}, expected one of {expected}")
        folder = tempfile.TemporaryDirectory(prefix="alnlp-")
        remarks: list[str] = []
        try:
            path = project.export(Path(folder.name) / f"answers.{format}", remark=remarks.append)
        except BaseException:
            folder.cleanup()
            raise
        return FileResponse(
            path,
            filename=f"{project.name}.{format}",
            headers={"Alnlp-Remarks": json.dumps(remarks), "Cache-Control": "no-store"},
            background=BackgroundTask(folder.cleanup),
        )

    return router
