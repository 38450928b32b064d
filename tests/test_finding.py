"""Finding examples by words, meaning and likeness; asking about them; answering them in bulk."""

import multiprocessing
import re
import unicodedata
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from storing import label
from workbench import sentences, write_csv

from alnlp.data.terms import Term, folded, hits, parse
from alnlp.errors import DataError, ProjectError
from alnlp.project import Project, finding
from alnlp.project.cold import ColdStart
from alnlp.store import Event, Ledger, NewEvent, Store
from alnlp.store.wordindex import WordIndex

TEXTS = [
    "My money, please: send it BACK!",
    "back to the Café, money in hand",
    "Straße nach MÜNCHEN",
    "我要退款吗",
    "e-mail me, e.g. naïvely",
    "<b>bold</b> & 'quoted' 100%",
    "great 😀",
]
LETTERS = st.sampled_from("ab éÉe\u0301ß退款\"' -.,oO0ﬁİ_²")
QUERIES = st.text(LETTERS, max_size=12)


def plain_search(text: str, query: str) -> bool:
    """What a search by words means, said as slowly as possible."""

    def words(text: str) -> list[str]:
        decomposed = unicodedata.normalize("NFKD", text).casefold()
        kept = [
            c for c in unicodedata.normalize("NFKD", decomposed) if not unicodedata.combining(c)
        ]
        spaced = "".join(f" {c} " if "\u3400" <= c <= "\u9fff" else c for c in kept)
        return "".join(c if c.isalnum() else " " for c in spaced).split()

    def there(wanted: list[str], goes_on: bool) -> bool:
        all_words = words(text)
        for start in range(len(all_words) - len(wanted) + 1):
            these = all_words[start : start + len(wanted)]
            last = these[-1][: len(wanted[-1])] if goes_on else these[-1]
            if [*these[:-1], last] == wanted:
                return True
        return False

    pieces = query.split('"')
    for place, piece in enumerate(pieces):
        quoted = place % 2 == 1
        for part in [piece] if quoted else piece.split():
            wanted = words(part)
            closed = quoted and place < len(pieces) - 1
            if wanted and not there(wanted, not closed):
                return False
    return True


@given(st.text(LETTERS, max_size=20), QUERIES)
@example("money back", '"money ba')
@example("money back", '"money ba"')
def test_terms_mean_what_the_plain_search_means(text: str, query: str) -> None:
    terms = parse(query)
    found = hits(text, terms)
    assert all(term.words for term in terms)
    if plain_search(text, query):
        assert bool(found) == bool(terms)
        for start, end in found:
            assert folded(text[start:end]).strip()
        assert [start for start, _ in found] == sorted({start for start, _ in found})
    else:
        assert any(not hits(text, [term]) for term in terms)


@given(st.text())
def test_folding_is_stable_and_signs_are_folded_one_by_one(text: str) -> None:
    assert folded(folded(text)).split() == folded(text).split()
    words = re.findall(r"[^\W_]+", folded(text))
    assert re.findall(r"[^\W_]+", "".join(map(folded, text))) == words


@given(st.text(max_size=30))
def test_any_query_is_parsed(query: str) -> None:
    for term in parse(query):
        assert all(word.isalnum() for word in term.words)


def test_quotes_phrases_and_beginnings() -> None:
    assert parse('money "back to" e-mail "open en') == [
        Term(("money",), True),
        Term(("back", "to"), False),
        Term(("e", "mail"), True),
        Term(("open", "en"), True),
    ]
    assert parse("„Straße“ !!!") == [Term(("strasse",), False)]


@given(st.lists(st.text(LETTERS, max_size=20), max_size=6), QUERIES)
def test_the_index_finds_what_the_plain_search_finds(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], query: str
) -> None:
    terms = parse(query)
    if not terms:
        return
    index = WordIndex.open(tmp_path_factory.mktemp("index") / "words.sqlite")
    index.extend(len(texts), lambda a, b: map(folded, texts[a:b]))
    found = index.matching([(term.words, term.prefix) for term in terms])
    index.close()
    assert found.tolist() == [i for i, text in enumerate(texts) if plain_search(text, query)]


def test_an_index_grows_and_is_made_anew_where_it_is_damaged(tmp_path: Path) -> None:
    path, texts = tmp_path / "cache" / "words.sqlite", ["one two", "two three", "three one"]

    def found() -> list[int]:
        index = WordIndex.open(path)
        index.extend(len(texts), lambda a, b: texts[a:b])
        rows = index.matching([(("one",), False)])
        assert len(index) == len(texts)
        index.close()
        return rows.tolist()

    assert found() == [0, 2]
    texts.append("one more")
    assert found() == [0, 2, 3]
    path.write_bytes(b"no database")
    assert found() == [0, 2, 3]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("alnlp.store.wordindex._VERSION", 2)
        assert found() == [0, 2, 3]


