"""What the recipes on the workbench share: its server, a trainer kept at work, and figures."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

_RUN = "import sys; from alnlp.cli import main; sys.argv = ['alnlp', *sys.argv[1:]]; main()"
_POLL_SECONDS = 0.2
_BUSY = frozenset({"waiting", "starting", "training"})


@contextmanager
def serving(project: Path) -> Iterator[str]:
    """The workbench in a process of its own, as `alnlp serve` starts it; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, "serve", project, "--no-browser"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        address = re.search(r"http://[^/\s]+", said)
        if address is None:
            raise SystemExit(f"alnlp serve: got {said!r}, expected the address that it listens on")
        _wait_for(address[0])
        yield address[0]
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(base: str) -> None:
    for _ in range(240):
        try:
            httpx.get(f"{base}/alnlp/projects")
            return
        except httpx.TransportError:
            time.sleep(0.25)
    raise SystemExit(f"{base}: does not answer")


@dataclass
class Watched:
    """What the trainer did while it was watched.

    Attributes:
        seconds: how long it was watched.
        training: of these, how many it trained or scored.
        rounds: finished meanwhile.
    """

    seconds: float = 0.0
    training: float = 0.0
    rounds: int = 0


class TrainerWatch(threading.Thread):
    """Looks at the trainer again and again; where it is to be kept at work, asks it to train."""

    def __init__(self, base: str, project: str, keep_training: bool) -> None:
        super().__init__(daemon=True)
        self._client = httpx.Client(base_url=f"{base}/alnlp/projects/{project}", timeout=60)
        self._keep_training = keep_training
        self._ending = threading.Event()
        self._settled = threading.Event()
        self._problem: str | None = None
        self._began = time.perf_counter()
        self._first_round = 0
        self.watched = Watched()

    def __enter__(self) -> Watched:
        """Begin, and return once the trainer is in the state wanted."""
        self._first_round = self._status()["round"]
        self.start()
        self._settled.wait()
        self._began = time.perf_counter()
        self.watched.training = 0.0
        return self.watched

    def __exit__(self, *exception: object) -> None:
        """End; a training that was asked for here is cancelled."""
        self.watched.seconds = time.perf_counter() - self._began
        self._ending.set()
        self.join()
        self._client.close()
        if self._problem:
            raise SystemExit(f"the trainer failed: {self._problem}")

    def run(self) -> None:
        """Until it is ended."""
        before = time.perf_counter()
        while not self._ending.wait(_POLL_SECONDS):
            status = self._status()
            state = status["trainer"]["state"]
            if state == "failed":
                self._problem = status["trainer"]["message"]
                break
            now = time.perf_counter()
            if state == "training":
                self.watched.training += now - before
            before = now
            self.watched.rounds = status["round"] - self._first_round
            if self._keep_training and state not in _BUSY:
                self._client.post("train", json={})
            if state == "training" if self._keep_training else state not in _BUSY:
                self._settled.set()
        self._settled.set()
        if self._keep_training:
            self._client.post("cancel", json={})

    def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = self._client.get("status").json()
        return status


def told(watched: Watched) -> str:
    """What the trainer did, for a person."""
    share = watched.training / watched.seconds
    return (
        f"{watched.seconds:.0f} s, training {share:.0%} of them, {watched.rounds} rounds finished"
    )


def spread(milliseconds: Sequence[float]) -> list[str]:
    """Median, 90th, 95th and 99th percentile and maximum, as cells of a table."""
    values = np.array(milliseconds)
    return [f"{np.quantile(values, q):.1f}" for q in (0.5, 0.9, 0.95, 0.99, 1.0)]


def row(*cells: object) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"
