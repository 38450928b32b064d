"""Streams: the policies against the pseudo-code of their paper, the budget, drift, and lines."""

import io
import json
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alnlp import stream
from alnlp.errors import Cancelled, DataError, MissingExtra, ProjectError, StrategyError
from alnlp.progress import Step
from alnlp.project import Project
from alnlp.stream import POLICIES, Chooser, Streamed, adwin, run

LONG = 20_000


def slow_policy(
    name: str,
    uncertainties: list[float],
    budget: float,
    rng: np.random.Generator,
    *,
    window: float,
    spent: float,
) -> list[bool]:
    """The strategies of Žliobaitė et al. 2014, with step s = 0.01, N(1, 1), and nu = 0.2.

    Where this differs from the paper: what is drawn at random is drawn whatever has been spent.
    """
    theta, s, nu = 1.0, 0.01, 0.2
    answers = []
    for uncertainty in uncertainties:
        posterior = 1 - uncertainty  # of the most probable label
        within_budget = spent / window < budget
        answer = False
        strategy = name
        if name == "split":
            strategy = "random" if rng.random() < nu else "variable"
        if strategy == "random":
            answer = rng.random() < budget
        elif within_budget and strategy == "fixed":
            answer = posterior < 0.9
        elif within_budget and strategy == "variable":
            answer = posterior < theta
            theta = theta * (1 - s) if answer else theta * (1 + s)
        elif within_budget and strategy == "balanced":  # this one is not in the paper
            answer = posterior < theta
            theta = theta * (1 - s * (1 - budget)) if answer else theta * (1 + s * budget)
        elif within_budget and strategy == "randomised":
            answer = posterior < theta * rng.normal(1, 1)
            theta = theta * (1 - s) if answer else theta * (1 + s)
        spent = (window - 1) / window * spent + answer
        answers.append(bool(answer))
    return answers


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("budget", [0.02, 0.3])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (0.2, 8)])
def test_policies_follow_the_paper(name: str, budget: float, shape: tuple[float, float]) -> None:
    values = np.random.default_rng(0).beta(*shape, size=3000).tolist()
    chooser = Chooser(name, budget, np.random.default_rng(1))
    chosen = [chooser(value) for value in values]
    window = 50 / budget
    expected = slow_policy(
        name, values, budget, np.random.default_rng(1), window=window, spent=budget * window - 1
    )
    assert chosen == expected


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("budget", [0.01, 0.05, 0.3])
def test_the_share_is_close_to_the_budget(name: str, budget: float) -> None:
    values = np.random.default_rng(0).beta(1, 1, size=LONG).tolist()
    chooser = Chooser(name, budget, np.random.default_rng(1))
    chosen = np.array([chooser(value) for value in values])
    # Drawn independently, a share has this standard deviation; twice that is enough for chance.
    chance = 2 * (budget * (1 - budget) / LONG) ** 0.5 if name in ("random", "split") else 0
    if name == "balanced":
        assert 0.8 * budget < chosen.mean() < 1.02 * budget
    else:
        assert abs(chosen.mean() - budget) < 0.02 * budget + chance
    if not chance:  # a short stream is held to the budget as well
        assert chosen[:1000].sum() <= 1000 * budget + 3


def test_no_more_than_half_can_be_below_the_variable_threshold() -> None:
    # It falls and rises by the same, so it comes to rest where half of the stream is below it.
    chooser = Chooser("variable", 0.8, np.random.default_rng(1))
    chosen = [chooser(value) for value in np.random.default_rng(0).random(20_000).tolist()]
    assert 0.48 < np.mean(chosen) < 0.52


def test_what_is_chosen_is_less_certain_than_the_rest() -> None:
    values = np.random.default_rng(0).beta(1, 5, size=LONG)
    means = {}
    for name in POLICIES:
        chooser = Chooser(name, 0.05, np.random.default_rng(1))
        means[name] = values[[chooser(value) for value in values.tolist()]].mean()
    assert means["variable"] > 1.5 * values.mean()
    assert means["balanced"] > 1.5 * means["variable"]
    assert means["variable"] > means["split"] > means["randomised"] > means["random"]
    assert means["random"] == pytest.approx(values.mean(), rel=0.05)


def test_a_threshold_out_of_reach_spends_nothing_and_everything_may_be_chosen() -> None:
    sure = Chooser("fixed", 0.5, np.random.default_rng(0))
    assert not any(sure(0.05) for _ in range(1000))
    for name in ("balanced", "variable", "fixed", "random", "randomised"):
        whole = Chooser(name, 1.0, np.random.default_rng(0))
        assert np.mean([whole(1.0) for _ in range(2000)]) > (0.45 if name == "randomised" else 0.99)


