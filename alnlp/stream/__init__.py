"""A stream: each example is decided upon as it comes, so that a share of them is labelled.

    chooser = Chooser("balanced", 0.05, np.random.default_rng(0))
    chosen = [chooser(uncertainty) for uncertainty in stream]

`run` does this for lines of text, by the newest model of a project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from alnlp.errors import DataError, StrategyError
from alnlp.progress import Progress, Step
from alnlp.project import Prediction, Project
from alnlp.stream.lines import (
    Line,
    Streamed,
    Writer,
    arrived,
    line_encoding,
    parsed,
    usable_among,
    write,
)
from alnlp.stream.policies import POLICIES, Chooser, adwin

__all__ = ["POLICIES", "Chooser", "Streamed", "adwin", "run"]

#: Lines that the model reads at once.
CHUNK = 256


def run(
    project: Project,
    lines: Iterable[Line],
    out: Writer[Line],
    *,
    budget: float = 0.05,
    policy: str = "balanced",
    seed: int = 0,
    encoding: str = "utf-8",
    chunk: int = CHUNK,
    ready: Callable[[], bool] = lambda: True,
    progress: Progress | None = None,
    done: Streamed | None = None,
) -> Streamed:
    """Write those of many lines that are worth a label, whole and as soon as possible.

    How unsure the newest model is of a text is 1 - the confidence of its prediction. A round that
    is finished meanwhile is used from the next chunk on.

    Args:
        project: with a trained model.
        lines: texts, or JSON objects with a "text" where the first one is such an object. Blank
            ones are passed over.
        out: written to, and flushed after each chunk; each line ends with a newline alone.
        budget: the share to choose, on average.
        policy: one of POLICIES.
        seed: of every draw.
        encoding: of lines that are bytes.
        chunk: the most lines that the model reads at once.
        ready: whether another line is there already; where none is, what has come is decided on.
        progress: told about lines read; it may raise `Cancelled`.
        done: counted up after each chunk, for whoever interrupts the run; a new one where None.

    Raises:
        DataError: no such encoding; there are lines, but none that can be used.
        MissingExtra: river is not installed.
        ProjectError: no model has been trained yet.
        StrategyError: no such policy, budget or seed.
    """
    if not 0 <= seed < 2**32:
        raise StrategyError(f"seed: got {seed}, expected a whole number from 0 to {2**32 - 1}")
    chooser = Chooser(policy, budget, np.random.default_rng(seed), adwin)
    done = Streamed() if done is None else done
    source = parsed(lines, line_encoding(encoding), done)
    model = 0
    while not done.closed and (came := arrived(source, chunk, ready)):
        usable = usable_among(came, done)
        said, number = _predicted(project, [item.text for item in usable])
        if number != model:
            model = number
            chooser.new_model()
        kept = []
        for item, prediction in zip(usable, said, strict=True):
            # Clipped, since a sum of rounded probabilities may be a little above 1.
            if chooser(float(np.clip(1 - prediction.confidence, 0, 1))):
                kept.append(item.line)
            if chooser.drifted:
                done.drifts.append(item.number)
        done.read += len(usable)
        write(out, kept, done)
        if progress:
            progress(Step("score", done.read, None, "lines"))
    if done.unusable and not done.read:
        first = done.rejected[0]
        raise DataError(
            f"line {first.line}: {first.reason}; expected a text, or a JSON object with a "
            f'"text", on each line, and none of {done.unusable} can be used'
        )
    return done


def _predicted(project: Project, texts: list[str]) -> tuple[list[Prediction], int]:
    """What the newest model says of some texts, and the number of its round."""
    while True:
        before = project.newest_round
        said = project.predict(texts) if texts else []
        after = project.newest_round
        if (before and before.number) == (after and after.number):
            return said, after.number if after else 0
