"""Marking spans in a real browser: mouse, finger, keyboard; what is stored is what was marked."""

import json
import random
from contextlib import contextmanager
from pathlib import Path

import pytest
import test_browser
from workbench import LABELS as TOPICS
from workbench import IdleTrainer, sentences
from workbench import make_project as make_inbox

from alnlp.data.words import words_of
from alnlp.project import Project
from alnlp.tasks import Task

pytestmark = pytest.mark.browser
browser, visit, served = test_browser.browser, test_browser.visit, test_browser.served
ready, saved, open_tab = test_browser.ready, test_browser.saved, test_browser.open_tab

LABELS = ("PERSON", "ORG", "PLACE")
LETTER = "Ada Lovelace wrote to Charles Babbage in London.\nThe Royal Society of London answered."
#: Where some words are on screen: the points at which a pointer takes hold of them and lets go.
ENDS = """([words, nth]) => {
  const passage = document.querySelector(".al-passage");
  let at = -1;
  for (let i = 0; i <= nth; i += 1) at = passage.textContent.indexOf(words, at + 1);
  const place = (offset, isEnd) => {
    for (const { firstChild: node, start } of passage.childNodes) {
      const end = start + (node?.length ?? 0);
      if (node && (isEnd ? offset <= end : offset < end)) return [node, offset - start];
    }
  };
  const range = document.createRange();
  range.setStart(...place(at, false));
  range.setEnd(...place(at + words.length, true));
  passage.parentNode.scrollTop += range.getBoundingClientRect().top
    - passage.parentNode.getBoundingClientRect().top - 60;
  const boxes = range.getClientRects();
  const [first, last] = [boxes[0], boxes[boxes.length - 1]];
  const rtl = getComputedStyle(passage).direction === "rtl";
  return [
    [rtl ? first.right - 2 : first.left + 2, (first.top + first.bottom) / 2],
    [rtl ? last.left + 2 : last.right - 2, (last.top + last.bottom) / 2],
  ];
}"""


def play(texts, suggest=None, unsure=None) -> str:
    """A script by which examples arrive in this order, with what a model would say of them."""
    played = json.dumps({"texts": texts, "suggest": suggest or {}, "unsure": unsure or {}})
    return """{
      const { texts, suggest, unsure } = PLAYED;
      const fetched = window.fetch;
      window.fetch = async (url, options) => {
        const response = await fetched(url, options);
        if (!String(url).endsWith("/ask") || !response.ok) return response;
        const body = await response.json();
        const place = (example) => texts.indexOf(example.text);
        body.examples.sort((a, b) => place(a) - place(b));
        for (const example of body.examples) {
          example.suggestion = suggest[example.text] ?? null;
          example.unsure = unsure[example.text] ?? [];
        }
        return new Response(JSON.stringify(body));
      };
    }""".replace("PLAYED", played)


class Desk:
    """The editor as a person sees it."""

    def __init__(self, page, project: Project) -> None:
        self.page, self.project = page, project

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def ends(self, words: str, nth: int = 0):
        return self.page.evaluate(ENDS, [words, nth])

    def drag(self, words: str, nth: int = 0, shift: bool = False) -> None:
        (x, y), (to_x, to_y) = self.ends(words, nth)
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move((x + to_x) / 2, (y + to_y) / 2)
        mouse.move(to_x, to_y)
        if shift:
            self.page.keyboard.down("Shift")
        mouse.up()
        if shift:
            self.page.keyboard.up("Shift")

    def click(self, words: str, nth: int = 0, times: int = 1) -> None:
        (x, y), _ = self.ends(words, nth)
        self.page.mouse.click(x, y, click_count=times)

    def label(self, name: str) -> None:
        self.page.locator(".al-canvas .al-label", has_text=name).first.click()

    @property
    def text(self) -> str:
        return self.page.locator(".al-passage").text_content()

    @property
    def picked(self) -> str:
        return "".join(self.page.locator(".al-canvas .al-selection").all_text_contents())

    @property
    def chips(self) -> list[str]:
        """What is said of each mark on screen, in the order of the text."""
        chips = self.page.locator(".al-passage .al-chip")
        return chips.evaluate_all("all => all.map((chip) => chip.getAttribute('aria-label'))")

    @property
    def note(self) -> str:
        return self.page.locator(".al-span-note").inner_text()

    def submit(self, key: str = "Enter") -> None:
        self.press(key)
        saved(self.page)

    def answers(self) -> dict[str, list[tuple[str, str]]]:
        """What is stored: for each text, what the offsets select in it, and the label."""
        return {
            item.example.text: [
                (item.example.text[span["start"] : span["end"]], span["label"])
                for span in item.event.answer["spans"]
            ]
            for item in reversed(self.project.undoable("me", 50))
            if item.event.kind == "label"
        }


