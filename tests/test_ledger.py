"""The ledger over the events of a store, against a slow replay of the whole history."""

import json
import random
from typing import Any

import pytest
import storing
from hypothesis import given, settings
from hypothesis import strategies as st
from storing import act, label, one_line

from alnlp.errors import StoreError
from alnlp.store import Event, Ledger, NewEvent, Store

path, store = storing.path, storing.store


def folded(*new: NewEvent) -> Ledger:
    return Ledger(numbered(new))


def numbered(new: Any) -> list[Event]:
    return [Event(**vars(event), seq=k, created_at="") for k, event in enumerate(new, start=1)]


def test_the_newest_answer_counts() -> None:
    ledger = folded(label("e1", "spam"), label("e1", "ham"), act("skip", "e2"), label("e3"))
    assert ledger.labels() == {"e1": "ham", "e3": "spam"}
    assert ledger.skipped("ana") == {"e2"}
    assert ledger.skipped("ben") == set()
    assert ledger.answer_counts() == {"ana": 3}
    assert ledger.seq == 4


def test_undo_brings_the_earlier_answer_back() -> None:
    first, second = label("e1", "spam"), label("e1", "ham")
    undo = act("undo", "e1", target=second.uid)
    ledger = folded(first, second, undo)
    assert ledger.label_of("e1") == "spam"
    undone = folded(first, second, undo, act("undo", "e1", target=first.uid))
    assert undone.label_of("e1") is None
    assert undone.answers() == {}
    assert undone.last_undoable("ana") is None
    redoable = undone.last_redoable("ana")
    assert redoable is not None
    assert redoable.uid == first.uid


def test_a_new_answer_clears_what_could_be_redone() -> None:
    first = label("e1")
    undo = act("undo", "e1", target=first.uid)
    assert folded(first, undo, act("flag", "e1")).last_redoable("ana") is not None
    assert folded(first, undo, label("e2", by="ben")).last_redoable("ana") is not None
    assert folded(first, undo, act("skip", "e2")).last_redoable("ana") is None


def test_a_redo_is_no_new_answer() -> None:
    first, second = label("e1"), label("e2")
    ledger = folded(
        first,
        second,
        act("undo", "e2", target=second.uid),
        act("undo", "e1", target=first.uid),
        act("redo", "e1", target=first.uid),
    )
    undoable, redoable = ledger.last_undoable("ana"), ledger.last_redoable("ana")
    assert undoable is not None
    assert redoable is not None
    assert (undoable.uid, redoable.uid) == (first.uid, second.uid)
    assert ledger.undoable("ana", limit=0) == []
    assert ledger.redoable("ben") == []


def test_several_annotators_vote() -> None:
    ledger = folded(label("e", "a"), label("e", "b", by="ben"))
    assert ledger.label_of("e") == "b"
    third = Event(**vars(label("e", "a", by="cy")), seq=3, created_at="")
    ledger.apply([third])
    assert ledger.label_of("e") == "a"
    sets = folded(label("m", ["a", "b"]), label("m", ["a"], by="ben"), label("m", ["a", "b"], "cy"))
    assert sets.label_of("m") == ["a", "b"]


def test_what_was_confirmed_on_a_second_look_is_not_outvoted() -> None:
    corrected = label("e", "b", by="cy")
    looks = [
        label("e", "a"),
        label("e", "a", by="ben"),
        corrected,
        act("confirm", "e", by="cy", answer="b"),
    ]
    assert folded(*looks[:3]).label_of("e") == "a"
    assert folded(*looks).label_of("e") == "b"
    assert folded(*looks, label("e", "a", by="dan")).label_of("e") == "b"
    # The latest confirmation counts, until it is taken back.
    again = [*looks, act("confirm", "e", by="dan", answer="a")]
    assert folded(*again).label_of("e") == "a"
    assert folded(*again, act("unconfirm", "e", by="dan")).label_of("e") == "b"
    back = [act("undo", "e", by="cy", target=corrected.uid), act("unconfirm", "e", by="cy")]
    assert folded(*looks, *back[:1]).label_of("e") == "a"  # nobody says b any more
    assert folded(*looks, *back).confirmed == {}
    # Who confirmed has changed their mind.
    assert folded(*looks, label("e", "c", by="cy")).label_of("e") == "a"
    assert folded(act("confirm", "e", answer="a")).labels() == {}


def test_flags_and_comments() -> None:
    ledger = folded(
        act("flag", "e1", comment="odd"),
        act("flag", "e2"),
        act("unflag", "e2", by="ben"),
        act("comment", "e1", comment="first"),
        act("comment", "e1", comment="second"),
        act("comment", "e1", by="ben", comment="gone"),
        act("comment", "e1", by="ben", comment=""),
    )
    assert {example: flag.comment for example, flag in ledger.flagged.items()} == {"e1": "odd"}
    assert {by: event.comment for by, event in ledger.comments("e1").items()} == {"ana": "second"}
    assert ledger.comments("e2") == {}


def test_the_ledger_refuses_a_gap_and_passes_over_a_repeat() -> None:
    events = numbered([label("e1"), label("e2"), label("e3")])
    ledger = Ledger(events[:1])
    with pytest.raises(StoreError) as raised:
        ledger.apply(events[2:])
    one_line(raised, "after=1")
    ledger.apply(events)
    ledger.apply(events)
    assert (ledger.seq, len(ledger.labels())) == (3, 3)


def test_what_the_ledger_returned_stays_as_it_was() -> None:
    events = numbered([label("e1", "a"), label("e1", "b"), act("skip", "e1")])
    ledger = Ledger(events[:1])
    answers, skipped = ledger.answers(), ledger.skipped("ana")
    ledger.apply(events)
    assert answers == {"e1": {"ana": events[0]}}
    assert skipped == set()


