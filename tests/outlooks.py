"""What the route /outlook may answer, made up: projects at different stages."""

import random
from typing import Any

from alnlp.project import Project
from alnlp_apps.workbench.workspace import Desk

NOTHING: dict[str, Any] = {
    "metric": "", "curve": [], "forecast": None, "gain": None, "changed": None, "advice": [],
    "forecast_reason": "There are 0 rounds with a measurement so far, and a forecast takes 3.",
    "time": {"answers": 0, "seconds": 0.0, "seconds_per_label": None},
    "calibration": None, "confusion": None, "starving": [],
}  # fmt: skip

ADVICE = [
    {"name": "agreement", "stop": False, "reason": "The kappa of successive models is below 0.99."},
    {"name": "classification_change", "stop": False, "reason": "It changed 4.0%."},
    {"name": "plateau", "stop": True, "reason": "The median is +0.0020 against the 3 before."},
]

#: What the bins of `outlook` come to.
SURE = {"said": 0.83, "right": 0.74, "low": 0.66, "high": 0.81, "n": 140}


def curve(rounds: int, each: int = 20, wide: float = 0.1) -> list[dict[str, Any]]:
    """A learning curve as audits measure it."""
    points = []
    for number in range(1, rounds + 1):
        value = 0.9 - 0.5 / number**0.8
        low, high = max(0.0, value - wide), min(1.0, value + wide)
        points.append(
            {"round": number, "labels": each * number, "value": value, "low": low, "high": high}
        )
    return points


def forecast(labels: int, value: float, target: float | None = 0.9) -> dict[str, Any]:
    """What may come after so many labels."""
    points = [
        {
            "labels": labels + step,
            "value": min(1.0, value + 0.0002 * step),
            "low": value - 0.04 + 0.0001 * step,
            "high": min(1.0, value + 0.03 + 0.0003 * step),
        }
        for step in range(0, 201, 20)
    ]
    reach = {
        "value": target,
        "answers": [120, 310, None],
        "seconds": [1500.0, 3900.0, None],
        "short": False,
    }
    more = {"answers": 100, "value": 0.855, "low": 0.84, "high": 0.87}
    return {"points": points, "more": more, "target": target and reach}


def confusion(labels: list[str], seed: int = 0) -> dict[str, Any]:
    """Mostly right, the first two labels mixed up most."""
    draw = random.Random(seed)
    counts = [
        [draw.randint(8, 20) if i == j else int(draw.random() < 2 / len(labels)) for j, _ in
         enumerate(labels)]
        for i, _ in enumerate(labels)
    ]  # fmt: skip
    counts[0][1] = 7
    return {"labels": labels, "counts": counts}


def outlook(labels: list[str], rounds: int = 10, **other: Any) -> dict[str, Any]:
    """A project at work for a while."""
    points = curve(rounds)
    last = points[-1]
    bins = [
        {"said": said, "right": said - 0.09, "low": said - 0.2, "high": said - 0.02, "n": n}
        for said, n in ((0.45, 6), (0.56, 9), (0.65, 14), (0.76, 20), (0.85, 31), (0.96, 60))
    ]
    return NOTHING | {
        "metric": "accuracy",
        "curve": points,
        "forecast": forecast(last["labels"], last["value"]) if rounds > 2 else None,
        "gain": {"n": 80, "shared": 20, "chosen": 0.71, "random": 0.66, "difference": 0.05,
                 "low": -0.02, "high": 0.12},
        "time": {"answers": 212, "seconds": 7420.0, "seconds_per_label": 35.0},
        "changed": {"labels": 50, "share": 0.04, "of": 500},
        "advice": ADVICE,
        "calibration": {"bins": bins, "all": SURE, "ece": {"before": 0.14, "after": 0.09},
                        "temperature": 1.4},
        "confusion": confusion(labels),
        "starving": [{"label": name, "answers": 2, "audited": 0} for name in labels[3:]],
    } | other  # fmt: skip


def pretend(monkeypatch: Any, answer: dict[str, Any], **status: Any) -> list[float | None]:
    """Let every project say this, with these fields of its status; gives the targets asked for."""
    targets: list[float | None] = []
    known = Desk.status

    def told(_: Project, target: float | None) -> dict[str, Any]:
        targets.append(target)
        return answer

    monkeypatch.setattr(Project, "outlook", told)
    monkeypatch.setattr(Desk, "status", lambda desk: known(desk) | status)
    return targets