def spans_in(text: str, *marks: tuple) -> dict:
    """Marks (words, label[, confidence]) as spans of a text, each behind the one before."""
    spans, at = [], 0
    for words, label, *confidence in marks:
        at = text.index(words, at)
        spans.append({"start": at, "end": at + len(words), "label": label})
        spans[-1] |= {"confidence": confidence[0]} if confidence else {}
    return {"spans": spans}


def make_project(folder: Path, texts, labels=LABELS, overlaps=False) -> None:
    source = folder.parent / "texts.jsonl"
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    source.write_text("\n".join(lines), encoding="utf-8")
    Project.create(folder, data=source, task="ner", labels=labels, overlaps=overlaps).close()


@pytest.fixture
def desk(tmp_path, browser, visit, served):
    """Opens the editor on some texts, in this order; the test plays the model's part."""

    @contextmanager
    def desk(*texts, suggest=None, unsure=None, labels=LABELS, overlaps=False, **options):
        workspace = tmp_path / "workspace"
        workspace.mkdir()
        make_project(workspace / "inbox", texts, labels, overlaps)

        with served(workspace, trainer=IdleTrainer()) as base:
            context = browser.new_context(
                **({"viewport": {"width": 1280, "height": 900}} | options)
            )
            context.add_init_script(play(texts, suggest, unsure))
            page = visit(base, "inbox", context=context)
            ready(page)
            project = Project.open(workspace / "inbox")
            yield Desk(page, project)
            project.close()
            context.close()

    return desk


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


SUGGESTED = spans_in(
    LETTER,
    ("Ada Lovelace", "PERSON", 0.97),
    ("Charles", "PERSON", 0.51),
    ("London", "PLACE", 0.88),
    ("Royal Society of London", "ORG", 0.6),
)


def test_suggestions_are_accepted_and_rejected_one_by_one(desk):
    other = "Another letter from Grace Hopper."
    suggest = {LETTER: SUGGESTED, other: spans_in(other, ("Grace Hopper", "PERSON", 0.9))}
    with desk(LETTER, other, suggest=suggest) as on:
        assert on.page.locator(".al-passage .al-chip.al-dashed").count() == 4
        assert on.chips[1] == "PERSON “Charles” · suggested, 51% sure"
        on.press("a")  # shows which it is about
        assert on.page.locator(".al-passage .al-dashed").count() == 4
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
        assert on.page.locator(".al-alert:visible").count() == 0
        (item,) = on.project.undoable("me")
        offered = [{**span, "confidence": 0} for span in item.event.suggestion["spans"]]
        assert offered == [{**span, "confidence": 0} for span in SUGGESTED["spans"]]


