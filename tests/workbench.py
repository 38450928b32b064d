"""What the tests of the workbench share: texts, projects, a server in a thread, and a browser."""

import random
import socket
import threading
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from alnlp.project import Project

LABELS = ("refund", "delivery", "billing")
_WORDS = """
"parcel money invoice kettle courier tracking card charge grinder leak password login steam broken
missing wrong late early return exchange voucher price bean roast filter handle milk spring summer
water pump seal noise light button screen update phone box paper tape stamp street door neighbour
holiday weekend morning evening order number answer letter question advice manual
""".split()  # noqa: SIM905


def sentences(n: int, seed: int = 0) -> list[str]:
    """n texts of which no two are near-duplicates."""
    draw = random.Random(seed)
    return [f"{' '.join(draw.sample(_WORDS, 9))}." for _ in range(n)]


def write_csv(path: Path, texts: Sequence[str], header: str = "text") -> Path:
    """A csv file of one column."""
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([header])
        writer.writerows([text] for text in texts)
    return path


def make_project(folder: Path, texts: Sequence[str], **options) -> None:
    """A project over some texts, closed again."""
    source = write_csv(folder.parent / f"{folder.name}.csv", texts)
    options = {"task": "classification", "labels": LABELS} | options
    Project.create(folder, data=source, **options).close()


class IdleTrainer:
    """A trainer that only counts what it is asked for."""

    def __init__(self) -> None:
        self.requests: list[Path] = []
        self.state = "idle"

    def request(self, folder: Path) -> None:
        self.requests.append(folder)

    def prepare(self, folder: Path) -> None:
        self.prepared = folder

    def cancel(self, folder: Path) -> None:
        self.state = "cancelled"

    def status(self, folder: Path) -> SimpleNamespace:
        return SimpleNamespace(
            state=self.state, phase="", done=0, total=None, unit="", rate=None,
            seconds_left=None, round=None, message="",
        )  # fmt: skip

    def close(self) -> None:
        self.state = "closed"


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(folder: Path, port: int | None = None, **options):
    """The workbench over a folder, in a thread; gives its address."""
    import uvicorn

    from alnlp_apps.workbench import build

    port = port or free_port()
    config = uvicorn.Config(
        build(folder, **options),
        host="127.0.0.1",
        port=port,
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    started = threading.Event()
    startup = server.startup

    async def announce(sockets=None):
        await startup(sockets)
        started.set()

    server.startup = announce
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert started.wait(60), "the server did not start"
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the server did not stop"


class Watched:
    """A page that remembers what must never happen: errors, and requests to other hosts."""

    def __init__(self, context, base: str) -> None:
        self.page = context.new_page()
        self.base = base
        self.problems: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        self.page.on("request", self._asked)

    def _heard(self, message) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def _asked(self, request) -> None:
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.problems.append(f"request: {request.url}")

    def open(self, project: str | None = None):
        """Go to the workbench, wait for it, give the page."""
        self.page.goto(f"{self.base}/" + (f"?project={project}" if project else ""))
        self.page.wait_for_selector(".al-header")
        return self.page
