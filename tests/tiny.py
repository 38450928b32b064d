"""Tiny checkpoints with random weights, made on the spot: real architectures in milliseconds."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

FAMILIES = ("bert", "roberta", "distilbert", "electra")


def checkpoint(
    folder: Path, texts: Sequence[str], family: str = "bert", *, mean_pooling: bool = False
) -> Path:
    """Write a network of two layers and 32 units, with a tokenizer that knows the texts' words.

    Args:
        folder: where to write; made if absent.
        texts: give the vocabulary.
        family: the architecture, one of FAMILIES or "gpt2".
        mean_pooling: mark it as a sentence encoder, as sentence-transformers does.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    tokenizer = _tokenizer(texts)
    size = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    if family == "distilbert":
        size |= {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}
    elif family == "gpt2":
        size |= {"n_embd": 32, "n_layer": 2, "n_head": 2}
    else:
        size |= {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        size |= {"intermediate_size": 64}
    if family == "electra":
        size |= {"embedding_size": 32}
    # With the usual 0.02, so narrow a network would answer the same to every text.
    config = AutoConfig.for_model(family, **size, max_position_embeddings=64, initializer_range=0.3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if mean_pooling:
        pooling = Path(folder, "1_Pooling", "config.json")
        pooling.parent.mkdir()
        pooling.write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    return Path(folder)


def _tokenizer(texts: Sequence[str]):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer()
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.model = models.WordPiece(_vocabulary(words, texts), unk_token="[UNK]")
    words.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]", model_max_length=64,
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def _vocabulary(tokenizer, texts: Sequence[str]) -> dict[str, int]:
    """Words that are there more than once, and pieces of up to three signs of the others.

    A trainer of the library breaks ties by chance, so that each run had another network.
    """
    split = tokenizer.pre_tokenizer.pre_tokenize_str
    normal = tokenizer.normalizer.normalize_str
    count = Counter(word for text in texts for word, _ in split(normal(text)))
    pieces = {word for word, n in count.items() if n > 1}
    for word in count.keys() - pieces:
        pieces |= {"##" * (at > 0) + word[at : at + 3] for at in range(0, len(word), 3)}
    signs = {sign for word in count for sign in word}
    pieces |= signs | {f"##{sign}" for sign in signs}
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return {piece: number for number, piece in enumerate([*special, *sorted(pieces)])}