def slow_replay(events: list[Event], people: str, examples: str) -> dict[str, Any]:
    """The definitions, read from the whole history each time."""
    answers = {event.uid: event for event in events if event.kind in ("label", "skip")}
    undone: dict[str, None] = {}
    redoable: dict[str, list[str]] = {by: [] for by in people}
    for event in events:
        own = event.target in answers and answers[event.target].annotator == event.annotator
        if event.uid in answers:
            redoable[event.annotator] = []
        elif event.kind == "undo" and own and event.seq > answers[event.target].seq:
            if event.target not in undone:
                undone[event.target] = None
                redoable[event.annotator].append(event.target)
        elif event.kind == "redo" and own and event.target in undone:
            del undone[event.target]
            redoable[event.annotator] = [u for u in redoable[event.annotator] if u != event.target]
    standing = [event for event in answers.values() if event.uid not in undone]

    def present(example: str, by: str) -> Event | None:
        given = [e for e in standing if (e.example_id, e.annotator) == (example, by)]
        return max(given, key=lambda event: event.seq, default=None)

    confirmed: dict[str, list[Event]] = {example: [] for example in examples}
    for event in events:
        given = confirmed[event.example_id]
        if event.kind == "confirm":
            given.append(event)
        elif event.kind == "unconfirm":
            own = [one for one in given if one.annotator == event.annotator]
            confirmed[event.example_id] = [one for one in given if one not in own[-1:]]

    labels: dict[str, Any] = {}
    for example in examples:
        votes = [e for by in people if (e := present(example, by)) and e.kind == "label"]
        if votes:
            same = [sum(other.answer == event.answer for other in votes) for event in votes]
            labels[example] = max(zip(same, votes, strict=True), key=lambda v: (v[0], v[1].seq))[
                1
            ].answer
        for last in confirmed[example][-1:]:
            own = [e for e in votes if e.annotator == last.annotator and e.seq > last.seq]
            changed = any(e.answer != last.answer for e in own)
            if last.answer in [e.answer for e in votes] and not changed:
                labels[example] = last.answer
    return {
        "confirmed": {example: given[-1] for example, given in confirmed.items() if given},
        "present": {(x, by): present(x, by) for x in examples for by in people},
        "labels": labels,
        "skipped": {
            by: {x for x in examples if (e := present(x, by)) and e.kind == "skip"} for by in people
        },
        "undoable": {
            by: sorted((e.seq for e in standing if e.annotator == by), reverse=True)
            for by in people
        },
        "redoable": {by: redoable[by][::-1] for by in people},
    }


PEOPLE, EXAMPLES = "abc", "xyz"
actions = st.lists(
    st.tuples(
        st.sampled_from(
            ["label", "label", "skip", "undo", "undo", "redo", "flag", "confirm", "unconfirm"]
        ),
        st.sampled_from(EXAMPLES),
        st.sampled_from(PEOPLE),
        st.sampled_from(["p", "q", ["p", "q"]]),
        st.integers(1, 40),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(actions, st.lists(st.integers(0, 40), max_size=4))
def test_the_ledger_agrees_with_a_slow_replay(
    drawn: list[tuple[Any, str, str, Any, int]], cuts: list[int]
) -> None:
    events = [
        Event(
            example_id=example,
            annotator=by,
            kind=kind,
            answer=answer if kind in ("label", "confirm") else None,
            target=str(target) if kind in ("undo", "redo") else None,
            uid=str(seq),
            seq=seq,
            created_at="",
        )
        for seq, (kind, example, by, answer, target) in enumerate(drawn, start=1)
    ]
    ledger = Ledger()
    for end in [*sorted(cuts), len(events)]:
        known = events[:end]
        ledger.apply(known)
        slow = slow_replay(known, PEOPLE, EXAMPLES)
        present = {(x, by): ledger.answer(x, by) for x in EXAMPLES for by in PEOPLE}
        undoable = {by: [event.seq for event in ledger.undoable(by)] for by in PEOPLE}
        redoable = {by: [event.uid for event in ledger.redoable(by)] for by in PEOPLE}
        assert present == slow["present"]
        assert ledger.labels() == slow["labels"]
        assert ledger.confirmed == slow["confirmed"]
        assert {by: ledger.skipped(by) for by in PEOPLE} == slow["skipped"]
        assert ledger.all_skipped() == set().union(*slow["skipped"].values())
        assert undoable == slow["undoable"]
        assert redoable == slow["redoable"]
        answers = {(x, by): e for x, given in ledger.answers().items() for by, e in given.items()}
        assert answers == {key: e for key, e in present.items() if e and e.kind == "label"}
        newest = sorted(answers.values(), key=lambda event: -event.seq)
        assert list(ledger.newest_labels()) == newest
        since = [ledger.labels_since(seq) for seq in range(end + 1)]
        assert since == [sum(e.seq > seq for e in newest) for seq in range(end + 1)]


def test_a_long_history_survives_the_round_trip(store: Store) -> None:
    rng = random.Random(0)
    store.append([label(f"e{rng.randrange(500)}", rng.choice("ab")) for _ in range(5000)])
    ledger = Ledger(store.events())
    for _ in range(100):
        event = ledger.last_undoable("ana")
        assert event is not None
        store.append([act("undo", event.example_id, target=event.uid)])
        ledger.apply(store.events(after=ledger.seq))
    assert json.dumps(ledger.labels(), sort_keys=True) == json.dumps(
        Ledger(store.events()).labels(), sort_keys=True
    )
    assert len([event for event in store.events() if event.kind == "undo"]) == 100
