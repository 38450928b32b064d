"""Marking spans in a real browser, by mouse and keyboard: what is stored is what was marked."""

import random

import browsing
import marking
import pytest
from marking import LABELS, LETTER, spans_in

from alnlp.data.words import words_of

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served
desk = marking.desk


def test_words_are_marked_by_mouse_over_two_lines(desk):
    with desk(LETTER) as on:
        on.drag("da Lovel")  # snaps to the words
        assert on.picked == "Ada Lovelace"
        on.press("1")
        on.drag("London.\nThe Royal")
        on.label("ORG")
        on.click("Babbage", times=2)
        assert on.picked == "Babbage"
        on.label("PERSON")
        assert on.chips == ["PERSON “Ada Lovelace”", "PERSON “Babbage”", "ORG “London. The Royal”"]
        assert on.text == LETTER
        on.submit()
        assert on.answers()[LETTER] == [
            ("Ada Lovelace", "PERSON"), ("Babbage", "PERSON"), ("London.\nThe Royal", "ORG"),
        ]  # fmt: skip


def test_words_are_marked_by_keyboard_alone(desk):
    with desk(LETTER) as on:
        on.press("ArrowRight", "Shift+ArrowRight", "1")
        on.press("ArrowRight", "ArrowRight", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight")
        assert on.picked == "Charles Babbage in"
        on.press("Shift+ArrowLeft", "1")
        on.press("End", "ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft")
        assert on.picked == "of London answered"
        on.press("Escape", "Home", "ArrowDown")
        assert on.picked == "The"
        on.press("Shift+ArrowRight", "Shift+ArrowRight", "2", "ArrowUp")
        assert on.picked in LETTER.split("\n")[0]
        on.submit()
        assert on.answers()[LETTER] == [
            ("Ada Lovelace", "PERSON"), ("Charles Babbage", "PERSON"), ("The Royal Society", "ORG"),
        ]  # fmt: skip


SCRIPTS = {
    "chinese": ("昨天王小明在北京大学见到了李华。", ["王小明", "北京大学", "李华"]),
    "japanese": ("田中さんは東京のソニーで働いている。", ["田中", "東京", "ソニー"]),
    "arabic": ("التقى طه حسين بالسيد نجيب محفوظ في مدينة القاهرة أمس.", ["طه حسين", "القاهرة"]),
    "hebrew and latin": ("דוד גרוסמן wrote to Amos Oz מירושלים.", ["דוד גרוסמן", "Amos Oz"]),
    "family": ("Team 👩‍👩‍👧‍👦 met 👨🏽‍🚀 Bo Å. 🛰️ today.", ["👩‍👩‍👧‍👦", "👨🏽‍🚀 Bo Å", "🛰️"]),
    "flags": ("From 🇫🇷🇩🇪 to 🏳️‍🌈 by 🇳🇬 Wole Soyinka.", ["🇩🇪", "🇳🇬 Wole Soyinka"]),
    "combining": ("Zoe\u0308 D\u030curiš met Z̷͝a̸l̵g̶o̵.", ["Zoe\u0308 D\u030curiš", "Z̷͝a̸l̵g̶o̵"]),
    "old signs": ("𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍅𐌿𐌻𐍆𐌹𐌻𐌰 and 𠮷野家.", ["𐍅𐌿𐌻𐍆𐌹𐌻𐌰", "𠮷野家"]),
}  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS)
def test_offsets_select_exactly_what_was_marked(script, desk):
    text, marks = SCRIPTS[script]
    with desk(text) as on:
        for words in marks:
            on.drag(words)
            assert on.picked == words
            on.press("1")
        assert on.text == text
        on.submit()
        assert on.answers()[text] == [(words, "PERSON") for words in marks]


def test_the_cursor_of_a_text_from_right_to_left_goes_left(desk):
    text = SCRIPTS["arabic"][0]
    with desk(text) as on:
        on.press("ArrowLeft", "ArrowLeft", "Shift+ArrowLeft", "1")
        on.press("ArrowRight", "2")
        on.submit()
        assert on.answers()[text] == [("التقى", "ORG"), ("طه حسين", "PERSON")]


