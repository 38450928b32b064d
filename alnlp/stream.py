"""A stream: each example is decided upon as it comes, so that a share of them is labelled.

    chooser = Chooser("balanced", 0.05, np.random.default_rng(0))
    chosen = [chooser(uncertainty) for uncertainty in stream]

`run` does this for lines of text, by the newest model of a project. Most policies are those of
Žliobaitė, Bifet, Pfahringer and Holmes, "Active Learning With Drifting Streaming Data", IEEE
Transactions on Neural Networks and Learning Systems 2014.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice
from typing import Generic, Protocol, TypeVar

import numpy as np

from alnlp.data.rows import Rejected, excerpt, is_valid, text_problem
from alnlp.errors import DataError, MissingExtra, StrategyError
from alnlp.progress import Progress, Step
from alnlp.project import Prediction, Project

Line = TypeVar("Line", str, bytes)
Written = TypeVar("Written", str, bytes, contravariant=True)

#: Examples that the memory of what was spent reaches back to: its window is so many / the budget.
REMEMBERED = 50
#: Lines that the model reads at once, and the most unusable ones that are kept to be reported.
CHUNK, REPORTED = 256, 1000


class Policy:
    """Decides on one example after the other.

    Args:
        budget: the share to choose, on average.
        rng: of every draw.
    """

    def __init__(self, budget: float, rng: np.random.Generator) -> None:
        self.budget, self.rng = budget, rng

    def __call__(self, confidence: float, left: bool) -> bool:
        """Whether to choose an example, by the model's confidence from 0 to 1.

        `left` says whether any of the budget is left at this moment.
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Forget what was learnt of the confidences so far."""


class Random(Policy):
    """Chooses at random, and so spends the budget on average whatever has been spent."""

    def __call__(self, confidence: float, left: bool) -> bool:
        """See `Policy`."""
        return bool(self.rng.random() < self.budget)


class Fixed(Policy):
    """Chooses what the model is less confident of than 0.9."""

    threshold = 0.9

    def __call__(self, confidence: float, left: bool) -> bool:
        """See `Policy`."""
        return left and confidence < self.threshold


class Variable(Policy):
    """Chooses below a threshold that falls by 1% at each choice and rises by 1% at each refusal.

    It stands still while no budget is left.
    """

    fall = rise = 0.01
    #: Below all that a model of up to 1000 labels can say; from 0 it would never rise again.
    lowest = 0.001
    threshold = 1.0

    def __call__(self, confidence: float, left: bool) -> bool:
        """See `Policy`."""
        if not left:
            return False
        chosen = confidence < self.threshold * self._factor()
        change = 1 - self.fall if chosen else 1 + self.rise
        self.threshold = max(self.threshold * change, self.lowest)
        return chosen

    def reset(self) -> None:
        """Begin with a threshold that every example is below."""
        self.threshold = 1.0

    def _factor(self) -> float:
        return 1.0


class Balanced(Variable):
    """Like `Variable`, but by steps that come to rest where just the budget is below the threshold.

    With steps of one size that is half of the stream, of which the budget then takes what comes
    first. It spends some 5% less than the budget, since it also stands still while none is left.
    Robbins and Monro, "A Stochastic Approximation Method", 1951, for a quantile.
    """

    def __init__(self, budget: float, rng: np.random.Generator) -> None:
        super().__init__(budget, rng)
        self.fall, self.rise = 0.01 * (1 - budget), 0.01 * budget


class Randomised(Variable):
    """Like `Variable`, but the threshold is multiplied by a draw from N(1, 1) each time, so that
    no example is sure to be refused.
    """

    def _factor(self) -> float:
        return float(self.rng.normal(1.0, 1.0))


class Split(Policy):
    """Decides on a fifth of the stream like `Random`, on the rest like `Variable`."""

    share = 0.2

    def __init__(self, budget: float, rng: np.random.Generator) -> None:
        super().__init__(budget, rng)
        self.random, self.variable = Random(budget, rng), Variable(budget, rng)

    def __call__(self, confidence: float, left: bool) -> bool:
        """See `Policy`."""
        policy = self.random if self.rng.random() < self.share else self.variable
        return policy(confidence, left)

    def reset(self) -> None:
        """Forget the threshold."""
        self.variable.reset()


POLICIES: dict[str, type[Policy]] = {
    "balanced": Balanced,
    "variable": Variable,
    "randomised": Randomised,
    "split": Split,
    "fixed": Fixed,
    "random": Random,
}


class Detector(Protocol):
    """Notices when the mean of what it is shown changes."""

    @property
    def drift_detected(self) -> bool:
        """Whether it has just changed."""

    def update(self, x: float) -> object:
        """Take one more value."""


def adwin() -> Detector:
    """ADWIN of river: Bifet and Gavaldà, "Learning from Time-Changing Data with Adaptive
    Windowing", SDM 2007.

    Raises:
        MissingExtra: river is not installed.
    """
    try:
        drift = import_module("river.drift")
    except ImportError as error:
        raise MissingExtra("river", "stream") from error
    detector: Detector = drift.ADWIN()
    return detector


class Chooser:
    """Decides on one example after the other, by a policy under a budget.

    What was spent is remembered with exponential forgetting: u <- u (1 - 1/w) + chosen, and budget
    is left while u/w is below it. The paper begins with u = 0, which lets a short stream spend
    double; here u begins as if the budget had been kept before. So it is kept on average only: of a
    short stream a few more than the share may be chosen, the first example already.

    On a drift the policy begins anew and all that was spent is forgotten, so that up to 50 more
    examples may be chosen; this at most once a window, so that never more than twice the budget is
    spent in the long run.

    Args:
        policy: one of POLICIES.
        budget: the share to choose, on average; above 0 and at most 1.
        rng: of every draw.
        detector: makes a detector of drift; none where None.

    Attributes:
        drifted: whether the newest value was found to begin a drift.
    """

    def __init__(
        self,
        policy: str,
        budget: float,
        rng: np.random.Generator,
        detector: Callable[[], Detector] | None = None,
    ) -> None:
        if policy not in POLICIES:
            raise StrategyError(f"policy: got {policy!r}, expected one of {', '.join(POLICIES)}")
        if not 0 < budget <= 1:
            raise StrategyError(f"budget: got {budget}, expected a share above 0 and at most 1")
        self.policy = POLICIES[policy](budget, rng)
        self.window = REMEMBERED / budget
        self.drifted = False
        self._spent = REMEMBERED - 1.0  # one may be chosen at once
        self._since_drift = self.window
        self._make_detector = detector
        self.new_model()

    def new_model(self) -> None:
        """Detect drift anew: another model is of another confidence, which is no drift."""
        self._detector = self._make_detector() if self._make_detector else None

    def __call__(self, uncertainty: float) -> bool:
        """Whether to choose an example of some uncertainty, from 0 to 1.

        Raises:
            StrategyError: it is not a number from 0 to 1.
        """
        if not 0 <= uncertainty <= 1:
            raise StrategyError(
                f"uncertainty: got {uncertainty}, expected 0 to 1; the model's weights have "
                "probably diverged, train again with a lower learning rate"
            )
        self._detect(uncertainty)
        left = self._spent < REMEMBERED
        chosen = self.policy(1 - uncertainty, left)
        self._spent = self._spent * (1 - 1 / self.window) + chosen
        return chosen

    def _detect(self, uncertainty: float) -> None:
        self._since_drift += 1
        self.drifted = False
        if self._detector is None:
            return
        self._detector.update(uncertainty)
        if self._detector.drift_detected:
            self.drifted = True
            self.policy.reset()
            if self._since_drift >= self.window:
                self._since_drift = 0.0
                self._spent = 0.0


class Writer(Protocol[Written]):
    """Where the chosen lines go: a binary file for bytes, a text file for str."""

    def write(self, line: Written, /) -> object:
        """Write one line."""

    def flush(self) -> object:
        """Send what was written on its way."""


@dataclass
class Streamed:
    """What became of a stream.

    Attributes:
        read: lines with a text that was decided on.
        chosen: how many of them were found worth a label.
        drifts: the numbers of the lines at which the uncertainty was found to have changed.
        unusable: how many lines had no text that can be read.
        rejected: the first 1000 of these, with reasons.
        closed: whether the stream ended because nobody reads the output any more; the last of the
            chosen lines were not written then.
        braced: whether the lines were read as plain text although the first begins like JSON.
    """

    read: int = 0
    chosen: int = 0
    drifts: list[int] = field(default_factory=list)
    unusable: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    closed: bool = False
    braced: bool = False


@dataclass(frozen=True, slots=True)
class _Item(Generic[Line]):
    """A usable line: its number from 1, as it came, and its text."""

    number: int
    line: Line
    text: str


def _items(
    lines: Iterable[Line], encoding: str, done: Streamed
) -> Iterator[_Item[Line] | Rejected | None]:
    """The lines with their texts or why they have none; None for a blank one."""
    jsonl: bool | None = None
    for number, line in enumerate(lines, 1):
        try:
            plain = line.decode(encoding) if isinstance(line, bytes) else line
        except UnicodeDecodeError as error:
            shown = error.object.decode("ascii", "backslashreplace")
            yield Rejected(number, _undecodable(error, encoding), excerpt(shown))
            continue
        plain = plain.removeprefix("\ufeff").rstrip("\r\n")
        if not plain.strip():
            yield None  # a reader that waits for the next line would hold back what came before
            continue
        if jsonl is None:
            # A brace alone does not do: logs begin with one, and all their lines would be refused.
            jsonl = _is_row(plain)
            done.braced = not jsonl and plain.lstrip().startswith("{")
        text, problem = _text(plain) if jsonl else (plain, text_problem(plain))
        yield Rejected(number, problem, excerpt(plain)) if problem else _Item(number, line, text)


def _undecodable(error: UnicodeDecodeError, encoding: str) -> str:
    return (
        f"not valid {encoding.upper()} (byte 0x{error.object[error.start]:02X} at position "
        f"{error.start + 1}); mend it, or give the lines' encoding (--encoding cp1252, say)"
    )


def _is_row(line: str) -> bool:
    """Whether a line is a JSON object with a text column, whatever that holds."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "text" in value


