"""What the tests of the span editor share: texts, a played model, what a person sees and does."""

import json
from contextlib import contextmanager
from pathlib import Path

import pytest
from browsing import ready, saved
from workbench import IdleTrainer

from alnlp.project import Project

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


SUGGESTED = spans_in(
    LETTER,
    ("Ada Lovelace", "PERSON", 0.97),
    ("Charles", "PERSON", 0.51),
    ("London", "PLACE", 0.88),
    ("Royal Society of London", "ORG", 0.6),
)
