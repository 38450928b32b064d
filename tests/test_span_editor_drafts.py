"""Drafts of spans in a real browser: marked ahead, undone, reloaded, corrected, overtaken."""

import browsing
import marking
import pytest
from browsing import open_tab, ready, saved, wait_for_text
from marking import LETTER, SUGGESTED, Desk, spans_in

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served
desk = marking.desk


def test_every_occurrence_is_marked_in_the_text_and_in_the_batch(desk):
    text = "Ann met Ann's aunt Annual; Ann, ANN and Ann Lee left Ann."
    others = ["Nobody is here.", "Here comes Ann again, and Ann stays.", "Ann once more."]
    with desk(text, *others) as on:
        on.drag("Ann Lee")
        on.press("2")
        on.drag("Ann")
        on.press("1", "o")
        assert on.chips == [*["PERSON “Ann”"] * 3, "ORG “Ann Lee”", "PERSON “Ann”"]
        assert on.note == "3 more marked in this text. 1 left alone, since something else is marked there."  # fmt: skip  # noqa: E501
        on.press("Control+z")
        assert len(on.chips) == 2
        on.press("Control+y", "n", "Shift+O")
        assert "3 marked ahead, in 2 of the next 3 examples." in on.note
        for _ in range(3):
            on.submit()
        assert on.text == others[2]
        assert on.chips == ["PERSON “Ann”"]
        on.submit()
        answers = on.answers()
        assert [len(answers[each]) for each in (text, *others)] == [5, 0, 2, 1]
        assert set(answers[others[1]]) == {("Ann", "PERSON")}


def test_one_undo_takes_back_what_was_marked_ahead(desk):
    texts = ["Ann writes.", "Bo and Ann.", "Only Ann.", "Here Ann met Bo."]
    with desk(*texts, suggest={texts[2]: spans_in(texts[2], ("Ann", "ORG", 0.4))}) as on:
        on.drag("Ann")
        on.press("1", "Shift+O")
        assert "2 marked ahead, in 2 of the next 3 examples." in on.note
        on.press("u")
        assert on.note == "Undone. Also in 2 other examples."
        assert on.chips == ["PERSON “Ann”"]
        on.press("Control+y")
        assert on.note == "Done again. Also in 2 other examples."
        on.submit()
        assert on.chips == ["PERSON “Ann”"]
        on.submit()
        assert on.chips == ["ORG “Ann” · suggested, 40% sure"]
        on.press(",", ",")
        wait_for_text(on.page, texts[0])
        on.press("u")  # but what has been submitted since then stays
        assert on.note == "Undone. Also in 1 other example."
        on.press(".")
        assert on.chips == ["PERSON “Ann”"]
        on.press(".")
        on.submit()
        assert on.text == texts[3]
        assert on.chips == []
        on.page.reload()
        ready(on.page)
        assert on.chips == []


def test_what_was_marked_ahead_is_taken_back_after_newer_suggestions_too(desk):
    texts = ["Ann writes.", "Bo and Ann."]
    with desk(*texts) as on:
        on.drag("Ann")
        on.press("1", "Shift+O")
        on.page.evaluate(
            """async (suggestion) => {
              const { session } = await import("/alnlp/static/session.js");
              const fetched = window.fetch;
              window.fetch = async (url, options) => {
                const response = await fetched(url, options);
                if (!String(url).endsWith("/ask")) return response;
                const body = await response.json();
                body.examples.forEach((example) => Object.assign(example, { suggestion }));
                window.asked = true;
                return new Response(JSON.stringify(body));
              };
              session.publish({ ...session.status, read_by: "a newer round" });
            }""",
            spans_in(texts[1], ("Bo", "PERSON", 0.9)),
        )
        on.page.wait_for_function("window.asked")
        on.press("Space")
        wait_for_text(on.page, texts[1])
        assert on.chips == ["PERSON “Bo” · suggested, 90% sure", "PERSON “Ann”"]
        on.press(",")
        wait_for_text(on.page, texts[0])
        on.press("u")
        assert on.note == "Undone. Also in 1 other example."
        on.press(".")
        assert on.chips == ["PERSON “Bo” · suggested, 90% sure"]


