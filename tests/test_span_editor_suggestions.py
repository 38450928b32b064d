"""Suggested spans in a real browser: accepted, rejected, and confirmed for a part of the text."""

import random

import browsing
import marking
import pytest
from browsing import ready, saved, wait_for_text
from marking import LABELS, LETTER, SUGGESTED, play, spans_in
from playwright.sync_api import expect

from alnlp.data.words import words_of
from alnlp.tasks import Task

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served
desk = marking.desk


def test_suggestions_are_accepted_and_rejected_one_by_one(desk):
    other = "Another letter from Grace Hopper."
    suggest = {LETTER: SUGGESTED, other: spans_in(other, ("Grace Hopper", "PERSON", 0.9))}
    with desk(LETTER, other, suggest=suggest) as on:
        expect(on.page.locator(".al-passage .al-chip.al-dashed")).to_have_count(4)
        assert on.chips[1] == "PERSON “Charles” · suggested, 51% sure"
        on.press("a")  # shows which it is about
        expect(on.page.locator(".al-passage .al-dashed")).to_have_count(4)
        on.press("a", "x", "a")
        assert on.chips == [
            "PERSON “Ada Lovelace”", "PLACE “London”",
            "ORG “Royal Society of London” · suggested, 60% sure",
        ]  # fmt: skip
        assert on.page.locator(".al-accept").inner_text().startswith("Submit 3 marks")
        on.submit()  # accepts what is left
        assert [words for words, _ in on.answers()[LETTER]] == [
            "Ada Lovelace", "London", "Royal Society of London",
        ]  # fmt: skip
        assert on.text == other
        assert on.chips == ["PERSON “Grace Hopper” · suggested, 90% sure"]
        expect(on.page.locator(".al-alert:visible")).to_have_count(0)
        (item,) = on.project.undoable("me")
        offered = [{**span, "confidence": 0} for span in item.event.suggestion["spans"]]
        assert offered == [{**span, "confidence": 0} for span in SUGGESTED["spans"]]


def test_all_suggestions_are_accepted_at_once_and_a_correction_confirms(desk):
    with desk(LETTER, suggest={LETTER: SUGGESTED}) as on:
        on.click("Charles")
        on.press("]")
        assert on.chips[1] == "PERSON “Charles Babbage”"
        expect(on.page.locator(".al-passage .al-dashed")).to_have_count(3)
        on.press("Shift+A")
        expect(on.page.locator(".al-passage .al-dashed")).to_have_count(0)
        on.press("Control+z")
        expect(on.page.locator(".al-passage .al-dashed")).to_have_count(3)
        on.submit()
        assert ("Charles Babbage", "PERSON") in on.answers()[LETTER]


def test_newer_suggestions_go_round_what_has_been_decided(desk):
    with desk(LETTER, suggest={LETTER: SUGGESTED}) as on:
        on.press("n", "x")
        on.drag("Charles Babbage")
        on.press("r", "2", "r")  # blocked by the suggestion, then in its place
        newer = spans_in(
            LETTER, ("Ada Lovelace", "PERSON", 0.9), ("Babbage", "PERSON", 0.9),
            ("answered", "ORG", 0.4),
        )  # fmt: skip
        on.page.add_init_script(play([LETTER], {LETTER: newer}))
        on.page.reload()
        ready(on.page)
        assert on.chips == [
            "ORG “Charles Babbage”", "ORG “answered” · suggested, 40% sure",
        ]  # fmt: skip


def test_only_the_uncertain_part_is_confirmed(desk):
    at = LETTER.index("The Royal")
    unsure = {LETTER: [[at, len(LETTER)]]}
    with desk(LETTER, suggest={LETTER: SUGGESTED}, unsure=unsure) as on:
        assert on.page.locator(".al-outside").count() > 0
        part = on.page.locator(".al-part")
        assert "Confirm the uncertain part: 1 mark (3 left out)" in part.inner_text()
        on.click("London")
        on.press("3")  # decides on it, so that it is confirmed too
        assert "Confirm the uncertain part: 2 marks (2 left out)" in part.inner_text()
        on.submit("Shift+Enter")
        (item,) = on.project.undoable("me")
        start = LETTER.index("London")
        assert item.event.answer["confirmed"] == [[start, start + 6], [at, len(LETTER)]]
        assert [words for words, _ in on.answers()[LETTER]] == ["London", "Royal Society of London"]
        on.press(",")
        wait_for_text(on.page, LETTER)
        assert len(on.chips) == 2
        assert "(in part of the text)" in on.page.locator(".al-remarks").inner_text()


def test_only_the_selection_is_confirmed(desk):
    with desk(LETTER, suggest={LETTER: SUGGESTED}) as on:
        on.press("Shift+Enter")
        assert on.note == "Select the part of the text that you confirm."
        on.drag("Lovelace wrote to")
        on.page.locator(".al-part").click()
        saved(on.page)
        (item,) = on.project.undoable("me")
        assert item.event.answer["confirmed"] == [[0, len("Ada Lovelace wrote to")]]
        assert on.answers()[LETTER] == [("Ada Lovelace", "PERSON")]


