"""Reading what people type: one child process embeds queries, so that a server stays out of torch.

The parent (`Encoder`) sends one JSON line per text to the child's standard input and reads one JSON
line from its standard output. The child ends when its input does, or when nobody has typed for a
while, and the next text starts another one.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from alnlp.errors import AlnlpError, ModelError

#: After so long without a text the child ends, and gives its memory back.
IDLE_SECONDS = 600.0
_KEPT = 256
_DIED = "the process that reads searches stopped unexpectedly; search again to start a new one"

Vector = NDArray[np.float32]


class Encoder:
    """The parent's side. The first text takes seconds, since torch is imported; later ones do not.

    Threads may share it; their texts are read one after the other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._known: OrderedDict[tuple[str, str], Vector] = OrderedDict()

    def start(self) -> None:
        """Start the child, if there is none, without waiting for it."""
        with self._lock:
            self._running()

    def embed(self, model: str, text: str) -> Vector:
        """(D,) of a text, by the pretrained network of a project's model.

        Raises:
            ModelError: the network cannot be loaded, or the child died.
        """
        key = model, text
        with self._lock:
            if key not in self._known:
                self._known[key] = np.array(self._ask(model, text), np.float32)
                if len(self._known) > _KEPT:
                    self._known.popitem(last=False)
            return self._known[key]

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()

    def _running(self) -> subprocess.Popen[str]:
        if self._child is None or self._child.poll() is not None:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "alnlp.encoder"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                # One short text needs one thread, and must not take others from a training.
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        return self._child

    def _ask(self, model: str, text: str) -> list[float]:
        line = json.dumps({"model": model, "text": text}) + "\n"
        try:
            child = self._running()
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(line)
            child.stdin.flush()
            answer = json.loads(child.stdout.readline() or "null")
        except OSError:
            answer = None
        if answer is None:
            self.close()
            raise ModelError(_DIED)
        if "error" in answer:
            raise ModelError(answer["error"])
        embedding: list[float] = answer["embedding"]
        return embedding


def main() -> None:
    """Run as the child process."""
    # Libraries print where they like; the answers keep the real standard output to themselves.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    from alnlp.models import frozen  # noqa: F401 - torch, while somebody is still typing
    from alnlp.project import finding

    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.readline()  # a parent waits for its answer before it sends the next
        if not line:
            return
        wish = json.loads(line)
        try:
            answer = {"embedding": finding.embed(wish["model"], wish["text"]).tolist()}
        except AlnlpError as error:
            answer = {"error": str(error)}
        except Exception as error:  # whatever it was, the next text must find a reader alive
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
