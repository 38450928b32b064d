"""Fifty annotators label one project at once: is an example handed out twice, is an answer lost?

    python recipes/annotators.py --seconds 120

Each is an HTTP client that does what the browser does: keeps a queue and fills it up in the
background, sends every answer by itself and again if no reply comes, looks at the status, has the
rest of its queue ranked anew after a round. Some replies are dropped on purpose, so that answers
arrive twice. The texts are made up and the answers drawn at random. A project gives each example to
one person, so that two who hold the same one are a fault.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from benchmark import whole
from serving import TrainerWatch, row, serving, spread
from serving import told as in_words

from alnlp import Project
from alnlp.bench.scale import sentences
from alnlp.project.creating import STORE
from alnlp.store import Store

LABELS = ("delivery", "refund", "billing", "account", "fault", "question")
# As in static/queue.js and static/session.js.
ASK, REFILL, KEEP = 20, 8, 5
POLL, POLL_WHILE_TRAINING = 5.0, 1.5
#: Every so many answers, one is sent again although its reply came.
SENT_TWICE = 50
#: Answers there are before, so that there is something to train on, and by whom.
ANSWERED, BEFORE = 60, "before"
TRIES = 5


@dataclass
class Seen:
    """What all clients together saw."""

    holders: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)  # uid -> example, as the server confirmed
    faults: list[str] = field(default_factory=list)
    retries: int = 0
    blocked: float = 0.0
    milliseconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


class Annotator:
    """One client with its queue."""

    def __init__(
        self, name: str, client: httpx.AsyncClient, seen: Seen, pause: float, seed: int
    ) -> None:
        self.name = name
        self.client = client
        self.seen = seen
        self.pause = pause
        self.rng = random.Random(seed)
        self.queue: list[dict[str, Any]] = []
        self.answered: set[str] = set()
        self.asking: asyncio.Task[None] | None = None
        self.reader: str | None = None

    async def work(self, ending: float) -> None:
        """Label until the time is over, and wait for what is under way."""
        polling = asyncio.create_task(self._poll(ending))
        await asyncio.sleep(self.rng.uniform(0, self.pause))
        while time.perf_counter() < ending:
            if len(self.queue) < REFILL:
                self._ask()
            if not self.queue:
                began = time.perf_counter()
                await self._asked()
                self.seen.blocked += time.perf_counter() - began
                continue
            await self._tell(self.queue[0])
            await asyncio.sleep(self.rng.uniform(0, 2 * self.pause))
        await self._asked()
        await polling

    async def _tell(self, example: dict[str, Any]) -> None:
        event = {
            "uid": uuid.uuid4().hex, "kind": "label", "example_id": example["id"],
            "answer": self.rng.choice(LABELS), "suggestion": example["suggestion"],
            "confidence": example["confidence"], "strategy": example["strategy"],
            "round": example["round"], "seconds": self.pause,
        }  # fmt: skip
        body = {"annotator": self.name, "events": [event]}
        for _ in range(2 if self.rng.randrange(SENT_TWICE) == 0 else 1):
            reply = await self._call("events", body)
            if reply["saved"] != [event["uid"]]:
                self.seen.faults.append(f"refused: {reply['refused']}")
        self.seen.told[event["uid"]] = example["id"]
        self.answered.add(example["id"])
        self.queue.remove(example)

    def _ask(self, rerank: bool = False) -> None:
        if self.asking is None or self.asking.done():
            self.asking = asyncio.create_task(self.fetch(rerank))

    async def _asked(self) -> None:
        if self.asking is not None:
            await self.asking

    async def fetch(self, rerank: bool) -> None:
        """Fill the queue up; with `rerank`, let the newest model choose all that is not near."""
        if rerank:  # whoever comes next may be given these
            for example in self.queue[KEEP:]:
                del self.seen.holders[example["id"]]
            del self.queue[KEEP:]
        keep = [example["id"] for example in self.queue]
        body = {"annotator": self.name, "n": ASK, "keep": keep, "rerank": rerank}
        before = frozenset(self.answered)
        reply = await self._call("ask", body)
        if not reply["examples"]:
            self.seen.faults.append("the pool is used up: give more --texts")
        here = {example["id"] for example in self.queue}
        for example in here.intersection(reply["lost"]):
            self.seen.faults.append(f"{example}: taken from {self.name}")
        for example in reply["examples"]:
            holder = self.seen.holders.setdefault(example["id"], self.name)
            if holder != self.name:
                self.seen.faults.append(f"{example['id']}: held by {holder} and by {self.name}")
            elif example["id"] in before:
                self.seen.faults.append(f"{example['id']}: handed out after its answer")
            elif example["id"] not in here and example["id"] not in self.answered:
                self.queue.append(example)

    async def _poll(self, ending: float) -> None:
        wait = POLL
        while time.perf_counter() + wait < ending:
            await asyncio.sleep(self.rng.uniform(0.9, 1.1) * wait)
            status = await self._call("status")
            wait = POLL_WHILE_TRAINING if status["trainer"]["state"] == "training" else POLL
            if self.reader != status["read_by"]:
                await self._asked()
                self._ask(rerank=True)
                self.reader = status["read_by"]

    async def _call(self, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        for attempt in range(TRIES):
            began = time.perf_counter()
            try:
                request = (
                    self.client.get(what) if body is None else self.client.post(what, json=body)
                )
                reply = await request
            except httpx.TransportError:
                self.seen.retries += 1
                await asyncio.sleep(2**attempt)
                continue
            self.seen.milliseconds[what].append(1000 * (time.perf_counter() - began))
            if reply.status_code != 200:
                self.seen.faults.append(f"{what}: {reply.status_code} {reply.text[:200]}")
            answer: dict[str, Any] = reply.json()
            return answer
        raise SystemExit(f"/{what}: no reply after {TRIES} tries")


async def label(base: str, options: argparse.Namespace, phase: int) -> tuple[Seen, float]:
    """All annotators for some seconds; what they saw, and how long it took."""
    seen, began = Seen(), time.perf_counter()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(
        base_url=f"{base}/alnlp/projects/shared", limits=limits, timeout=60
    ) as client:
        team = [
            Annotator(f"annotator {n}", client, seen, options.pause, 1000 * phase + n)
            for n in range(options.clients)
        ]
        await asyncio.gather(*(one.work(began + options.seconds) for one in team))
    return seen, time.perf_counter() - began


def check(folder: Path, told: dict[str, str]) -> list[str]:
    """What is wrong with the store, by what the clients were told."""
    with Store.open(folder / STORE) as store:
        labels = [e for e in store.events() if e.kind == "label" and e.annotator != BEFORE]
    people = defaultdict(set)
    for event in labels:
        people[event.example_id].add(event.annotator)
    stored = Counter(event.uid for event in labels)
    twice = [example for example, by in people.items() if len(by) > 1]
    lost = [uid for uid in told if stored[uid] != 1]
    unknown = [uid for uid in stored if uid not in told]
    return [
        f"{len(found)} {what}"
        for found, what in (
            (twice, "examples answered by two people"),
            (lost, "confirmed answers that are not in the store, or more than once"),
            (unknown, "answers in the store that were never confirmed"),
        )
        if found
    ]


def make(folder: Path, texts: int, model: str) -> None:
    """A project over made-up texts that is trained only when it is asked for."""
    source = folder.with_name("texts.jsonl")
    with source.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in sentences(texts))
    project = Project.create(
        folder, data=source, task="classification", labels=LABELS, model=model, batch_size=10_000
    )
    answers = {project.pool.ids[row]: LABELS[row % len(LABELS)] for row in range(ANSWERED)}
    project.tell(answers, annotator=BEFORE)
    project.close()


def main() -> None:
    """Label with the trainer at rest, then while it trains; print a table; fail on any fault."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120, help="of each of the two parts")
    parser.add_argument("--clients", type=whole(1), default=50)
    parser.add_argument("--pause", type=float, default=2.0, help="mean seconds an answer takes")
    parser.add_argument("--texts", type=whole(1), default=30_000)
    parser.add_argument("--model", default="minilm", help="see alnlp models")
    options = parser.parse_args()
    faults, told = [], {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "projects", "shared")
        folder.parent.mkdir()
        make(folder, options.texts, options.model)
        print(f"{options.clients} annotators, {options.texts:,} texts, {options.model}\n")
        print("| trainer | route | requests | median | p90 | p95 | p99 | max, ms |")
        print("|---|---|---|---|---|---|---|---|")
        remarks = []
        with serving(folder) as base:
            for phase, name in enumerate(("at rest", "training")):
                with TrainerWatch(base, "shared", keep_training=bool(phase)) as watched:
                    seen, seconds = asyncio.run(label(base, options, phase))
                for route in ("events", "ask", "status"):
                    times = seen.milliseconds[route]
                    if times:
                        print(row(name, f"/{route}", len(times), *spread(times)), flush=True)
                remarks.append(
                    f"{name}: {len(seen.told) / seconds:.1f} answers/s, {seen.retries} retries, "
                    f"{seen.blocked:.1f} s without an example of "
                    f"{options.clients * seconds:.0f} s of all; {in_words(watched)}"
                )
                faults += seen.faults
                told |= seen.told
        faults += check(folder, told)
    print("", *remarks, "", sep="\n")
    for fault, n in Counter(faults).most_common():
        print(f"fault: {fault} ({n} times)")
    if faults:
        raise SystemExit(f"{len(faults)} faults")
    print(f"{len(told)} answers: each in the store once, no example handed to two people, no error")


if __name__ == "__main__":
    main()
