"""The web server: routes, Gradio and the gate around both."""

from __future__ import annotations

import importlib
import os
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from alnlp.errors import ProjectError
from alnlp.project import Project
from alnlp_apps.workbench.backups import daily_backups
from alnlp_apps.workbench.gate import Gate, is_loopback
from alnlp_apps.workbench.routes import add_routes
from alnlp_apps.workbench.spoken import Spoken
from alnlp_apps.workbench.workspace import Reading, Training, Workspace

STATIC = Path(__file__).parent / "static"
PORT = 7860
_PORTS_TRIED = 50
_GRACE_SECONDS = 3
_LARGEST_UPLOAD = "2gb"
#: What choosing and measuring import late, which takes seconds where a model is trained: whoever
#: asks first is not to wait for it.
_IMPORTED_LATE = ("scipy.optimize", "sklearn.cluster", "sklearn.metrics", "sklearn.neighbors")


def serve(
    path: str | Path,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    password: str | None = None,
    browser: bool = True,
) -> None:
    """Serve the workbench until Ctrl-C.

    Args:
        path: a project, or a folder that holds projects, or is to hold them.
        host: the address to listen on; another one than this machine's own needs a password.
        port: 7860 or the next free one where None.
        password: everybody's, asked for by the browser; the user name is the annotator.
        browser: whether to open a browser.

    Raises:
        ProjectError: no password for an open address, a port that is taken, or no folder.
    """
    import uvicorn

    local = is_loopback(host)
    if not local and not password:
        raise ProjectError(
            f"host: got {host}, which others can reach, without a password; "
            "give one, or listen on 127.0.0.1"
        )
    folder, selected = locate(Path(path))
    listener = _listen(host, port)
    address = f"http://{_in_url(host)}:{listener.getsockname()[1]}/"
    app = build(folder, selected=selected, password=password or None, local=local)
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=_GRACE_SECONDS, access_log=False
    )
    print(f"alnlp workbench: {address}  (Ctrl-C ends it)", flush=True)
    if browser:
        threading.Timer(0.5, webbrowser.open, [address]).start()
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()


def build(
    folder: Path,
    *,
    trainer: Training | None = None,
    encoder: Reading | None = None,
    selected: str | None = None,
    password: str | None = None,
    local: bool = True,
) -> FastAPI:
    """The application over a workspace folder; it starts no server, and ends its trainer itself.

    Args:
        folder: whose subfolders are projects.
        trainer: a process for trainings of its own where None.
        encoder: embeds what people search for; a process of its own where None.
        selected: the project that is shown first.
        password: see `serve`.
        local: refuse requests that name another host than this machine.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
    import gradio as gr

    from alnlp_apps.workbench.screens import HEAD, build_screens, theme
    from alnlp_apps.workbench.translated import TRANSLATED

    if trainer is None:
        from alnlp.worker import Trainer

        trainer = Trainer()
    workspace = Workspace(folder, trainer, selected, alone=not local, encoder=encoder)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threading.Thread(target=_import_late, name="imports", daemon=True).start()
        try:
            with daily_backups(workspace):
                yield
        finally:
            workspace.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    add_routes(app, workspace)
    app.mount("/alnlp/static", StaticFiles(directory=STATIC))
    app.add_middleware(Spoken)
    app.add_middleware(Gate, password=password, local=local)
    return gr.mount_gradio_app(
        app,
        build_screens(workspace),
        path="/",
        app_kwargs={"openapi_url": None},
        footer_links=[],
        max_file_size=_LARGEST_UPLOAD,
        run_history=False,
        show_error=False,
        ssr_mode=False,
        theme=theme(),
        i18n=TRANSLATED,
        head=HEAD,
    )


def _import_late() -> None:
    for module in _IMPORTED_LATE:
        importlib.import_module(module)


def locate(path: Path) -> tuple[Path, str | None]:
    """The workspace folder for a path, and the project selected in it.

    Raises:
        ProjectError: the path is a file, or not there.
    """
    path = path.resolve()
    if Project.is_project(path):
        return path.parent, path.name
    if path.exists() and not path.is_dir():
        raise ProjectError(f"{path}: is a file, expected a project or a folder of projects")
    if not path.exists():
        raise ProjectError(
            f"{path}: no such folder; make a project with: alnlp new {path.name} --data FILE, or "
            "an empty folder to make projects in"
        )
    return path, None


def _listen(host: str, port: int | None) -> socket.socket:
    ports = range(PORT, PORT + _PORTS_TRIED) if port is None else [port]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    problem: OSError | None = None
    for candidate in ports:
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), candidate))
            listener.listen(128)
        except OSError as error:
            listener.close()
            problem = error
        else:
            return listener
    assert problem is not None
    where = f"{host}:{port}" if port is not None else f"{host}, ports {ports[0]} to {ports[-1]}"
    raise ProjectError(f"{where}: cannot listen there ({problem.strerror}); choose another --port")


def _in_url(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return "localhost"
    return f"[{host}]" if ":" in host else host