def test_a_threshold_rises_again_from_the_bottom() -> None:
    chooser = Chooser("variable", 1.0, np.random.default_rng(0))
    for _ in range(200_000):
        chooser(1.0)
    assert any(chooser(0.4) for _ in range(1000))


@pytest.mark.parametrize("name", POLICIES)
def test_all_alike(name: str) -> None:
    for value in (0.0, 0.5, 1.0):
        chooser = Chooser(name, 0.1, np.random.default_rng(0))
        share = np.mean([chooser(value) for _ in range(20_000)])
        assert share < 0.12
        assert share > 0.08 or (name, value) == ("fixed", 0.0)


@pytest.mark.parametrize("value", [float("nan"), -0.1, 1.1, float("inf")])
def test_broken_uncertainties_are_told(value: float) -> None:
    with pytest.raises(StrategyError, match="expected 0 to 1"):
        Chooser("random", 0.1, np.random.default_rng(0))(value)


@pytest.mark.parametrize(
    ("policy", "budget", "message"),
    [
        ("often", 0.1, "policy: got 'often', expected one of balanced, variable"),
        ("fixed", 0.0, "budget: got 0.0, expected a share above 0 and at most 1"),
        ("fixed", 5, "budget: got 5"),
        ("fixed", float("nan"), "budget: got nan"),
    ],
)
def test_bad_options(policy: str, budget: float, message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        Chooser(policy, budget, np.random.default_rng(0))


# Drift ----------------------------------------------------------------------------------------


def drifting() -> np.ndarray:
    """10,000 sure values, then 10,000 unsure ones."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.beta(1, 9, size=10_000), rng.beta(5, 5, size=10_000)])


@pytest.mark.parametrize("name", POLICIES)
def test_a_planted_drift_is_found_and_answered(name: str) -> None:
    pytest.importorskip("river")
    values = drifting().tolist()
    chosen, drifts = [], []
    chooser = Chooser(name, 0.05, np.random.default_rng(1), adwin)
    for place, value in enumerate(values):
        chosen.append(chooser(value))
        if chooser.drifted:
            drifts.append(place)
    assert drifts
    assert 10_000 <= drifts[0] < 10_200
    before = np.mean(chosen[9_000:10_000])
    behind = sum(chosen[drifts[0] : drifts[0] + 200])
    if name == "random":
        assert behind < 25
    else:
        # 200 x 0.05 are 10, and 50 more may be chosen
        assert 40 < behind <= 65
        assert before < 0.06
    assert np.mean(chosen) < 0.06


class Scripted:
    """Detects a drift at some of the values it is shown, counted from 1."""

    def __init__(self, *at: int) -> None:
        self.at, self.seen = at, 0

    @property
    def drift_detected(self) -> bool:
        return self.seen in self.at

    def update(self, x: float) -> None:
        self.seen += 1


def test_a_drift_resets_the_threshold_and_forgets_what_was_spent() -> None:
    chooser = Chooser("variable", 0.1, np.random.default_rng(0), lambda: Scripted(5001))
    rng = np.random.default_rng(1)
    for value in rng.beta(1, 9, size=5000):
        chooser(value)
    chooser(0.0)
    assert chooser.drifted
    # the threshold is 1 again and budget is left: even a sure one is chosen
    assert chooser(0.05)
    assert not chooser.drifted
    assert sum(chooser(1.0) for _ in range(100)) > 45


def test_drifts_all_the_time_spend_at_most_double() -> None:
    chooser = Chooser("variable", 0.1, np.random.default_rng(0), lambda: Scripted(*range(LONG)))
    values = np.random.default_rng(1).random(10_000).tolist()
    assert np.mean([chooser(value) for value in values]) < 0.2 + 50 / 10_000


def test_a_new_model_is_no_drift() -> None:
    pytest.importorskip("river")
    chooser = Chooser("variable", 0.05, np.random.default_rng(1), adwin)
    for place, value in enumerate(drifting()[:12_000].tolist()):
        if place == 10_000:
            chooser.new_model()
        chooser(value)
        assert not chooser.drifted


def test_a_missing_extra_names_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> ModuleType:
        if name.startswith("river"):
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(stream, "import_module", without)
    with pytest.raises(MissingExtra, match=r"river is not installed.*alnlp\[stream\]"):
        adwin()


# Lines ----------------------------------------------------------------------------------------


class Fake:
    """A project whose model is as unsure as a text's last word says."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.newest_round = SimpleNamespace(number=1)

    def predict(self, texts: list[str]) -> list[Any]:
        assert texts
        self.asked.append(texts)
        return [SimpleNamespace(confidence=1 - float(text.split()[-1])) for text in texts]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    if not river_is_there():
        monkeypatch.setattr(stream, "adwin", lambda: Scripted())


def river_is_there() -> bool:
    try:
        import_module("river")
    except ImportError:
        return False
    return True


def streamed(lines: Any, **options: Any) -> tuple[Streamed, bytes, Fake]:
    out, project = io.BytesIO(), Fake()
    return run(project, lines, out, **options), out.getvalue(), project  # type: ignore[arg-type]


def test_lines_come_out_as_they_came() -> None:
    lines = [b"\xef\xbb\xbffirst 1\r\n", b"\n", "zweite höchstens 1\n".encode(), b"  third  1"]
    done, out, project = streamed(lines, budget=1.0, policy="random")
    assert out == b"".join(lines).replace(b"\r\n\n", b"\r\n") + b"\n"
    assert project.asked == [["first 1", "zweite höchstens 1", "  third  1"]]
    assert (done.read, done.chosen, done.unusable, done.closed) == (3, 3, 0, False)


def test_str_comes_out_as_str() -> None:
    out = io.StringIO()
    run(Fake(), ["one 1\n", "two 1"], out, budget=1.0, policy="random")  # type: ignore[arg-type]
    assert out.getvalue() == "one 1\ntwo 1\n"


def test_json_lines_and_bad_ones() -> None:
    lines = [
        b'{"text": "first 1", "id": 7}\n',
        b"not json\n",
        b"[1]\n",
        b'{"texts": "x"}\n',
        b'{"text": 5}\n',
        b'{"text": " "}\n',
        b'{"text": "\xff 1"}\n',
        b'{"text": "\\ud800"}\n',
        b"[" * 100_000 + b"\n",
        b"\n",
        b'  {"id": 9, "text": "second\\n 1"}\n',
    ]
    done, out, project = streamed(lines, budget=1.0, policy="random")
    assert out == lines[0] + lines[-1]
    assert project.asked == [["first 1", "second\n 1"]]
    assert [bad.line for bad in done.rejected] == [2, 3, 4, 5, 6, 7, 8, 9]
    reasons = [bad.reason for bad in done.rejected]
    assert reasons[0].startswith("not valid JSON")
    assert reasons[1:6] == [
        "not a JSON object but a list",
        "no text",
        "text is not a string but int",
        "empty text",
        "not valid UTF-8",
    ]
    assert done.unusable == 8


def test_plain_lines_that_are_no_text() -> None:
    done, out, _ = streamed([b"one 1\n", b"a\xffb 1\n", b"a\0b 1\n"], budget=1.0, policy="random")
    assert out == b"one 1\n"
    assert [bad.line for bad in done.rejected] == [2, 3]
    assert all(bad.reason for bad in done.rejected)


def test_only_some_bad_lines_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "REPORTED", 5)
    done, _, _ = streamed([b"x 1\n", *[b"\0\n"] * 900], chunk=7)
    assert (done.unusable, len(done.rejected)) == (900, 5)


