"""Words and subwords: no word is lost or moved, in any tokenizer, in texts of any length."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer, UnigramTrainer, WordPieceTrainer
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from alnlp import tags
from alnlp.data.spans import Span, answer_of
from alnlp.data.words import Words, words_of
from alnlp.models.alignment import Aligner, Window
from alnlp.models.windows import split

CORPUS = [
    "Anna Müller lives in New York with aspirin and a cat",
    "the patient was given 12.5mg of penicillin-G, twice!",
    "字林院 東京 مرحبا 🙂 don't",
] * 5
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def _wordpiece(lowercase: bool) -> Tokenizer:
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator(CORPUS, WordPieceTrainer(vocab_size=150, special_tokens=SPECIAL))
    return made


def _byte_level() -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        CORPUS, BpeTrainer(vocab_size=330, special_tokens=SPECIAL, initial_alphabet=alphabet)
    )
    return made


def _metaspace() -> Tokenizer:
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.train_from_iterator(
        CORPUS, UnigramTrainer(vocab_size=120, special_tokens=SPECIAL, unk_token="[UNK]")
    )
    return made


def _fast(made: Tokenizer) -> PreTrainedTokenizerBase:
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]",
    )  # fmt: skip


TOKENIZERS = {
    "uncased": _fast(_wordpiece(True)),
    "cased": _fast(_wordpiece(False)),
    "bytes": _fast(_byte_level()),
    "metaspace": _fast(_metaspace()),
}
TEXTS = st.text(st.sampled_from("aAnü字東م🙂é \n.,1\u0301\u200d\u00ad\ufffd\x7f") | st.characters(
    exclude_categories=["Cs"]
), max_size=60)  # fmt: skip


def assert_each_word_once(windows: Sequence[Window], words: Sequence[Words], longest: int) -> None:
    for text, places in enumerate(words):
        own = [window for window in windows if window.text == text]
        assert own
        assert [word for window in own for word in window.words] == list(range(len(places)))
    for window in windows:
        assert len(window.ids) <= longest
        assert (window.ids[0], window.ids[-1]) == (2, 3)
        assert len(window.first) == len(window.sizes) == len(window.words)
        ends = [first + size for first, size in zip(window.first, window.sizes, strict=True)]
        assert all(size >= 1 for size in window.sizes)
        assert all(first >= 1 for first in window.first)
        assert ends == [*window.first[1:], *ends[-1:]]  # each word stands behind the one before
        assert all(end < len(window.ids) for end in ends)


@pytest.mark.parametrize("name", TOKENIZERS)
@given(texts=st.lists(TEXTS, max_size=4), longest=st.integers(4, 40))
@settings(deadline=None)
def test_no_word_is_lost_or_moved(name: str, texts: list[str], longest: int) -> None:
    words = [words_of(text) for text in texts]
    windows = Aligner(TOKENIZERS[name], longest).windows(texts, words)
    assert_each_word_once(windows, words, longest)


@pytest.mark.parametrize("name", TOKENIZERS)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=8))
@settings(deadline=None)
def test_nor_is_one_of_somebody_elses_words(name: str, tokens: list[str]) -> None:
    """Pre-tokenised rows may have blanks, control characters or anything else for a word."""
    text, words = " ".join(tokens), []
    for token in tokens:
        start = words[-1][1] + 1 if words else 0
        words.append((start, start + len(token)))
    windows = Aligner(TOKENIZERS[name], 16).windows([text], [words])
    assert_each_word_once(windows, [words], 16)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_subwords_are_those_of_their_own_word(name: str) -> None:
    tokenizer = TOKENIZERS[name]
    for text in CORPUS[:3]:
        words = words_of(text)
        (window,) = Aligner(tokenizer, 512).windows([text], [words])
        for (start, end), first, size in zip(words, window.first, window.sizes, strict=True):
            said = tokenizer.convert_ids_to_tokens(window.ids[first : first + size])
            if name in ("bytes", "metaspace"):
                word = tokenizer.decode(window.ids[first : first + size]).strip()
                assert word == text[start:end] or "[UNK]" in word
            else:
                word = "".join(piece.removeprefix("##") for piece in said)
                known = {"uncased": "anna", "cased": "Anna"}[name]
                assert "[UNK]" in said or word == text[start:end] or name == "uncased"
                assert start or text[0] != "A" or word == known


def test_blank_in_front_is_seen_by_those_who_write_it() -> None:
    aligner = Aligner(TOKENIZERS["bytes"], 40)
    (window,) = aligner.windows(["in in"], [[(0, 2), (3, 5)]])
    said = TOKENIZERS["bytes"].convert_ids_to_tokens([window.ids[at] for at in window.first])
    assert said == ["in", "Ġin"]


@pytest.mark.parametrize("name", ["bytes", "metaspace"])
def test_no_word_is_told_by_a_mere_blank(name: str) -> None:
    texts = ["字 林", "林字", " 院"]
    for window in Aligner(TOKENIZERS[name], 40).windows(texts, [words_of(t) for t in texts]):
        said = TOKENIZERS[name].convert_ids_to_tokens([window.ids[at] for at in window.first])
        assert not {"▁", "Ġ"} & set(said)


def test_long_words_are_cut_never_dropped() -> None:
    text = "a " + "xy" * 50_000 + " b"
    words = words_of(text)
    for tokenizer in TOKENIZERS.values():
        windows = Aligner(tokenizer, 10).windows([text], [words])
        assert_each_word_once(windows, [words], 10)


def test_words_are_tokenised_once() -> None:
    calls = []

    class Counting:
        def __init__(self) -> None:
            self.unk_token_id, self.pad_token_id = 1, 0

        def __call__(self, given: str | list[str], **options: bool) -> dict[str, object]:
            if isinstance(given, list):
                calls.append(given)
            return TOKENIZERS["cased"](given, **options)

        def convert_tokens_to_ids(self, token: str) -> int:
            return 1

    aligner = Aligner(Counting(), 20)  # type: ignore[arg-type]
    text = "Anna Anna and Anna"
    for _ in range(2):
        aligner.windows([text], [words_of(text)])
    assert calls == [["Anna", " Anna", " and"]]


# Windows


@given(st.data(), st.integers(1, 40))
def test_windows_answer_for_each_word_once_and_where_it_is_farthest_from_a_cut(
    data: st.DataObject, room: int
) -> None:
    sizes = data.draw(st.lists(st.integers(1, room), max_size=60))
    windows = split(sizes, room)
    assert [word for _, answered in windows for word in answered] == list(range(len(sizes)))
    for read, answered in windows:
        assert sum(sizes[word] for word in read) <= room
        assert set(answered) <= set(read)

    def distance(word: int, read: range) -> float:
        """Subwords between the middle of a word and the nearest cut of the text."""
        left = sum(sizes[read.start : word]) if read.start else 10**9
        right = sum(sizes[word + 1 : read.stop]) if read.stop < len(sizes) else 10**9
        return min(left, right)

    for read, answered in windows:
        for word in answered:
            assert distance(word, read) == max(
                distance(word, other) for other, _ in windows if word in other
            )


@given(st.lists(st.integers(1, 5), max_size=20))
def test_what_fits_is_one_window(sizes: list[int]) -> None:
    everything = range(len(sizes))
    assert split(sizes, max(1, sum(sizes))) == [(everything, everything)]


def test_long_texts_overlap_by_a_quarter() -> None:
    windows = split([1] * 1000, 100)
    assert [read.start for read, _ in windows] == list(range(0, 901, 75))
    assert [answered.stop for _, answered in windows][:2] == [87, 162]


# Tags


@st.composite
def annotated(draw: st.DrawFn) -> tuple[str, list[Span]]:
    text = draw(TEXTS.filter(lambda text: bool(text.strip())))
    spans = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        spans.append(Span(start, end, draw(st.sampled_from(["A", "B"]))))
    return text, spans


@given(annotated())
def test_tags_hold_the_spans_widened_to_words(given: tuple[str, list[Span]]) -> None:
    text, spans = given
    words = words_of(text)
    found, left_out = tags.encode(answer_of(spans), words, ["A", "B"])
    assert len(found) == len(words)
    kept = [(start, end, "AB"[label]) for start, end, label in tags.entities(found).tolist()]
    touched = []
    for span in sorted(set(spans)):
        inside = [i for i, (s, e) in enumerate(words) if s < span.end and span.start < e]
        touched += [(inside[0], inside[-1] + 1, span.label)] if inside else []
    assert set(kept) <= set(touched)
    assert len(kept) + left_out == len(set(spans))
    for start, end, _ in touched:  # what is left out overlaps something that is not
        assert any(start < stop and begin < end for begin, stop, _ in kept)


def test_what_is_not_confirmed_is_unknown() -> None:
    text = "Anna met Bob in Paris today"
    answer = answer_of([Span(9, 12, "A")], confirmed=[[0, 12]])
    found, left_out = tags.encode(answer, words_of(text), ["B", "A"])
    assert found.tolist() == [0, 0, 3, *[tags.UNKNOWN] * 3]
    assert left_out == 0
    # Half a word is not confirmed, but a whole span is, even where it widens beyond.
    answer = answer_of([Span(9, 11, "A")], confirmed=[[2, 11]])
    found, _ = tags.encode(answer, words_of(text), ["B", "A"])
    assert found.tolist() == [tags.UNKNOWN, 0, 3, *[tags.UNKNOWN] * 3]


def test_names_of_tags() -> None:
    assert tags.tag_names(("PER", "creative-work")) == (
        "O", "B-PER", "I-PER", "B-creative-work", "I-creative-work",
    )  # fmt: skip
    assert tags.tag_names(()) == ("O",)