def test_offsets_of_the_browser_and_of_python_agree(desk):
    draw = random.Random(0)
    signs = [*"ab1. \n\tü字の", "e\u0301", "👩‍👩‍👧", "🇫🇷", "𝔘", "١", "ة", "\u200d", "\u3000", "."]
    texts = ["".join(draw.choices(signs, k=60)) for _ in range(50)]
    cases = [{"text": text, "words": words_of(text)} for text in texts]
    with desk(LETTER) as on:
        found = on.page.evaluate(
            """async (cases) => {
              const { Offsets } = await import("/alnlp/static/offsets.js");
              return cases.map(({ text, words }) => {
                const offsets = new Offsets(text, words);
                return words.map((word) => {
                  const units = offsets.toUnits(word);
                  const beside = offsets.wordBeside(units, 1);
                  return { words: offsets.slice(units), points: offsets.toPoints(units),
                    snapped: offsets.toPoints(offsets.snap(units)),
                    exact: offsets.toPoints(offsets.exact(units)),
                    next: beside && offsets.toPoints(beside) };
                });
              });
            }""",
            cases,
        )
    for case, said in zip(cases, found, strict=True):
        text, words = case["text"], [list(word) for word in case["words"]]
        assert [word["words"] for word in said] == [text[start:end] for start, end in words]
        for way in ("points", "snapped", "exact"):
            assert [word[way] for word in said] == words
        assert [word["next"] for word in said] == [*words[1:], None]


def test_shift_marks_characters_but_never_half_of_one(desk):
    text = "Unbelievable 👩‍👩‍👧‍👦 e\u0301te\u0301"
    with desk(text) as on:
        on.drag("believ", shift=True)
        assert on.picked == "believ"
        on.press("1")
        assert "begins or ends inside a word" in on.chips[0]
        assert "inside a word" in on.page.locator(".al-span-warning").inner_text()
        for start, end in ((14, 16), (text.index("e\u0301t") + 5, text.index("e\u0301t") + 6)):
            on.page.evaluate(
                """([start, end]) => {
                  const passage = document.querySelector(".al-passage");
                  const node = passage.lastChild.firstChild;
                  const at = passage.lastChild.start;
                  const pointer = (name) => passage.lastChild.dispatchEvent(
                    new PointerEvent(name, { bubbles: true, button: 0, shiftKey: true }));
                  pointer("pointerdown");
                  getSelection().setBaseAndExtent(node, start - at, node, end - at);
                  pointer("pointerup");
                }""",
                [start, end],
            )
            on.press("2")
        on.submit()
        marks = [("believ", "PERSON"), ("👩‍👩‍👧‍👦", "ORG"), ("e\u0301", "ORG")]
        assert on.answers()[text] == marks


def test_a_stray_drag_and_an_overlap_leave_other_spans_alone(desk):
    with desk(LETTER) as on:
        on.drag("Charles Babbage")
        on.press("1")
        on.drag("to Charles")
        assert on.chips == ["PERSON “Charles Babbage”"]
        on.press("2")
        assert on.chips == ["PERSON “Charles Babbage”"]
        assert "PERSON “Charles Babbage” is in the way" in on.note
        on.press("Escape", "Escape")
        on.label("ORG")  # from now on every drag marks at once
        on.drag("Babbage in London")
        assert on.chips == ["PERSON “Charles Babbage”"]
        on.drag("London")
        assert on.chips == ["PERSON “Charles Babbage”", "ORG “London”"]
        on.drag("Charles Babbage in")
        on.press("r")  # only in as many words is it replaced
        assert on.chips == ["ORG “Charles Babbage in”", "ORG “London”"]
        on.press("Control+z")
        assert on.chips == ["PERSON “Charles Babbage”", "ORG “London”"]
        on.drag("Charles Babbage")
        assert on.chips[0] == "ORG “Charles Babbage”"  # the same words are relabelled


