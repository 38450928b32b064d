"""The project object: create, ask, tell, and never lose or mix up anything."""

import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
from conftest import rows
from telling import GOLD, MakeProject, tell_gold

from alnlp.data import example_id
from alnlp.errors import DataError, ModelError, ProjectError, StrategyError
from alnlp.project import Batch, Project, exporting
from alnlp.store import NewEvent

# Creating


def test_labels_of_a_full_file_are_gold_and_not_answers(make_project: MakeProject) -> None:
    project = make_project()
    assert project.task.labels == ("delivery", "fault", "refund")
    assert len(project.pool) == 45
    assert project.status()["labelled"] == 0
    assert project.pool.gold(0) == "refund"


def test_labels_of_a_part_are_answers(make_project: MakeProject, tmp_path: Path) -> None:
    path = tmp_path / "part.csv"
    path.write_text("text,label\nmoney back please,refund\nwhere is it,delivery\nhello you,\n")
    project = make_project(data=path)
    assert project.status()["labelled"] == 2
    assert [e.text for e in project.ask(5)] == ["hello you"]


def test_what_it_is_is_told(make_project: MakeProject) -> None:
    project = make_project(strategy="entropy")
    status = project.status()
    assert (status["strategy"], status["model"]) == ("entropy", project.settings.model)
    said = "classification, 0 of 45 texts answered, round 0"
    assert repr(project) == f"<Project {project.name}: {said}>"


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"task": "regression"}, DataError, "task: got 'regression'"),
        ({"strategy": "marjin"}, StrategyError, "did you mean 'margin'"),
        ({"strategy": 5}, ProjectError, "strategy: got 5, expected a text"),
        ({"batch_size": 0}, ProjectError, "batch_size: got 0"),
        ({"batch_size": 2.5}, ProjectError, "batch_size: got 2.5"),
        ({"seed": 2**32}, ProjectError, "seed: got"),
        ({"lease_hours": 0}, ProjectError, "lease_hours: got 0"),
        ({"model": "nope/nope"}, ModelError, "neither a folder nor a model"),
        ({"model": ""}, ProjectError, "model: got ''"),
        ({"colour": 1}, ProjectError, "settings: got 'colour'"),
        ({"data": "absent.csv"}, DataError, "absent.csv"),
        ({"labels": ["refund", "refund"]}, DataError, "twice"),
        ({"labels": ["only"]}, DataError, "only"),
        ({"text_column": "body"}, DataError, "body"),
    ],
)
def test_bad_input_leaves_nothing_behind(
    make_project: MakeProject, tmp_path: Path, options: dict, error: type, says: str
) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error, match=says) as caught:
        make_project("new", **options)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_taken_folder_is_refused(make_project: MakeProject) -> None:
    make_project()
    with pytest.raises(ProjectError, match="already exists"):
        make_project()


def test_opening_what_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="holds no alnlp project"):
        Project.open(tmp_path)


# Asking


def test_ask_starts_at_random_and_says_so(make_project: MakeProject) -> None:
    batch = make_project().ask(10)
    assert len(batch) == len({example.id for example in batch}) == 10
    assert batch.notice is not None
    assert "at random" in batch.notice
    assert all(example.strategy == "random" and example.suggestion is None for example in batch)


def test_asking_again_resumes_the_batch(make_project: MakeProject) -> None:
    project = make_project()
    first = [example.id for example in project.ask(8)]
    again = Project.open(project.folder)
    assert [example.id for example in again.ask(8)] == first
    again.tell({first[2]: "refund"})
    rest = [example.id for example in project.ask(8)]
    assert rest[:7] == [i for i in first if i != first[2]]
    assert rest[7] not in first


