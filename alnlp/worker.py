"""Training beside the work: one child process trains, one project after the other.

The parent (`Trainer`) never imports torch. It sends one JSON line per wish to the child's standard
input and reads one JSON line per report from its standard output. The child ends when its input
does, so that a killed parent leaves no trainer behind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Literal

from alnlp import hardware
from alnlp.errors import AlnlpError, Cancelled
from alnlp.progress import Step

Work = Literal["train", "prepare"]
State = Literal["idle", "waiting", "starting", "training", "failed", "cancelled"]
BUSY: frozenset[State] = frozenset({"waiting", "starting", "training"})

_NICENESS = 19
_REPORT_EVERY_S = 0.2
_DIED = "the trainer stopped unexpectedly; the next training starts a new one"


@dataclass(frozen=True)
class TrainerStatus:
    """What the trainer does for one project.

    Attributes:
        state: "waiting" (behind another project), "starting", "training", or at rest: "idle",
            "failed", "cancelled".
        phase: the present phase of the work, e.g. "train" or "score".
        done: units finished in this phase.
        total: units of this phase, None where nobody knows.
        unit: what is counted.
        rate: units a second in this phase, None at its beginning.
        seconds_left: until the end of this phase, None where nobody knows.
        round: the newest round at the last rest, None before the first.
        message: one line for the person after a failure.
    """

    state: State = "idle"
    phase: str = ""
    done: int = 0
    total: int | None = None
    unit: str = ""
    rate: float | None = None
    seconds_left: float | None = None
    round: int | None = None
    message: str = ""

    @property
    def busy(self) -> bool:
        """Whether it waits or works."""
        return self.state in BUSY


class Trainer:
    """The parent's side: wishes in, statuses out.

    A wish for a project that is being trained is remembered once, however often it is made.
    """

    def __init__(self) -> None:
        self._statuses: dict[str, TrainerStatus] = {}
        self._changed = threading.Condition()
        self._child: subprocess.Popen[str] | None = None

    def request(self, folder: Path) -> None:
        """Train the project in this folder as soon as the trainer is free."""
        self._wish("train", folder)

    def prepare(self, folder: Path) -> None:
        """Let the pretrained network read the pool, see `Project.prepare`."""
        self._wish("prepare", folder)

    def cancel(self, folder: Path) -> None:
        """Stop training this project; its newest finished round stays the newest."""
        with self._changed:
            if self._child is not None and self.status(folder).busy:
                self._send({"cancel": str(folder.resolve())})

    def status(self, folder: Path) -> TrainerStatus:
        """What is done for the project in this folder."""
        with self._changed:
            return self._statuses.get(str(folder.resolve()), TrainerStatus())

    def wait(self, folder: Path, timeout: float | None = None) -> TrainerStatus:
        """Block until the trainer rests from this project, at most `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self.status(folder).busy, timeout)
            return self.status(folder)

    def close(self) -> None:
        """End the child; what it was training is given up."""
        with self._changed:
            child, self._child = self._child, None
            self._give_up("cancelled", "the trainer was closed")
        if child is not None:
            child.kill()
            child.wait()

    def _wish(self, what: Work, folder: Path) -> None:
        key = str(folder.resolve())
        with self._changed:
            if not self.status(folder).busy:
                self._set(key, TrainerStatus(state="waiting", round=self.status(folder).round))
            self._send({what: key})

    def _send(self, wish: dict[str, str]) -> None:
        line = json.dumps(wish) + "\n"
        try:
            if self._child is not None and self._child.poll() is None:
                _write(self._child.stdin, line)
                return
        except OSError:  # it died in this very moment
            pass
        if self._child is not None:
            self._give_up("failed", _DIED, but_for=wish.get("train") or wish.get("prepare"))
        if "cancel" in wish:
            return  # with the child all that there was to cancel is gone
        self._child = self._start()
        _write(self._child.stdin, line)

    def _start(self) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-m", "alnlp.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**hardware.WAITING, **os.environ},
        )
        threading.Thread(target=self._listen, args=(child,), daemon=True).start()
        return child

    def _listen(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            report = json.loads(line)
            with self._changed:
                if self._child is child:
                    self._set(report.pop("folder"), TrainerStatus(**report))
        child.wait()
        with self._changed:
            if self._child is child:
                self._child = None
                self._give_up("failed", _DIED)

    def _give_up(self, state: State, message: str, but_for: str | None = None) -> None:
        for key, status in list(self._statuses.items()):
            if status.busy and key != but_for:
                self._set(key, replace(status, state=state, message=message))

    def _set(self, key: str, status: TrainerStatus) -> None:
        self._statuses[key] = status
        self._changed.notify_all()


def _write(stream: IO[str] | None, line: str) -> None:
    assert stream is not None
    stream.write(line)
    stream.flush()


class _Child:
    """The child's side: a reader thread takes wishes, the main thread fulfils them."""

    def __init__(self, reports: IO[str]) -> None:
        self._reports = reports
        self._wishes: OrderedDict[str, Work] = OrderedDict()
        self._changed = threading.Condition()
        self._running: str | None = None
        self._running_what: Work | None = None
        self._in_the_way = False
        self._cancelled = False
        self._status = TrainerStatus()
        self._phase_began = 0.0
        self._reported = 0.0

    def read_wishes(self, lines: IO[str]) -> None:
        for line in lines:
            wish = json.loads(line)
            with self._changed:
                if "train" in wish:
                    self._wishes[wish["train"]] = "train"
                    self._in_the_way = self._running_what == "prepare"
                elif "prepare" in wish:
                    self._wishes.setdefault(wish["prepare"], "prepare")
                elif wish["cancel"] == self._running:
                    self._wishes.pop(wish["cancel"], None)
                    self._cancelled = True
                elif self._wishes.pop(wish["cancel"], None):
                    self._report(wish["cancel"], TrainerStatus(state="cancelled"))
                self._changed.notify_all()
        os._exit(0)  # the parent is gone, and the main thread may be deep inside a training step

    def work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wishes)
                # Somebody may be waiting for a training; a first reading is nice to have.
                trainings = (folder for folder, what in self._wishes.items() if what == "train")
                folder = next(trainings, next(iter(self._wishes)))
                what = self._wishes.pop(folder)
                self._running, self._running_what = folder, what
                self._cancelled = self._in_the_way = False
                self._report(folder, TrainerStatus(state="starting"))
            status = self._fulfil(what, folder)
            with self._changed:
                self._running = self._running_what = None
                if self._in_the_way and not self._cancelled:
                    self._wishes.setdefault(folder, what)  # what was read so far is kept
                if folder in self._wishes:
                    status = replace(status, state="waiting")
                self._report(folder, status)

    def _fulfil(self, what: Work, folder: str) -> TrainerStatus:
        from alnlp.project import Project

        try:
            project = Project.open(folder)
            try:
                if what == "prepare":
                    project.prepare(progress=self._progress)
                else:
                    project.train(score=True, progress=self._progress)
                newest = project.newest_round
            finally:
                project.close()
        except Cancelled:
            return TrainerStatus(state="cancelled")
        except AlnlpError as error:
            return TrainerStatus(state="failed", message=str(error))
        except Exception as error:  # whatever it was, the next wish must find a trainer alive
            return TrainerStatus(state="failed", message=f"{type(error).__name__}: {error}")
        return TrainerStatus(state="idle", round=newest.number if newest else None)

    def _progress(self, step: Step) -> None:
        if self._cancelled or self._in_the_way:
            raise Cancelled("training was cancelled")
        now = time.monotonic()
        new_phase = step.phase != self._status.phase or step.done < self._status.done
        if new_phase:
            self._phase_began = now
        elapsed = now - self._phase_began
        rate = step.done / elapsed if step.done and elapsed > 0 else None
        left = (step.total - step.done) / rate if rate and step.total is not None else None
        self._status = TrainerStatus("training", **asdict(step), rate=rate, seconds_left=left)
        if new_phase or step.done == step.total or now - self._reported >= _REPORT_EVERY_S:
            self._reported = now
            assert self._running is not None
            self._report(self._running, self._status)

    def _report(self, folder: str, status: TrainerStatus) -> None:
        with self._changed:  # two threads report
            _write(self._reports, json.dumps({"folder": folder, **asdict(status)}) + "\n")


def main() -> None:
    """Run as the child process."""
    os.nice(_NICENESS)
    # Libraries print where they like; the reports keep the real standard output to themselves.
    reports = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    child = _Child(reports)
    threading.Thread(target=child.read_wishes, args=(sys.stdin,), daemon=True).start()
    child.work()


if __name__ == "__main__":
    main()