def test_spans_overlap_where_the_task_says_so_and_each_can_be_selected(desk):
    with desk(LETTER, overlaps=True) as on:
        on.drag("Royal Society of London")
        on.press("2")
        on.drag("London", nth=1)
        on.press("3")
        on.drag("Society of London answered")
        on.press("1")
        assert on.chips == [
            "PLACE “London”",
            "ORG “Royal Society of London”",
            "PERSON “Society of London answered”",
        ]
        selected = set()
        for _ in range(3):
            on.click("London", nth=1)
            selected.add(on.page.locator(".al-span-what").inner_text())
        assert len(selected) == 3
        on.page.locator(".al-passage .al-chip").nth(1).click()
        assert "Royal Society of London" in on.page.locator(".al-span-what").inner_text()
        lines = on.page.locator(".al-passage .al-covered", has_text="London").evaluate(
            "e => getComputedStyle(e).backgroundPosition.split(',').map((p) => p.trim())"
        )
        assert len(set(lines)) == 3
        on.press("Delete")
        on.submit()
        assert on.answers()[LETTER] == [
            ("Society of London answered", "PERSON"), ("London", "PLACE"),
        ]  # fmt: skip


def test_a_span_is_relabelled_deleted_and_its_boundaries_nudged(desk):
    with desk(LETTER) as on:
        on.drag("Charles Babbage")
        on.press("1", "2")
        assert on.chips == ["ORG “Charles Babbage”"]
        on.press("]", "{")
        assert on.chips == ["ORG “to Charles Babbage in”"]
        on.press("[", "[", "}", "}")
        assert on.chips == ["ORG “Charles”"]  # one word at least
        on.page.keyboard.press("Alt+BracketLeft")
        assert on.chips == ["ORG “Charle” · begins or ends inside a word"]
        on.press("]")
        assert on.chips == ["ORG “Charles”"]
        on.page.get_by_role("button", name="Move the end to the word after").click()
        assert on.chips == ["ORG “Charles Babbage”"]
        on.drag("in London")
        on.press("3", "{")
        assert on.chips == ["ORG “Charles Babbage”", "PLACE “in London”"]
        assert "in the way" in on.note
        on.press("p", "Backspace")
        assert on.chips == ["PLACE “in London”"]
        on.click("in London")
        on.page.get_by_role("button", name="Delete").click()
        assert on.chips == []
        on.submit()
        assert on.answers()[LETTER] == []


def test_a_boundary_moved_by_characters_never_ends_on_a_blank(desk):
    with desk("see Ana now") as on:
        on.drag("Ana")
        on.press("1", "Alt+Shift+BracketLeft")
        assert on.chips == ["PERSON “e Ana” · begins or ends inside a word"]
        on.press("Alt+Shift+BracketRight", "Alt+BracketRight")
        assert on.chips == ["PERSON “Ana n” · begins or ends inside a word"]
        on.press("Alt+BracketLeft", "Alt+BracketLeft", "Alt+BracketLeft", "Alt+BracketLeft")
        assert on.chips == ["PERSON “A” · begins or ends inside a word"]
        assert on.note == "It cannot be moved any further."
        on.drag("Ana")
        on.submit("Shift+Enter")
        (item,) = on.project.undoable("me")
        assert item.event.answer["confirmed"] == [[4, 7]]
        assert on.answers() == {"see Ana now": [("A", "PERSON")]}


def long_text() -> tuple[str, dict]:
    """25,000 characters with 200 marks."""
    draw = random.Random(0)
    names = [f"Dr Name{i} Familyname" for i in range(200)]
    parts = []
    for name in names:
        filling = draw.choices(["the", "naïve", "😀", "reader", "of"], k=18)
        parts.append(f"{name} {' '.join(filling)}.")
    text = "\n".join(parts)
    text += " end" * ((25_000 - len(text)) // 4 + 1)
    marks = [(name, LABELS[i % 3], 0.5 + i / 500) for i, name in enumerate(names)]
    return text, spans_in(text, *marks)


def test_a_text_of_25000_characters_is_marked_to_its_last_word(desk):
    text, suggestion = long_text()
    assert len(text) >= 25_000
    with desk(text, suggest={text: suggestion}) as on:
        assert len(on.chips) == 200
        on.press("End", "Shift+ArrowLeft", "3")
        on.drag("Familyname", nth=150)
        assert on.picked == "Familyname"
        on.submit()
        marks = on.answers()[text]
        assert len(marks) == 201
        assert marks[-1] == ("end end", "PLACE")
        assert marks[150] == ("Dr Name150 Familyname", "PERSON")