def _text(line: str) -> tuple[str, str]:
    """The text of a line of JSON, and why there is none."""
    if not is_valid(line):
        return "", "not valid UTF-8"
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return "", f"not valid JSON: {error}"
    if not isinstance(value, dict):
        return "", f"not a JSON object but a {type(value).__name__}"
    text = value.get("text")
    return str(text), text_problem(text)


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
    source = _items(lines, _line_encoding(encoding), done)
    model = 0
    while not done.closed and (items := _arrived(source, chunk, ready)):
        usable = _usable(items, done)
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
        done.chosen += len(kept)
        done.closed = not _written(out, kept)
        if progress:
            progress(Step("score", done.read, None, "lines"))
    if done.unusable and not done.read:
        first = done.rejected[0]
        raise DataError(
            f"line {first.line}: {first.reason}; expected a text, or a JSON object with a "
            f'"text", on each line, and none of {done.unusable} can be used'
        )
    return done


def _line_encoding(encoding: str) -> str:
    """The name of an encoding, refused where its lines cannot be told apart before decoding."""
    try:
        name = codecs.lookup(encoding).name
        end = b"\n".decode(name, "replace")  # refuses base64 and others that make bytes
    except (LookupError, ValueError) as error:
        raise DataError(
            f"encoding: got {encoding!r}, expected a name such as utf-8 or cp1252"
        ) from error
    if end != "\n":
        raise DataError(
            f"encoding: got {encoding!r}, expected one whose lines end with the byte 0x0A, such as "
            f"utf-8 or cp1252; turn the lines into one with: iconv -f {encoding} -t utf-8"
        )
    return name