def first_search(folder: Path, begin: Barrier, found: "Queue[int]") -> None:
    project = Project.open(folder)
    begin.wait(60)
    found.put(project.search("late")[1])


def test_processes_that_search_first_at_once_find_the_same(project: Project) -> None:
    context = multiprocessing.get_context("spawn")
    begin, found = context.Barrier(3), context.Queue()
    searching = [
        context.Process(target=first_search, args=(project.folder, begin, found)) for _ in range(3)
    ]
    for process in searching:
        process.start()
    said = [found.get(timeout=120) for _ in searching]
    for process in searching:
        process.join(60)
    assert said == [project.search("late")[1]] * 3


@pytest.mark.parametrize("damage", ["pages", "cut", "log alone"])
def test_a_damaged_index_is_made_anew_by_the_search(project: Project, damage: str) -> None:
    found = project.search("late")[1]
    file = project.folder / "cache" / "words.sqlite"
    raw = file.read_bytes()
    if damage == "pages":
        file.write_bytes(raw[:8192] + b"\xff" * (len(raw) - 8192))
    elif damage == "cut":
        file.write_bytes(raw[:8192])
    else:
        file.unlink()
        file.with_name("words.sqlite-wal").write_bytes(b"left over")
    for _ in range(2):
        assert project.search("late")[1] == found > 0


def test_what_a_search_goes_by_is_checked(project: Project) -> None:
    with pytest.raises(ProjectError, match="by: got 'sound', expected one of words, meaning"):
        project.search("late", by="sound")  # type: ignore[arg-type]
    with pytest.raises(ProjectError, match="which: got 'some'"):
        project.search("late", which="some")  # type: ignore[arg-type]


