"""The screens of spans in a real browser: hostile texts, many labels, a phone, warnings, help."""

import browsing
import marking
import pytest
from browsing import open_tab, press, ready, saved, text_of
from marking import LABELS, LETTER, SUGGESTED, spans_in
from playwright.sync_api import expect
from workbench import LABELS as TOPICS
from workbench import IdleTrainer, sentences
from workbench import make_project as make_inbox

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served
desk = marking.desk
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
        expect(on.page.locator("img")).to_have_count(0)


def test_submit_is_in_view_beside_open_guidelines(tmp_path, visit, served):
    folder = tmp_path / "workspace" / "inbox"
    folder.parent.mkdir()
    rules = "Mark the names of people, places and organisations. " * 60
    make_inbox(folder, sentences(30), task="ner", labels=LABELS, guidelines=rules)
    with served(folder.parent, trainer=IdleTrainer()) as base:
        page = visit(base, "inbox", viewport={"width": 1440, "height": 900})
        ready(page)
        page.locator(".al-panel").wait_for()  # a newcomer is shown them
        submit = page.locator(".al-accept").bounding_box()
        assert submit["y"] + submit["height"] <= 900


def test_thirty_labels_are_reached_by_typing(desk):
    labels = [f"kind {i:02d} of thirty" for i in range(30)]
    with desk(LETTER, labels=labels) as on:
        on.drag("London")
        on.press("/")
        on.page.keyboard.type("kind 27")
        expect(on.page.locator(".al-canvas .al-label:visible")).to_have_count(1)
        assert on.picked == "London"
        on.press("Enter")
        assert on.chips == ["kind 27 of thirty “London”"]
        expect(on.page.locator(".al-canvas .al-label:visible")).to_have_count(30)
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
            expect(on.page.locator(".al-passage:visible, .al-span-bar:visible")).to_have_count(0)
            before = text_of(on.page)
            choice.blur()
            assert press(on.page, "2") != before
            assert press(on.page, "ArrowLeft") == before
            choice.select_option("inbox")
            on.page.wait_for_selector(".al-passage")
            choice.blur()
            assert on.chips == ["PLACE “London”"]
            assert press(on.page, "ArrowLeft") == LETTER


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