def _predicted(project: Project, texts: list[str]) -> tuple[list[Prediction], int]:
    """What the newest model says of some texts, and the number of its round."""
    while True:
        before = project.newest_round
        said = project.predict(texts) if texts else []
        after = project.newest_round
        if (before and before.number) == (after and after.number):
            return said, after.number if after else 0


def _arrived(
    source: Iterator[_Item[Line] | Rejected | None], most: int, ready: Callable[[], bool]
) -> list[_Item[Line] | Rejected | None]:
    """The next items, one at least unless the source has ended."""
    items = []
    for item in islice(source, most):
        items.append(item)
        if not ready():
            break
    return items


def _usable(items: Iterable[_Item[Line] | Rejected | None], done: Streamed) -> list[_Item[Line]]:
    """The usable ones among some lines; the others are noted down."""
    usable = []
    for item in items:
        if item is None:
            continue
        if not isinstance(item, Rejected):
            usable.append(item)
            continue
        done.unusable += 1
        if len(done.rejected) < REPORTED:
            done.rejected.append(item)
    return usable


def _written(out: Writer[Line], lines: Iterable[Line]) -> bool:
    """Whether the lines could be written: not to a pipe that its reader has closed."""
    try:
        for line in lines:
            out.write(_ended(line))
        out.flush()
    except BrokenPipeError:
        return False
    return True


def _ended(line: Line) -> Line:
    """A line with the end that a text file has, whatever end it came with."""
    if isinstance(line, bytes):
        return line.rstrip(b"\r\n") + b"\n"
    return line.rstrip("\r\n") + "\n"