def test_repeated_words_are_looked_for_once() -> None:
    assert parse("late " * 50) == parse("late")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project over a few texts, and a pool that is large enough to choose from."""
    source = write_csv(tmp_path / "texts.csv", [*TEXTS, *sentences(40)])
    made = Project.create(
        tmp_path / "project", data=source, task="classification", labels=["a", "b"], audit_share=0.0
    )
    yield made
    made.close()


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("money back", [0, 1]),
        ("BACK mone", [0, 1]),
        ('"money in"', [1]),
        ("cafe", [1]),
        ("strasse munch", [2]),
        ("退款", [3]),
        ("e-mail", [4]),
        ("naively", [4]),
        ("<b>", [5]),
        ("😀", [6]),
        ("ack", []),
        ('"mone"', []),
    ],
)
def test_words_find_what_people_expect(project: Project, query: str, rows: list[int]) -> None:
    found, total = project.search(query)
    ids = [project.pool.ids[row] for row in rows]
    assert [item.example.id for item in found if item.example.id in ids] == ids
    assert total == len(found)
    if query != "<b>":  # the letter begins other words as well
        assert total == len(rows)


def test_hits_tell_where_the_words_stand(project: Project) -> None:
    (first, second), _ = project.search('"money" back')
    assert [first.example.text[a:b] for a, b in first.hits] == ["money", "BACK"]
    assert [second.example.text[a:b] for a, b in second.hits] == ["back", "money"]
    (signs,), _ = project.search("100")
    assert signs.hits == [(signs.example.text.index("100"), signs.example.text.index("%"))]
    assert project.search()[0][0].hits == []


def test_a_search_sees_what_was_added_and_keeps_its_filters(
    project: Project, tmp_path: Path
) -> None:
    assert project.search("zebra") == ([], 0)
    more = [f"a zebra number {word}" for word in ("one", "two", "three")]
    project.add(write_csv(tmp_path / "more.csv", more))
    found, total = project.search("zebra", limit=2)
    assert (len(found), total) == (2, 3)
    assert project.search("zebra", limit=2, offset=2)[0][0].example.text.endswith("three")
    project.tell({found[1].example.id: "a"})
    assert project.search("zebra", which="answered")[0][0].example == found[1].example
    assert project.search("zebra", which="unanswered")[1] == 2
    assert project.search("zebra", label="b") == ([], 0)


# By meaning


def read(project: Project, seed: int = 0, rows: int | None = None) -> np.ndarray:
    """Keep made up embeddings, as `prepare` would."""
    n = len(project.pool) if rows is None else rows
    embeddings = np.random.default_rng(seed).normal(size=(n, 8)).astype(np.float16)
    ColdStart.write(project.folder, project.settings, np.arange(n), {"embeddings": embeddings})
    return embeddings


def plain_cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def ids(found: list) -> list[str]:
    return [item.example.id for item in found]


def test_meaning_ranks_by_the_cosine(project: Project) -> None:
    embeddings = read(project)
    wanted = np.linspace(-1, 1, 8).astype(np.float32)
    found, total = project.search("x", by="meaning", embedding=wanted, limit=500)
    order = sorted(range(len(embeddings)), key=lambda row: -plain_cosine(embeddings[row], wanted))
    assert total == len(project.pool)
    assert ids(found) == [project.pool.ids[row] for row in order]
    second, _ = project.search("x", by="meaning", embedding=wanted, limit=5, offset=5)
    assert ids(second) == ids(found)[5:10]


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 12))
def test_the_closest_are_those_of_a_plain_sort(seed: int, n: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    embeddings = rng.integers(-2, 3, size=(n, 3)).astype(np.float16)  # with ties and zeros
    read_rows = np.sort(rng.choice(60, n, replace=False))
    kept = _Kept(read_rows, embeddings)
    rows = np.sort(rng.choice(60, rng.integers(0, 60), replace=False))
    wanted = rng.normal(size=3).astype(np.float32)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(finding, "_AT_ONCE", 4)
        found = finding.closest(kept, rows, wanted, most)
        # In the same parts: whether texts in one direction are tied to the last bit hangs on them.
        known = np.intersect1d(rows, read_rows)
        scores = finding.cosines(embeddings, np.searchsorted(read_rows, known), wanted)
    by_row = dict(zip(known.tolist(), scores.tolist(), strict=True))
    plain = sorted(by_row, key=lambda row: (-by_row[row], row))
    assert found.tolist() == plain[:most]


class _Kept:
    """The part of kept signals that a search looks at."""

    def __init__(self, rows: np.ndarray, embeddings: np.ndarray) -> None:
        self.rows, self.arrays = rows, {"embeddings": embeddings}

    def positions(self, rows: np.ndarray) -> np.ndarray:
        known = {row: place for place, row in enumerate(self.rows.tolist())}
        return np.array([known.get(row, -1) for row in rows.tolist()], np.int64)


def test_more_like_these_and_less_like_those(project: Project) -> None:
    embeddings = read(project).astype(np.float64)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    all_ids = list(project.pool.ids)
    found, total = project.search(like=[all_ids[3]], limit=500)
    order = np.argsort(-(unit @ unit[3]), kind="stable")
    assert ids(found) == [all_ids[row] for row in order if row != 3]
    assert total == len(all_ids) - 1

    found, _ = project.search(like=[all_ids[3], all_ids[7]], unlike=[all_ids[5]], limit=500)
    mean = unit[[3, 7]].mean(axis=0)
    wanted = mean / np.linalg.norm(mean) - 0.5 * unit[5]
    order = np.argsort(-(unit @ wanted), kind="stable")
    assert ids(found)[:10] == [all_ids[row] for row in order if row not in (3, 5, 7)][:10]


def test_meaning_needs_a_first_reading_and_says_what_it_has_not_seen(project: Project) -> None:
    assert project.unread == len(project.pool)
    for search in ({"query": "x", "by": "meaning"}, {"like": [project.pool.ids[0]]}):
        with pytest.raises(ProjectError, match="prepare"):
            project.search(**search)
    read(project, rows=10)
    assert project.unread == len(project.pool) - 10
    assert project.search(like=[project.pool.ids[0]])[1] == 9
    with pytest.raises(ProjectError, match="read"):
        project.search(like=[project.pool.ids[20]])
    assert project.search(by="meaning")[1] == len(project.pool)  # nothing asked for: all there is


def test_a_real_network_finds_a_text_by_itself(make_project) -> None:
    project = make_project(strategy="typiclust")
    project.prepare()
    assert project.unread == 0
    text = project.pool[4].text
    found, _ = project.search(text, by="meaning", limit=1)
    assert found[0].example.text == text


# Asking about what was found


def test_what_was_searched_is_asked_first_and_named_so(project: Project) -> None:
    before = project.ask(5)
    found, _ = project.search("money back")
    batch = project.ask_about(ids(found), why="you searched for “money”")
    assert [example.id for example in batch] == ids(found)
    assert batch.notice is None
    asked = project.ask(7)
    assert [example.id for example in asked][:2] == ids(found)
    assert {example.id for example in before} <= {example.id for example in asked}
    assert (asked[0].strategy, asked[0].why) == ("search", "you searched for “money”")
    assert project.asked_about() == ids(found)
    newer = project.search("strasse")[0]
    project.ask_about(ids(newer))
    assert [example.id for example in project.ask(3)] == ids(newer) + ids(found)
    project.tell({asked[0].id: "a"})
    assert project.asked_about() == [*ids(newer), ids(found)[1]]


def test_an_example_that_was_in_the_queue_already_comes_to_its_front(project: Project) -> None:
    last = project.ask(5)[4]
    project.ask_about([last.id])
    assert project.ask(5)[0].id == last.id


def test_what_others_have_or_is_answered_is_left_out(project: Project) -> None:
    theirs = project.ask(1, annotator="bo")[0]
    answered = project.pool.ids[0] if theirs.id != project.pool.ids[0] else project.pool.ids[1]
    project.tell({answered: "a"})
    free = next(i for i in project.pool.ids if i not in (theirs.id, answered))
    batch = project.ask_about([theirs.id, answered, free, free])
    assert [example.id for example in batch] == [free]
    assert batch.notice == "2 of 3 cannot be asked for"
    with pytest.raises(DataError):
        project.ask_about(["nonsense"])


def test_the_audit_sample_is_never_chosen_and_never_bent(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "texts.csv", sentences(80))
    project = Project.create(
        tmp_path / "audited", data=source, task="classification", labels=["a", "b"], audit_share=0.4
    )
    state = project._state
    with state.refreshed() as ledger:
        reserved = {project.pool.ids[row] for row in state.reserved(ledger).tolist()}
    batch = project.ask_about(list(project.pool.ids))
    assert {example.id for example in batch} == set(project.pool.ids) - reserved
    assert len(reserved) > 10

    # Answered in bulk, before anybody was asked: neither learnt nor measured.
    project.tell(dict.fromkeys(reserved, "a"), bulk=True)
    with state.refreshed() as ledger:
        assert not set(state.taught(ledger)) & reserved
        assert not len(state.audited(ledger)[0])
    project.close()


# In bulk


def present(project: Project) -> dict[str, str]:
    return {
        item.example.id: item.answers["me"].answer
        for item in project.found(list(project.pool.ids))
        if "me" in item.answers
    }


def test_one_undo_takes_back_a_bulk_and_one_redo_brings_it_back(project: Project) -> None:
    first, *others = project.pool.ids[:6]
    project.tell({first: "a"})
    project.tell(dict.fromkeys([first, *others], "b"), bulk=True)
    project.tell({others[0]: "a"})
    after = present(project)

    reopened = Project.open(project.folder)  # in another session
    assert reopened.undo().example_id == others[0]
    assert reopened.undo().answer == "b"
    assert present(reopened) == {first: "a"}
    assert [item.together for item in reopened.redoable()] == [6] * 6 + [1]
    assert reopened.undo().answer == "a"
    assert reopened.undo() is None
    for _ in range(3):
        assert reopened.redo() is not None
    assert reopened.redo() is None
    assert present(reopened) == after
    reopened.close()


def test_an_undone_bulk_does_not_fill_the_queue(project: Project) -> None:
    project.tell(dict.fromkeys(project.pool.ids[:6], "b"), bulk=True)
    project.undo()
    assert project.release() == 0
    project.tell({project.pool.ids[0]: "b"}, bulk=True)
    project.undo()
    assert project.release() == 1


@given(st.lists(st.tuples(st.sampled_from(["one", "bulk", "undo", "redo"]), st.integers(0, 4))))
def test_undo_and_redo_walk_through_the_history_step_by_step(steps: list[tuple[str, int]]) -> None:
    """Against a list of states: whatever was done, undo leads to the state before it."""
    ledger, states, place = Ledger(), [{}], 0
    seq = 0

    def apply(event: NewEvent) -> None:
        nonlocal seq
        seq += 1
        ledger.apply([Event(**vars(event), seq=seq, created_at="")])

    for number, (step, size) in enumerate(steps):
        if step in ("one", "bulk"):
            chosen = [str(i) for i in range(size + 1)] if step == "bulk" else [str(size)]
            bulk = f"bulk {number}" if step == "bulk" else None
            for one in chosen:
                apply(label(one, f"{number}", bulk=bulk))
            states = [*states[: place + 1], states[place] | dict.fromkeys(chosen, f"{number}")]
            place += 1
        else:
            target = (ledger.last_undoable if step == "undo" else ledger.last_redoable)("ana")
            room = place > 0 if step == "undo" else place < len(states) - 1
            assert (target is not None) == room
            if target is not None:
                apply(NewEvent(
                    example_id=target.example_id, annotator="ana", kind=step, target=target.uid
                ))  # fmt: skip
                place += 1 if step == "redo" else -1
        assert ledger.labels() == states[place]


def test_only_answers_are_given_in_bulk(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store.db") as store:
        with pytest.raises(DataError, match="bulk"):
            store.append([NewEvent(example_id="x", annotator="me", kind="flag", bulk="b")])
        with pytest.raises(DataError, match="bulk"):
            store.append([label("x", "a", bulk=" ")])
        (stored,) = store.append([label("x", "a", bulk="b")])
        assert store.events() == [stored]
        assert stored.bulk == "b"