def test_undo_and_redo_know_no_end_and_go_on_into_earlier_answers(desk):
    other = "Another letter from Grace Hopper."
    with desk(LETTER, other) as on:
        states = [on.chips]
        on.press("Home")
        for i in range(12):
            on.press(str(1 + i % 3), "ArrowRight")
            states.append(on.chips)
        for state in reversed(states[:-1]):
            on.press("Control+z")
            assert on.chips == state
        for state in states[1:]:
            on.press("Control+Shift+Z")
            assert on.chips == state
        on.submit()
        assert on.text == other
        on.press("ArrowRight", "2", "u")
        assert on.chips == []
        on.press("Backspace")  # nothing more to undo here: the answer comes back with its marks
        wait_for_text(on.page, LETTER)
        assert on.chips == states[-1]
        on.press("u")
        assert on.chips == states[-2]
        on.press("Control+y", "Control+y")
        wait_for_text(on.page, other)
        saved(on.page)
        assert len(on.answers()[LETTER]) == len(states[-1])


def test_an_earlier_answer_is_looked_at_and_corrected(desk):
    other = "Another letter from Grace Hopper."
    with desk(LETTER, other) as on:
        on.drag("Charles")
        on.press("1")
        on.submit()
        on.page.reload()
        ready(on.page)
        on.press(",")
        wait_for_text(on.page, LETTER)
        assert on.chips == ["PERSON “Charles”"]
        assert "PERSON: Charles" in on.page.locator(".al-remarks").inner_text()
        on.press(".", ",", "n", "]")
        assert on.page.locator(".al-suggestion").inner_text() == "Changed, and not submitted yet"
        on.submit()
        assert on.text == other
        assert on.answers()[LETTER] == [("Charles Babbage", "PERSON")]
        open_tab(on.page, "Data")
        item = on.page.locator(".al-item", has_text="Ada Lovelace wrote")
        item.locator(".al-tag", has_text="PERSON: Charles Babbage").wait_for()
        item.click()
        on.page.wait_for_selector(".al-said:has-text('me: PERSON: Charles Babbage')")
        assert on.page.locator(".al-full .al-chip").get_attribute("data-label") == "PERSON"


def test_a_draft_survives_a_reload_until_it_is_submitted(desk):
    drafts = "Object.keys(localStorage).filter((key) => key.startsWith('alnlp/draft/')).length"
    with desk(LETTER, suggest={LETTER: SUGGESTED}) as on:
        on.press("n", "n", "x")
        on.drag("Charles Babbage")
        on.press("2")
        before = on.chips
        on.page.reload()
        ready(on.page)
        assert on.chips == before
        assert on.page.evaluate(drafts) == 1
        on.press("Control+z")
        assert len(on.chips) == 4
        on.press("Control+y")
        on.submit()
        assert on.page.evaluate(drafts) == 0
        assert ("Charles Babbage", "ORG") in on.answers()[LETTER]


def test_an_answer_from_another_tab_overtakes_a_draft(desk, visit):
    other = "Another letter from Grace Hopper."
    with desk(LETTER, other) as on:
        on.drag("London")
        on.press("3")
        tab = Desk(visit(on.page.url.split("/?")[0], "inbox", context=on.page.context), on.project)
        ready(tab.page)
        assert tab.chips == ["PLACE “London”"]
        tab.press("1")
        tab.drag("Ada Lovelace")
        tab.press("1")
        tab.submit()
        wait_for_text(on.page, other)
        on.press(",")
        wait_for_text(on.page, LETTER)
        assert on.chips == ["PERSON “Ada Lovelace”", "PLACE “London”"]


def test_an_answer_from_another_tab_is_shown_where_its_example_is_looked_at(desk, visit):
    other = "Another letter from Grace Hopper."
    with desk(LETTER, other) as on:
        on.drag("London")
        on.press("3")
        on.submit()
        on.press(",")
        wait_for_text(on.page, LETTER)
        tab = Desk(visit(on.page.url.split("/?")[0], "inbox", context=on.page.context), on.project)
        ready(tab.page)
        tab.press(",")
        wait_for_text(tab.page, LETTER)
        tab.drag("Ada Lovelace")
        tab.press("1")
        tab.submit()
        on.page.wait_for_function("document.querySelectorAll('.al-passage .al-chip').length === 2")
        on.drag("Charles Babbage")
        on.press("1")
        marked = on.chips
        assert marked == [
            "PERSON “Ada Lovelace”", "PERSON “Charles Babbage”", "PLACE “London”",
        ]  # fmt: skip
        on.page.reload()  # what is begun upon it is kept
        ready(on.page)
        on.press(",")
        wait_for_text(on.page, LETTER)
        assert on.chips == marked