def test_annotators_never_share_an_example(make_project: MakeProject) -> None:
    project = make_project()
    seen: list[str] = []

    def label(annotator: str) -> None:
        own = Project.open(project.folder)
        while batch := own.ask(3, annotator=annotator):
            seen.extend(example.id for example in batch)
            tell_gold(own, batch, annotator)
        own.close()

    threads = [threading.Thread(target=label, args=(f"a{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted(GOLD)


def test_no_near_duplicates_in_a_batch(make_project: MakeProject, tmp_path: Path) -> None:
    path = tmp_path / "near.csv"
    same = ["Where is my parcel, please tell me now", "where is my parcel please tell me now!"]
    other = ["The machine leaks water all over my desk", "I was charged twice for one order"]
    path.write_text("text\n" + "\n".join(f'"{text}"' for text in same + other))
    project = make_project(data=path, labels=["a", "b"])
    batch = project.ask(4)
    assert len(batch) == 3
    assert sum(example.text in same for example in batch) == 1
    project.tell({example.id: "a" for example in batch})
    assert [example.text in same for example in project.ask(4)] == [True]


def test_an_empty_batch_says_why(make_project: MakeProject, csv_file: Path) -> None:
    project = make_project()
    held = project.ask(2, annotator="bo")
    skipped, *rest = project.ask(100)
    tell_gold(project, Batch(tuple(rest)))
    project.record([NewEvent(example_id=skipped.id, annotator="me", kind="skip")])
    assert not project.ask(5)
    assert project.ask(5).notice == (
        "every example is answered, but for 2 reserved by bo and 1 skipped by me"
    )
    project.tell({held[0].id: "refund"})  # which ends bo's lease
    said = "every example is answered, but for 1 reserved by bo and 1 skipped by me"
    assert project.ask(5).notice == said
    assert [example.id for example in project.ask(5, annotator="al")] == [skipped.id]
    project.tell({skipped.id: "refund"}, annotator="al")
    project.tell({held[1].id: "refund"}, annotator="bo")
    assert project.ask(5).notice == "every example is answered"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no strategy is told to be another than was asked for
        project.ask(5, strategy="random")
    project = make_project("tested", test=csv_file)
    assert project.ask(5).notice == "every example that is not in the test set is answered"


def test_a_test_set_is_never_asked(make_project: MakeProject, csv_file: Path) -> None:
    test = csv_file.with_name("test.csv")
    lines = csv_file.read_text().splitlines()
    test.write_text("\n".join([lines[0], *lines[1:11]]))
    project = make_project(test=test)
    held_out = {row["text"] for row in rows()[:10]}
    assert len(project.ask(100)) == 35
    assert not held_out & {example.text for example in project.ask(100)}


def test_release_gives_back_all_but_the_kept(make_project: MakeProject) -> None:
    project = make_project()
    first = [example.id for example in project.ask(6)]
    assert project.release("me", keep=first[:1]) == 5
    assert project.ask(6)[0].id == first[0]


def test_templates_make_short_batches_and_say_so(make_project: MakeProject, tmp_path: Path) -> None:
    path = tmp_path / "templates.csv"
    lines = [f"your order number {i} has been shipped to you today" for i in range(30)]
    path.write_text("text\n" + "\n".join(lines))
    project = make_project(data=path, labels=["a", "b"])
    batch = project.ask(10)
    assert len(batch) == 1
    assert batch.notice is not None
    assert "near-duplicates" in batch.notice


def test_an_undone_example_pushes_out_its_near_duplicate(
    make_project: MakeProject, tmp_path: Path
) -> None:
    path = tmp_path / "near.csv"
    same = ["Where is my parcel, please tell me now", "where is my parcel please tell me now!"]
    path.write_text("text\n" + "\n".join(f'"{text}"' for text in same))
    project = make_project(data=path, labels=["a", "b"])
    first = project.ask(1)[0].id
    project.tell({first: "a"})
    assert project.ask(1)[0].id != first
    project.undo()
    assert [example.id for example in project.ask(5)] == [first]


@pytest.mark.parametrize("n", [0, -1, 2.5, True])
def test_asking_for_nonsense(make_project: MakeProject, n: float) -> None:
    with pytest.raises(ProjectError, match="expected a whole number"):
        make_project().ask(n)


@pytest.mark.parametrize("annotator", ["", " ", None])
def test_asking_for_nobody(make_project: MakeProject, annotator: str) -> None:
    with pytest.raises(ProjectError, match="expected a name"):
        make_project().ask(1, annotator=annotator)


# Telling


def test_what_stays_is_kept_while_the_rest_is_chosen_anew(make_project: MakeProject) -> None:
    project = make_project(strategy="random")
    first = [one.id for one in project.ask(6)]
    assert [one.id for one in project.ask(6)] == first
    anew = [one.id for one in project.ask(6, keep=first[:2])]
    assert anew[:2] == first[:2]
    assert len(anew) == 6
    held = {lease.example_id for lease in project._store.leases("me")}
    assert held == set(anew)
    assert not {one.id for one in project.ask(6, annotator="ben")} & set(anew)


def test_what_an_annotator_no_longer_holds(make_project: MakeProject) -> None:
    project = make_project()
    kept, given_back, answered, taken = (one.id for one in project.ask(4, annotator="ana"))
    project.release("ana", keep=[kept, answered, taken])
    project.tell({answered: "refund"}, annotator="ana")
    project.tell({taken: "refund"}, annotator="ben")
    project.ask(2, annotator="ana")
    ids = [kept, given_back, answered, taken]
    assert project.lost(ids, annotator="ana") == [given_back, taken]
    assert project.settled(ids, annotator="ana") == [answered]


def test_a_skip_that_follows_an_undo_is_not_asked_about_again(make_project: MakeProject) -> None:
    project = make_project()
    one = project.ask(1)[0].id
    [given] = project.tell({one: "refund"})
    undo = NewEvent(example_id=one, annotator="me", kind="undo", target=given.uid)
    project.record([undo, NewEvent(example_id=one, annotator="me", kind="skip")])
    project.record([undo])  # once more, as a browser does that heard no reply
    assert not project._store.leases("me")
    project.undo()
    assert [lease.example_id for lease in project._store.leases("me")] == [one]
    project.redo()
    assert not project._store.leases("me")


def test_nobody_waits_for_an_export(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project()
    project.tell({project.pool.ids[0]: "refund"})
    write, waited = exporting.WRITERS["csv"], []

    def slowly(rows: Any, path: Path) -> None:
        other = threading.Thread(target=lambda: waited.append(project.status()["labelled"]))
        other.start()
        other.join(20)
        write(rows, path)

    monkeypatch.setitem(exporting.WRITERS, "csv", slowly)
    project.export(tmp_path / "answers.csv")
    assert waited == [1]


def test_the_newest_answer_counts_and_undo_goes_back(make_project: MakeProject) -> None:
    project = make_project()
    one = project.ask(1)[0]
    project.tell({one.id: "refund"})
    project.tell({one.id: "fault"})
    assert project.search(which="answered")[0][0].answers["me"].answer == "fault"
    project.undo()
    assert project.search(which="answered")[0][0].answers["me"].answer == "refund"
    project.undo()
    assert project.status()["labelled"] == 0
    assert project.undo() is None
    assert project.ask(1)[0].id == one.id
    project.redo()
    assert project.status()["per_label"]["refund"] == 1


def test_all_or_nothing(make_project: MakeProject) -> None:
    project = make_project()
    known = project.ask(1)[0].id
    for answers, says in [
        ({known: "refund", "0" * 16: "refund"}, "not in the pool"),
        ({known: "nonsense"}, "expected one of"),
        ({known: ["refund"]}, "expected one label name"),
        ({known: None}, "expected one label name"),
    ]:
        with pytest.raises(DataError, match=says):
            project.tell(answers)
    assert project.status()["labelled"] == 0


def test_malformed_events_are_the_callers_mistake(make_project: MakeProject) -> None:
    project = make_project()
    one = project.ask(1)[0].id
    for event in (
        NewEvent(example_id=one, annotator="me", kind="undo", target="nowhere"),
        NewEvent(example_id=one, annotator="", kind="skip"),
        NewEvent(example_id=one, annotator="me", kind="dance"),  # type: ignore[arg-type]
        NewEvent(example_id=one, annotator="me", kind="skip", seconds=float("nan")),
    ):
        with pytest.raises(DataError):
            project.record([event])


def test_replaying_an_event_changes_nothing(make_project: MakeProject) -> None:
    project = make_project()
    event = NewEvent(example_id=project.ask(1)[0].id, annotator="me", kind="label", answer="refund")
    first = project.record([event])
    assert project.record([event]) == first
    assert project.status()["labelled"] == 1


def test_skipped_examples_are_neither_asked_nor_trained_on(make_project: MakeProject) -> None:
    project = make_project()
    skipped = project.ask(1)[0].id
    project.skip([skipped])
    tell_gold(project, project.ask(12))
    assert skipped not in {example.id for example in project.ask(45)}
    assert project.train().labels == 12


def test_flags_and_comments(make_project: MakeProject) -> None:
    project = make_project()
    one = project.ask(1)[0].id
    project.flag(one, comment="is this one of ours?")
    found, total = project.search(which="flagged")
    assert total == 1
    assert found[0].comments == {"me": "is this one of ours?"}


def test_a_new_label_can_be_used_at_once(make_project: MakeProject) -> None:
    project = make_project()
    tell_gold(project, project.ask(9))
    project.train(score=True)
    project.add_label("praise")
    batch = project.ask(1)
    project.tell({batch[0].id: "praise"})
    assert batch[0].prediction is not None
    assert set(batch[0].prediction.probabilities) == {"delivery", "fault", "refund"}
    assert project.train().label_names[-1] == "praise"
    with pytest.raises(DataError, match="twice"):
        project.add_label("praise")


def test_two_processes_add_labels(make_project: MakeProject) -> None:
    project = make_project()
    other = Project.open(project.folder)
    project.add_label("praise")
    other.add_label("spam")
    assert project.task.labels[-2:] == ("praise", "spam")


def test_what_another_process_imports_is_seen(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project()
    other = Project.open(project.folder)
    path = tmp_path / "more.csv"
    path.write_text("text,label\na thing that nobody has said before,refund\n")
    other.add(path)
    assert len(project.pool) == 46 or project.status()["labelled"] == 1
    assert project.search(which="answered")[1] == 1
    assert len(project.ask(45)) == 45


def test_importing_again_never_overrides_a_person(
    make_project: MakeProject, csv_file: Path
) -> None:
    project = make_project(answers=True)
    seq = project._store.events()[-1].seq
    one = example_id(rows()[0]["text"])
    project.tell({one: "fault"})
    project.add(csv_file)
    assert project._store.events()[-1].seq == seq + 1
    assert project.status()["per_label"]["fault"] == 16


@pytest.mark.parametrize("answers", [True, False])
def test_the_first_label_of_a_repeated_text_counts(
    make_project: MakeProject, tmp_path: Path, answers: bool
) -> None:
    path = tmp_path / "twice.csv"
    path.write_text(
        "text,label\nhello there,\nhello there,refund\nhello there,fault\nhi you,fault\n"
    )
    project = make_project(data=path, labels=["refund", "fault"], answers=answers)
    if not answers:
        project.add(path)
    found = {f.example.text: f.answers for f in project.search()[0]}
    assert found["hello there"]["import"].answer == "refund"