def test_nothing_usable_is_an_error_and_nothing_is_not() -> None:
    with pytest.raises(DataError, match=r"line 2: not valid JSON.*none of 2 can be used") as told:
        streamed([b"\n", b"{broken\n", b"{1}\n"])
    assert "\n" not in str(told.value)
    assert streamed([])[0] == Streamed()
    assert streamed([b" \n"])[0] == Streamed()


def values_as_lines(values: np.ndarray) -> list[bytes]:
    return [f"line {i} {value:.6f}\n".encode() for i, value in enumerate(values)]


@pytest.mark.parametrize("name", POLICIES)
def test_the_chunks_make_no_difference(name: str) -> None:
    lines = values_as_lines(drifting()[8_000:12_000])
    runs = [streamed(lines, policy=name, seed=3, chunk=chunk)[:2] for chunk in (1, 256, 9999)]
    assert runs[0] == runs[1] == runs[2]
    assert runs[0][0].chosen == runs[0][1].count(b"\n") > 100
    chooser = Chooser(name, 0.05, np.random.default_rng(3), stream.adwin)
    expected = [line for line in lines if chooser(1 - (1 - float(line.split()[-1])))]
    assert runs[0][1] == b"".join(expected)
    assert streamed(lines, policy=name, seed=4)[1] != runs[0][1] or name in (
        "balanced",
        "variable",
        "fixed",
    )


def test_a_drift_is_reported_by_line() -> None:
    pytest.importorskip("river")
    lines = [b"\n", *values_as_lines(drifting())]
    done, _, project = streamed(lines)
    assert 10_002 <= done.drifts[0] <= 10_202
    assert max(map(len, project.asked)) == 256


