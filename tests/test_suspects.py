"""The suspicious answers of a project: found, corrected, confirmed, and back when things change."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from conftest import rows
from telling import GOLD

from alnlp.errors import DataError
from alnlp.project import Project, Suspect
from alnlp.project.cold import ColdStart
from alnlp.store import NewEvent

MakeProject = Callable[..., Project]


def confirm(project: Project, suspect: Suspect, by: str = "me") -> None:
    """Say that it is right as it is."""
    pairs = [
        (suspect.example.id, suspect.given),
        *((o.example.id, o.given) for o in suspect.others),
    ]
    project.record(
        [NewEvent(example_id=i, annotator=by, kind="confirm", answer=answer) for i, answer in pairs]
    )


def listed(project: Project) -> set[str]:
    return {suspect.example.id for suspect in project.suspects()}


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    """All messages answered by a person as they should be."""
    made = make_project(answers=False)
    made.tell(GOLD, annotator="ana")
    return made


def of_label(project: Project, label: str, n: int = 1) -> list[str]:
    return [i for i in project.pool.ids if GOLD[i] == label][:n]


def other(project: Project, text: str, label: str) -> str:
    """Add an answered text."""
    source = project.folder.parent / "more.csv"
    source.write_text(f'text,label\n"{text}",{label}\n', encoding="utf-8")
    project.add(source)
    return project.pool.ids[len(project.pool) - 1]


def test_right_answers_are_not_suspicious(project):
    assert list(project.suspects()) == []
    assert "words alone" in project.suspects().notice


def test_a_flipped_label_is_listed_until_it_is_corrected(project):
    [wrong] = of_label(project, "refund")
    project.tell({wrong: "fault"}, annotator="ana")
    [suspect] = project.suspects()
    assert suspect.example.id == wrong
    assert (suspect.given, suspect.proposed) == ("fault", "refund")
    assert suspect.answers == {"ana": "fault"}
    assert suspect.score > 0.5
    assert suspect.reason.endswith(".")
    project.tell({wrong: suspect.proposed}, annotator="ana")
    assert not project.suspects()
    project.undo(annotator="ana")
    assert listed(project) == {wrong}


def test_what_is_confirmed_stays_away_until_the_answer_changes(project):
    [wrong] = of_label(project, "refund")
    project.tell({wrong: "fault"}, annotator="ana")
    confirm(project, project.suspects()[0], by="ben")
    assert not project.suspects()
    reopened = Project.open(project.folder)
    assert not reopened.suspects()
    reopened.close()
    project.tell({wrong: "delivery"}, annotator="ana")
    assert listed(project) == {wrong}
    project.undo(annotator="ana")  # as it was when it was confirmed
    assert not project.suspects()
    project.record([NewEvent(example_id=wrong, annotator="ben", kind="unconfirm")])
    assert listed(project) == {wrong}


def test_a_verdict_names_an_answer_of_the_task(project):
    [one] = of_label(project, "refund")
    with pytest.raises(DataError, match="nonsense"):
        project.record(
            [NewEvent(example_id=one, annotator="me", kind="confirm", answer="nonsense")]
        )
    with pytest.raises(DataError, match="got no answer"):
        NewEvent(example_id=one, annotator="me", kind="confirm").check()


def test_a_correction_by_somebody_else_needs_no_third_look(project):
    [wrong] = of_label(project, "refund")
    project.tell({wrong: "fault"}, annotator="ana")
    project.tell({wrong: "refund"}, annotator="ben")
    [suspect] = project.suspects()  # two people differ now
    assert suspect.kind == "disagreement"
    assert suspect.answers == {"ana": "fault", "ben": "refund"}
    assert (suspect.given, suspect.proposed) == ("refund", "refund")
    confirm(project, suspect, by="ben")
    assert not project.suspects()


def test_a_correction_in_review_is_not_outvoted(project, tmp_path):
    [wrong] = of_label(project, "refund")
    for annotator in ("ana", "ben"):
        project.tell({wrong: "fault"}, annotator=annotator)
    [told] = project.tell({wrong: "refund"}, annotator="cy")
    [suspect] = project.suspects()
    assert suspect.given == "fault"
    by_cy = {"example_id": wrong, "annotator": "cy"}
    project.record([NewEvent(kind="confirm", answer="refund", **by_cy)])
    assert not project.suspects()
    with project._state.refreshed() as ledger:
        assert project._state.taught(ledger)[wrong] == "refund"
    exported = project.export(tmp_path / "answers.jsonl").read_text().splitlines()
    assert {row["id"]: row["label"] for row in map(json.loads, exported)}[wrong] == "refund"
    project.record(
        [NewEvent(kind="undo", target=told.uid, **by_cy), NewEvent(kind="unconfirm", **by_cy)]
    )
    [suspect] = project.suspects()
    assert suspect.given == "fault"


def test_a_file_is_overridden_without_a_disagreement(make_project):
    project = make_project(answers=True)
    assert {by for one in project.found(list(GOLD)[:1]) for by in one.answers} == {"import"}
    [one] = of_label(project, "refund")
    project.tell({one: "refund"}, annotator="ana")
    assert not project.suspects()


def test_contradictions_are_listed_with_the_differing_words(project):
    text = "the courier left the parcel out in the rain today"
    first = other(project, text, "delivery")
    second = other(project, text.replace("courier", "driver"), "refund")
    [suspect] = project.suspects()
    assert suspect.kind == "contradiction"
    [counterpart] = suspect.others
    assert {suspect.example.id, counterpart.example.id} == {first, second}
    assert suspect.proposed == counterpart.given != suspect.given
    words = [suspect.example.text[a:b] for a, b in counterpart.here]
    words += [counterpart.example.text[a:b] for a, b in counterpart.there]
    assert sorted(words) == ["courier", "driver"]
    # Kept: until one of the two, or another near-duplicate, is answered otherwise.
    confirm(project, suspect)
    assert not project.suspects()
    third = other(project, text.replace("today", "yesterday"), "fault")
    assert {i for one in project.suspects() for i in ids(one)} == {first, second, third}


def ids(suspect: Suspect) -> set[str]:
    return {suspect.example.id, *(other.example.id for other in suspect.others)}


def test_the_odd_one_out_is_asked_about_once(project):
    text = "what does the small sign {} on my invoice stand for"
    right = [other(project, text.format(sign), "refund") for sign in ("AB", "CD", "EF")]
    odd = other(project, text.format("GH"), "delivery")
    [suspect] = project.suspects()
    assert suspect.example.id == odd
    assert suspect.proposed == "refund"
    assert ids(suspect) == {odd, *right}
    assert suspect.reason.startswith("3 texts that differ by a few words are answered refund")


def test_the_number_listed_is_limited(project):
    for i in of_label(project, "refund", 2):
        project.tell({i: "fault"}, annotator="ana")
    found = project.suspects(limit=1)
    assert len(found) == 1
    assert found.total == 2
    assert found[0].score >= project.suspects()[1].score


def read(project: Project) -> None:
    """Embeddings as of a network that knows what the texts mean, where `prepare` puts them."""
    labels = list(project.task.labels)
    meant = np.eye(16)[[labels.index(GOLD[i]) for i in project.pool.ids]]
    embeddings = meant + np.random.default_rng(0).normal(0, 0.1, meant.shape)
    known = {"embeddings": embeddings.astype(np.float16)}
    ColdStart.write(project.folder, project.settings, np.arange(len(meant)), known)


def test_embeddings_are_taken_from_the_disk_without_torch(make_project):
    project = make_project(answers=True)
    read(project)
    [wrong] = of_label(project, "refund")
    project.tell({wrong: "fault"})
    found = project.suspects()
    assert found.notice is None
    assert [one.example.id for one in found] == [wrong]
    code = (
        "import sys; from alnlp import Project; "
        f"print(len(Project.open({str(project.folder)!r}).suspects()), 'torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(len(found)), "False"]


def test_what_a_round_said_before_an_answer_is_counted_in(make_project):
    project = make_project(answers=False)
    known = list(project.pool.ids)[:30]
    project.tell({i: GOLD[i] for i in known}, annotator="ana")
    project.train(score=True)
    fresh = project.pool.ids[40]
    project.tell({fresh: GOLD[fresh]}, annotator="ana")
    look = project._inbox._look()
    honest = project._inbox._honest(look)
    there = [i for i, row in zip(look.ids, honest, strict=True) if row[0] == row[0]]
    assert there == [fresh]  # the others have been learnt from


def test_label_sets_are_doubted_label_by_label(make_project, tmp_path):
    source = tmp_path / "sets.jsonl"
    lines = [{"text": row["text"], "labels": [row["label"], "seen"]} for row in rows(90)]
    source.write_text("\n".join(map(json.dumps, lines)))
    project = make_project("sets", data=source, task="multilabel", answers=True)
    one = project.pool.ids[0]
    project.tell({one: ["fault", "seen"]})
    found = {suspect.example.id: suspect for suspect in project.suspects()}
    assert found[one].given == ["fault", "seen"]
    assert "refund" in found[one].proposed


def spans(text: str, *words: str, label: str = "PER") -> dict[str, object]:
    places = [text.index(word) for word in words]
    return {
        "spans": [
            {"start": at, "end": at + len(word), "label": label}
            for at, word in zip(places, words, strict=True)
        ]
    }


@pytest.fixture
def entities(make_project, tmp_path) -> Project:
    texts = [
        "Ana Lind went home early because of the snow",
        "nobody had told me that Ana Lind was there",
        "it was Ana Lind who paid for the tickets",
        "after lunch we heard Ana Lind sing upstairs",
    ]
    source = tmp_path / "texts.csv"
    source.write_text("text\n" + "\n".join(texts))
    made = make_project("ner", data=source, task="ner", labels=["PER", "LOC"])
    made.tell({example.id: spans(example.text, "Ana Lind") for example in made.pool})
    return made


def test_a_phrase_left_unmarked_is_listed_with_the_mark_proposed(entities):
    assert not entities.suspects()
    last = entities.pool[3]
    entities.tell({last.id: {"spans": []}})
    [suspect] = entities.suspects()
    assert (suspect.kind, suspect.example.id) == ("span", last.id)
    assert suspect.proposed == spans(last.text, "Ana Lind")
    assert "“Ana Lind” is marked PER in 3 of 4 places" in suspect.reason
    entities.tell({last.id: suspect.proposed})
    assert not entities.suspects()


def test_near_duplicates_with_other_marks_contradict(entities, tmp_path):
    source = tmp_path / "more.csv"
    lines = [
        "text",
        "the train to Ulm leaves at nine today",
        "the train to Ulm leaves at ten today",
    ]
    source.write_text("\n".join(lines))
    entities.add(source)
    first, second = entities.pool[4], entities.pool[5]
    entities.tell({first.id: spans(first.text, "Ulm", label="LOC"), second.id: {"spans": []}})
    [suspect] = entities.suspects()
    assert suspect.kind == "contradiction"
    assert ids(suspect) == {first.id, second.id}
    proposed = (
        {"spans": []} if suspect.example.id == first.id else spans(second.text, "Ulm", label="LOC")
    )
    assert suspect.proposed == proposed


@pytest.mark.parametrize("longer_first", [False, True])
def test_a_mark_of_more_words_contradicts_none(entities, tmp_path, longer_first):
    lines = ["the train to Ulm leaves at nine", "the train to Neu Ulm leaves at nine"]
    source = tmp_path / "more.csv"
    source.write_text("\n".join(["text", *sorted(lines, reverse=not longer_first)]))
    entities.add(source)
    for example in (entities.pool[row] for row in (4, 5)):
        name = "Neu Ulm" if "Neu" in example.text else "Ulm"
        entities.tell({example.id: spans(example.text, name, label="LOC")})
    assert [one for one in entities.suspects() if one.kind == "contradiction"] == []


def test_no_answers_no_suspects(make_project):
    found = make_project(answers=False).suspects()
    assert len(found) == found.total == 0
    assert "5 answers" in found.notice


def test_the_command_line_lists_them(project):
    read(project)
    [wrong] = of_label(project, "refund")
    project.tell({wrong: "fault"}, annotator="ana")
    command = [sys.executable, "-c", "from alnlp.cli import main; main()", "suspects"]
    command.append(str(project.folder))
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "fault -> refund" in said
    found = json.loads(
        subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout
    )
    assert said.splitlines()[-1].startswith("1 of 1")
    assert (found["total"], found["notice"]) == (1, None)
    [one] = found["suspects"]
    assert (one["id"], one["given"], one["proposed"]) == (wrong, "fault", "refund")


def test_the_command_line_reads_the_texts_first(project):
    assert project.unread
    command = [sys.executable, "-c", "from alnlp.cli import main; main()", "suspects"]
    ran = subprocess.run([*command, project.folder, "--json"], capture_output=True, check=True)
    assert json.loads(ran.stdout)["notice"] is None
    assert not project.unread


def test_the_command_line_goes_by_words_where_no_network_is(project, tiny_model, tmp_path):
    shutil.copytree(tiny_model, tmp_path / "gone")
    project.update_settings(model=str(tmp_path / "gone"))
    shutil.rmtree(tmp_path / "gone")
    command = [sys.executable, "-c", "from alnlp.cli import main; main()", "suspects"]
    ran = subprocess.run([*command, project.folder], capture_output=True, text=True, check=True)
    assert ran.stderr.startswith("note: ")
    assert "words alone" in ran.stdout
