"""Arrows point one way: each module imports only from the layers below its own."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import alnlp

PACKAGE = Path(alnlp.__file__).parent

#: From the ground up. Modules of one layer do not import each other.
LAYERS: list[set[str]] = [
    {"errors", "progress"},
    {"data"},
    {"tasks", "signals", "scores", "tags", "hardware", "batch", "calibration"},
    {"strategies", "stopping", "suspicion", "forecast", "metrics", "models", "inference", "store"},
    {"project"},
    {"simulation", "stream", "worker", "encoder", "corpus"},
    {"plotting", "comparing", "console", "bench"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def modules() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]


def component(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> set[str]:
    """Every module that a file imports, at its top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    own = component(path)
    assert own in LEVEL, f"{own} has no layer: name it in LAYERS"
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "alnlp" or name == "alnlp.__version__":
            continue
        other = parts[1]
        assert other == own or LEVEL[other] < LEVEL[own], f"{own} imports {other}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_library_does_not_know_the_app(path: Path) -> None:
    apps = [name for name in imported(path) if name.split(".")[0] in ("alnlp_apps", "apps")]
    assert not apps or component(path) == "cli"


HEAVY = ("torch", "gradio", "transformers", "datasets", "evaluate", "sklearn", "matplotlib")
IMPORTED = f"print([name for name in {HEAVY!r} if name in sys.modules])"


@pytest.mark.parametrize(
    "code",
    [
        "import alnlp",
        "import alnlp.project, alnlp.worker, alnlp.simulation, alnlp.models",
        "sys.argv = ['alnlp', '--help']; from alnlp.cli import app; app(standalone_mode=False)",
        "sys.argv = ['alnlp', 'strategies']; from alnlp.cli import app; app(standalone_mode=False)",
    ],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; {IMPORTED}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines()[-1] == "[]"


def test_every_public_name_exists() -> None:
    for name in alnlp.__all__:
        assert getattr(alnlp, name) is not None
    assert set(alnlp.__all__) <= set(dir(alnlp))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_god_modules(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 500, f"{path} has {lines} lines: split it along its seams"