def test_a_new_round_is_used_and_is_no_drift() -> None:
    pytest.importorskip("river")
    out, project = io.BytesIO(), Fake()

    def lines() -> Iterator[bytes]:
        for place, line in enumerate(values_as_lines(drifting()[:12_000])):
            if place == 9_984:  # a whole number of chunks
                project.newest_round = SimpleNamespace(number=2)
            yield line

    done = run(project, lines(), out)  # type: ignore[arg-type]
    assert done.read == 12_000
    # But for the few lines that were still sure, the new detector knows the unsure ones only.
    assert done.drifts == []


def test_each_chunk_is_written_before_the_next_is_read() -> None:
    raw = io.BytesIO()
    out: Any = io.BufferedWriter(raw)  # type: ignore[arg-type]
    project = Fake()
    seen = []

    def lines() -> Iterator[bytes]:
        for place in range(40):
            seen.append(raw.getvalue().count(b"\n"))
            yield f"line {place} 1\n".encode()

    run(project, lines(), out, budget=1.0, policy="random", chunk=10)  # type: ignore[arg-type]
    assert seen == [place // 10 * 10 for place in range(40)]


def test_a_closed_pipe_ends_it_cleanly() -> None:
    reader, writer = os.pipe()
    lines = iter(values_as_lines(np.ones(5000)))
    read = 0

    def counted() -> Iterator[bytes]:
        nonlocal read
        for line in lines:
            read += 1
            if read == 300:
                os.close(reader)
            yield line

    with os.fdopen(writer, "wb", buffering=0) as out:
        project: Any = Fake()
        done = run(project, counted(), out, budget=1.0, policy="random", chunk=100)
    assert done.closed
    assert (done.read, done.chosen, read) == (300, 200, 300)


def test_progress_is_told_and_may_stop_it() -> None:
    told: list[Step] = []
    streamed(values_as_lines(np.ones(25)), chunk=10, progress=told.append)
    assert [(step.done, step.total, step.unit) for step in told] == [
        (10, None, "lines"),
        (20, None, "lines"),
        (25, None, "lines"),
    ]

    def stop(step: Step) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        streamed(values_as_lines(np.ones(25)), progress=stop)


def test_options_are_checked_before_a_line_is_read() -> None:
    def lines() -> Iterator[bytes]:
        raise AssertionError("was read")
        yield b""

    with pytest.raises(StrategyError, match="budget"):
        streamed(lines(), budget=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classification", "multilabel", "ner"])
def test_a_real_project(kind: str, make_project: Callable[..., Project], tmp_path: Any) -> None:
    data = tmp_path / "some.jsonl"
    words = ["my parcel in Berlin", "money back Ana", "broken in Rome", "late since May"]
    answers: dict[str, Any] = {
        "classification": lambda i: {"label": "abcd"[i % 4]},
        "multilabel": lambda i: {"labels": ["a", "b"][: i % 3]},
        "ner": lambda i: {"spans": [[3, 9, "A"]] if i % 2 else []},
    }
    rows = [{"text": f"{words[i % 4]} {i}", **answers[kind](i)} for i in range(12)]
    data.write_text("\n".join(map(json.dumps, rows)))
    project = make_project(kind, data=data, task=kind, answers=True)
    with pytest.raises(ProjectError, match="no model has been trained"):
        run(project, [b"a text\n"], io.BytesIO())
    project.train(score=False)
    out = io.BytesIO()
    lines = [json.dumps(row).encode() + b"\n" for row in rows] * 4
    done = run(project, lines, out, budget=0.25, chunk=16)
    assert done.read == 48
    assert 9 <= done.chosen == out.getvalue().count(b"\n") <= 15
    assert set(out.getvalue().splitlines(keepends=True)) <= set(lines)


def test_river_is_asked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(stream, "import_module", lambda name: (_ for _ in ()).throw(ImportError()))
    with pytest.raises(MissingExtra):
        streamed(iter([b"never read\n"]))


def test_a_slow_pipe_is_decided_on_line_by_line() -> None:
    from alnlp.console import Arriving

    reader, writer = os.pipe()
    lines, out, project = Arriving(reader), io.BytesIO(), Fake()
    seen: list[int] = []

    def feeding() -> Iterator[bytes]:
        source = iter(lines)
        for place in range(5):
            seen.append(out.getvalue().count(b"\n"))
            os.write(writer, f"line {place} 1\n".encode())
            yield next(source)
        os.write(writer, b"the last 1")
        os.close(writer)
        yield from source

    done = run(
        project,
        feeding(),
        out,
        budget=1.0,
        policy="random",
        ready=lines.ready,  # type: ignore[arg-type]
    )
    os.close(reader)
    assert seen == [0, 1, 2, 3, 4]
    assert done.read == 6
    assert out.getvalue().endswith(b"the last 1\n")