CONTAINED = """async (texts) => {
  const { Offsets } = await import("/alnlp/static/offsets.js");
  const { Draft } = await import("/alnlp/static/spans.js");
  let seed = 1;
  const below = (n) => (seed = (seed * 48271) % 2147483647) % n;
  return texts.map(({ text, words }) => {
    const offsets = new Offsets(text, words);
    const edges = [...Array(text.length + 1).keys()].filter((at) => offsets.divides(at));
    const range = () => {
      const from = below(edges.length - 1);
      return [edges[from], edges[from + 1 + below(edges.length - 1 - from)]];
    };
    const draft = new Draft(offsets, { spans: [], parts: [], overlaps: false });
    const wild = range(); // as a file may have it, with blanks at its ends
    if (offsets.exact(wild)) draft.mark(wild, "PERSON");
    for (let i = 0; i < 12; i += 1) {
      const exact = offsets.exact(range());
      if (exact) draft.mark(exact, "PERSON");
      const span = draft.spans[below(draft.spans.length || 1)];
      const edge = ["start", "end"][below(2)];
      const moved = span && draft.nudged([span.start, span.end], edge, [1, -1][below(2)], true);
      if (moved) draft.change(span, { start: moved[0], end: moved[1] });
    }
    return draft.answer([range()]);
  });
}"""


def test_what_is_confirmed_holds_every_mark_sent(desk):
    draw = random.Random(1)
    signs = [*"ab  \n\t字é", "e\u0301", "👩‍👩‍👧", "🇫🇷", "ع", "\x85", "\u3000", "-"]
    texts = ["".join(draw.choices(signs, k=draw.randint(2, 25))) for _ in range(400)]
    cases = [{"text": text, "words": words_of(text)} for text in texts]
    task = Task("ner", LABELS)
    with desk(LETTER) as on:
        answers = on.page.evaluate(CONTAINED, cases)
    assert sum(len(answer["spans"]) for answer in answers) > 400
    for text, answer in zip(texts, answers, strict=True):
        task.check(answer, text)


def answer_in_part(on) -> None:
    """Confirm the last line alone, and look back at that answer after a reload."""
    on.drag("The Royal Society of London answered.")
    on.submit("Shift+Enter")
    on.page.reload()
    ready(on.page)
    on.press(",")
    wait_for_text(on.page, LETTER)


LAST_LINE = [LETTER.index("The Royal"), len(LETTER)]


def test_an_answer_for_part_of_a_text_stays_one_until_the_whole_is_confirmed(desk):
    with desk(LETTER, "Another letter from Grace Hopper.", suggest={LETTER: SUGGESTED}) as on:
        confirmed = lambda: on.project.undoable("me")[0].event.answer.get("confirmed")  # noqa: E731
        answer_in_part(on)
        first, last = on.page.locator(".al-accept"), on.page.locator(".al-whole")
        assert "Ada Lovelace wrote" in on.page.locator(".al-outside").first.inner_text()
        expect(on.page.locator(".al-part:visible")).to_have_count(0)
        on.press("n", "Delete")
        on.drag("Royal Society")
        on.press("2")
        assert first.inner_text().startswith("Submit 1 mark, for the same part of the text")
        assert last.inner_text().startswith("Confirm the whole text: 1 mark")
        on.submit()
        assert confirmed() == [LAST_LINE]
        on.press(",")
        wait_for_text(on.page, LETTER)
        on.drag("Ada Lovelace")
        on.press("1")  # what is decided on outside is confirmed too
        on.submit("Shift+Enter")
        assert confirmed() == [[0, len("Ada Lovelace")], LAST_LINE]
        on.press(",")
        wait_for_text(on.page, LETTER)
        on.drag("Charles Babbage")
        part = on.page.locator(".al-part")
        assert part.inner_text().startswith("Confirm the selection too: 2 marks")
        on.submit("Shift+Enter")
        assert len(confirmed()) == 3
        on.press(",")
        wait_for_text(on.page, LETTER)
        on.submit("Control+Enter")
        assert confirmed() is None
        assert on.answers()[LETTER] == [("Ada Lovelace", "PERSON"), ("Royal Society", "ORG")]
        on.press(",")
        wait_for_text(on.page, LETTER)
        expect(on.page.locator(".al-outside, .al-whole:visible")).to_have_count(0)


def test_an_answer_for_part_of_a_text_that_is_taken_back_stays_one(desk):
    with desk(LETTER, "Another letter from Grace Hopper.", suggest={LETTER: SUGGESTED}) as on:
        answer_in_part(on)
        on.press("n", "2")
        on.submit("Control+Enter")
        on.press("u")  # the earlier answer stands again
        wait_for_text(on.page, LETTER)
        on.drag("Babbage")
        on.press("1")
        on.submit()
        (item, *_) = on.project.undoable("me")
        start = LETTER.index("Babbage")
        assert item.event.answer["confirmed"] == [[start, start + len("Babbage")], LAST_LINE]


def test_a_share_that_is_not_zero_is_not_shown_as_zero(desk):
    sure = [("Ada", 0.004), ("Charles", 0.0), ("London", 0.005)]
    suggestion = spans_in(LETTER, *((words, "PERSON", share) for words, share in sure))
    with desk(LETTER, suggest={LETTER: suggestion}) as on:
        assert [chip.split("suggested, ")[1] for chip in on.chips] == [
            "<1% sure", "0% sure", "1% sure",
        ]  # fmt: skip