def test_all_suggestions_are_accepted_at_once_and_a_correction_confirms(desk):
    with desk(LETTER, suggest={LETTER: SUGGESTED}) as on:
        on.click("Charles")
        on.press("]")
        assert on.chips[1] == "PERSON “Charles Babbage”"
        assert on.page.locator(".al-passage .al-dashed").count() == 3
        on.press("Shift+A")
        assert on.page.locator(".al-passage .al-dashed").count() == 0
        on.press("Control+z")
        assert on.page.locator(".al-passage .al-dashed").count() == 3
        on.submit()
        assert ("Charles Babbage", "PERSON") in on.answers()[LETTER]


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
        on.page.wait_for_function(test_browser.SHOWS, arg=texts[0])
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
              session.publish({ ...session.status, round: session.status.round + 1 });
            }""",
            spans_in(texts[1], ("Bo", "PERSON", 0.9)),
        )
        on.page.wait_for_function("window.asked")
        on.press("Space")
        on.page.wait_for_function(test_browser.SHOWS, arg=texts[1])
        assert on.chips == ["PERSON “Bo” · suggested, 90% sure", "PERSON “Ann”"]
        on.press(",")
        on.page.wait_for_function(test_browser.SHOWS, arg=texts[0])
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
        on.page.wait_for_function(test_browser.SHOWS, arg=LETTER)
        assert on.chips == states[-1]
        on.press("u")
        assert on.chips == states[-2]
        on.press("Control+y", "Control+y")
        on.page.wait_for_function(test_browser.SHOWS, arg=other)
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
        on.page.wait_for_function(test_browser.SHOWS, arg=LETTER)
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


HOSTILE = '<img src=x onerror="window.hit = 1"> ${7*6} {{value}} &lt;b&gt; "); content: "x'


def test_hostile_texts_and_labels_are_shown_literally(desk):
    labels = ('<img src=x onerror="window.hit=1">', '"; } body { display: none', "${7*6}")
    suggestion = spans_in(HOSTILE, ("onerror", labels[1], 0.5))
    with desk(HOSTILE, labels=labels, suggest={HOSTILE: suggestion}) as on:
        assert on.text == HOSTILE
        names = on.page.locator(".al-canvas .al-label .al-name").all_text_contents()
        assert names == list(labels)
        on.drag("img src")
        on.press("1")
        assert on.chips[0] == f"{labels[0]} “img src”"
        on.press("Shift+A")
        on.submit()
        assert on.answers()[HOSTILE] == [("img src", labels[0]), ("onerror", labels[1])]
        open_tab(on.page, "Data")
        on.page.locator(".al-item").click()
        on.page.wait_for_selector(".al-full .al-chip")
        assert on.page.evaluate("window.hit") is None
        assert on.page.locator("img").count() == 0


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
        on.page.wait_for_function(test_browser.SHOWS, arg=LETTER)
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
    on.page.wait_for_function(test_browser.SHOWS, arg=LETTER)


LAST_LINE = [LETTER.index("The Royal"), len(LETTER)]


def test_an_answer_for_part_of_a_text_stays_one_until_the_whole_is_confirmed(desk):
    with desk(LETTER, "Another letter from Grace Hopper.", suggest={LETTER: SUGGESTED}) as on:
        confirmed = lambda: on.project.undoable("me")[0].event.answer.get("confirmed")  # noqa: E731
        answer_in_part(on)
        first, last = on.page.locator(".al-accept"), on.page.locator(".al-whole")
        assert "Ada Lovelace wrote" in on.page.locator(".al-outside").first.inner_text()
        assert on.page.locator(".al-part:visible").count() == 0
        on.press("n", "Delete")
        on.drag("Royal Society")
        on.press("2")
        assert first.inner_text().startswith("Submit 1 mark, for the same part of the text")
        assert last.inner_text().startswith("Confirm the whole text: 1 mark")
        on.submit()
        assert confirmed() == [LAST_LINE]
        on.press(",")
        on.page.wait_for_function(test_browser.SHOWS, arg=LETTER)
        on.drag("Ada Lovelace")
        on.press("1")  # what is decided on outside is confirmed too
        on.submit("Shift+Enter")
        assert confirmed() == [[0, len("Ada Lovelace")], LAST_LINE]
        on.press(",")
        on.page.wait_for_function(test_browser.SHOWS, arg=LETTER)
        on.drag("Charles Babbage")
        part = on.page.locator(".al-part")
        assert part.inner_text().startswith("Confirm the selection too: 2 marks")
        on.submit("Shift+Enter")
        assert len(confirmed()) == 3
        on.press(",")
        on.page.wait_for_function(test_browser.SHOWS, arg=LETTER)
        on.submit("Control+Enter")
        assert confirmed() is None
        assert on.answers()[LETTER] == [("Ada Lovelace", "PERSON"), ("Royal Society", "ORG")]
        on.press(",")
        on.page.wait_for_function(test_browser.SHOWS, arg=LETTER)
        assert on.page.locator(".al-outside, .al-whole:visible").count() == 0


def test_an_answer_for_part_of_a_text_that_is_taken_back_stays_one(desk):
    with desk(LETTER, "Another letter from Grace Hopper.", suggest={LETTER: SUGGESTED}) as on:
        answer_in_part(on)
        on.press("n", "2")
        on.submit("Control+Enter")
        on.press("u")  # the earlier answer stands again
        on.page.wait_for_function(test_browser.SHOWS, arg=LETTER)
        on.drag("Babbage")
        on.press("1")
        on.submit()
        (item, *_) = on.project.undoable("me")
        start = LETTER.index("Babbage")
        assert item.event.answer["confirmed"] == [[start, start + len("Babbage")], LAST_LINE]


def test_thirty_labels_are_reached_by_typing(desk):
    labels = [f"kind {i:02d} of thirty" for i in range(30)]
    with desk(LETTER, labels=labels) as on:
        on.drag("London")
        on.press("/")
        on.page.keyboard.type("kind 27")
        assert on.page.locator(".al-canvas .al-label:visible").count() == 1
        assert on.picked == "London"
        on.press("Enter")
        assert on.chips == ["kind 27 of thirty “London”"]
        assert on.page.locator(".al-canvas .al-label:visible").count() == 30
        on.drag("Ada")
        on.press("z")  # the last of the letters that no command needs
        on.press("Escape")
        on.submit()
        assert on.answers()[LETTER] == [("Ada", labels[23]), ("London", labels[27])]


CONTRAST = """(dark) => {
  document.body.classList.toggle("dark", dark);
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const style = (element) => getComputedStyle(element);
  const surface = style(document.querySelector(".al-card")).backgroundColor;
  return [...document.querySelectorAll(".al-passage .al-covered")].map((mark) => {
    const chip = mark.nextSibling;
    return [ratio(style(mark).color, style(mark).backgroundColor),
      ratio(style(chip).color, style(chip).backgroundColor), ratio(style(chip).color, surface)];
  });
}"""


@pytest.mark.parametrize("dark", [False, True])
def test_thirty_colours_can_be_read(dark, desk):
    text = " ".join(f"word{i}" for i in range(30))
    labels = [f"L{i}" for i in range(30)]
    suggestion = spans_in(text, *((f"word{i}", f"L{i}", 0.5) for i in range(30)))
    with desk(text, labels=labels, suggest={text: suggestion}) as on:
        on.press("Shift+A")
        ratios = on.page.evaluate(CONTRAST, dark)
        assert len(ratios) == 30
        assert min(ratio for mark in ratios for ratio in mark) > 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_finger_marks_words_on_a_phone(scheme, desk):
    phone = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
    with desk(LETTER, suggest={LETTER: SUGGESTED}, color_scheme=scheme, **phone) as on:
        (x, y), _ = on.ends("Babbage")
        on.page.touchscreen.tap(x, y)
        assert on.picked == "Babbage"
        labels = on.page.locator(".al-canvas .al-label-area").bounding_box()
        assert labels["y"] + labels["height"] <= 780  # in sight, wherever the text is
        on.page.locator(".al-canvas .al-label", has_text="ORG").tap()
        assert "ORG “Babbage”" in on.chips
        (x, y), _ = on.ends("Ada")
        on.page.touchscreen.tap(x, y)
        on.page.locator(".al-span-tools button", has_text="Reject").tap()
        assert on.chips[0].startswith("PERSON “Charles”")
        on.page.evaluate(  # by the handles of the finger's own selection
            """() => {
              const { firstChild } = document.querySelector(".al-passage").lastChild;
              getSelection().setBaseAndExtent(firstChild, 0, firstChild, firstChild.length - 3);
            }"""
        )
        on.page.locator(".al-canvas .al-label", has_text="PLACE").tap()
        assert on.chips[-1] == "PLACE “answered”"
        assert on.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        small = """() => [...document.querySelectorAll('.al-canvas button')]
          .filter((b) => b.checkVisibility() && b.getBoundingClientRect().height < 44).length"""
        assert on.page.evaluate(small) == 0
        on.page.locator(".al-accept").tap()
        saved(on.page)
        assert ("Babbage", "ORG") in on.answers()[LETTER]


def test_each_project_has_the_screen_of_its_task(tmp_path, desk):
    with desk(LETTER) as on:
        make_inbox(tmp_path / "workspace" / "topics", sentences(20))
        on.page.reload()
        ready(on.page)
        on.drag("London")
        on.press("3")
        choice = on.page.get_by_label("Project", exact=True)
        for _ in range(2):
            choice.select_option("topics")
            on.page.wait_for_selector(f".al-canvas .al-label:has-text('{TOPICS[0]}')")
            assert on.page.locator(".al-passage:visible, .al-span-bar:visible").count() == 0
            before = test_browser.text_of(on.page)
            choice.blur()
            assert test_browser.press(on.page, "2") != before
            assert test_browser.press(on.page, "ArrowLeft") == before
            choice.select_option("inbox")
            on.page.wait_for_selector(".al-passage")
            choice.blur()
            assert on.chips == ["PLACE “London”"]
            assert test_browser.press(on.page, "ArrowLeft") == LETTER


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
        on.page.wait_for_function(test_browser.SHOWS, arg=other)
        on.press(",")
        on.page.wait_for_function(test_browser.SHOWS, arg=LETTER)
        assert on.chips == ["PERSON “Ada Lovelace”", "PLACE “London”"]


def test_an_answer_from_another_tab_is_shown_where_its_example_is_looked_at(desk, visit):
    other = "Another letter from Grace Hopper."
    with desk(LETTER, other) as on:
        on.drag("London")
        on.press("3")
        on.submit()
        on.press(",")
        on.page.wait_for_function(test_browser.SHOWS, arg=LETTER)
        tab = Desk(visit(on.page.url.split("/?")[0], "inbox", context=on.page.context), on.project)
        ready(tab.page)
        tab.press(",")
        tab.page.wait_for_function(test_browser.SHOWS, arg=LETTER)
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
        on.page.wait_for_function(test_browser.SHOWS, arg=LETTER)
        assert on.chips == marked


def test_the_data_screen_warns_by_the_words_of_the_model_or_not_at_all(desk):
    text = "Alice's 5mg dose isn't foo_bar B12"
    marks = [("Alice", LABELS[0]), ("5", LABELS[1]), ("n", LABELS[1]), ("foo", LABELS[2])]
    with desk(text) as on:
        words = on.project.words(on.project.ask(annotator="me", n=1)[0].id)
        edges = {edge for word in words for edge in word}
        spans = spans_in(text, *marks)["spans"]
        crooked = [not {span["start"], span["end"]} <= edges for span in spans]
        assert crooked == [False, False, True, False]
        for start, end in ((span["start"], span["end"]) for span in spans):
            on.drag(text[start:end], nth=text[:start].count(text[start:end]), shift=True)
            on.press("1")
        warned = ["inside a word" in chip for chip in on.chips]
        assert warned == crooked
        on.submit()
        open_tab(on.page, "Data")
        on.page.locator(".al-item").click()
        on.page.wait_for_selector(".al-full .al-chip")
        chips = on.page.locator(".al-full .al-chip")
        said = chips.evaluate_all("all => all.map((chip) => chip.getAttribute('aria-label'))")
        assert ["inside a word" in chip for chip in said] == crooked
        unknown = on.page.evaluate(
            """async ([text, spans]) => {
              const { draftOf } = await import("/alnlp/static/drafts.js");
              const entry = { kind: "label", answer: { spans } };
              const draft = draftOf({ text }, entry, false);
              return draft.spans.map((span) => draft.misaligned(span));
            }""",
            [text, spans],
        )
        assert unknown == [False] * 4


def test_a_share_that_is_not_zero_is_not_shown_as_zero(desk):
    sure = [("Ada", 0.004), ("Charles", 0.0), ("London", 0.005)]
    suggestion = spans_in(LETTER, *((words, "PERSON", share) for words, share in sure))
    with desk(LETTER, suggest={LETTER: suggestion}) as on:
        assert [chip.split("suggested, ")[1] for chip in on.chips] == [
            "<1% sure", "0% sure", "1% sure",
        ]  # fmt: skip


def test_the_help_names_the_keys_of_marking_and_space_skips(desk):
    with desk(LETTER, "Another letter from Grace Hopper.") as on:
        on.press("?")
        keys = on.page.locator("dialog[open] dt kbd").all_text_contents()
        assert {"Shift+Enter", "Ctrl+Enter", "o", "[", "n", ","} <= set(keys)
        on.press("Escape")
        on.page.wait_for_function("document.activeElement === document.body")
        on.press("Space")
        saved(on.page)
        assert on.project.status()["skipped"] == 1
        assert "Grace" in on.text
