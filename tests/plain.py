"""A saved model in the hands of plain transformers, where alnlp cannot be imported."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

START = """
import json, sys
sys.modules["alnlp"] = None  # any import of it fails
from transformers import pipeline
folder, texts = sys.argv[1], json.loads(sys.argv[2])
"""


def transformers_said(script: str, folder: Path, texts: Sequence[str]) -> Any:
    """What a script prints that knows the folder of a model, some texts, and pipeline."""
    command = [sys.executable, "-c", START + script, str(folder), json.dumps(texts)]
    output = subprocess.check_output(command, text=True, cwd=folder)
    return json.loads(output.splitlines()[-1])
