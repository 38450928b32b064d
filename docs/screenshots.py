"""Makes the pictures of tutorial.md: walks through the workbench as its reader does.

    python docs/screenshots.py            # the default model: some minutes on two cores
    python docs/screenshots.py --quick    # a quicker model, to see that the walk still works

A real Chromium presses real keys on the built-in inbox, and its known labels say which. Needs the
extras `minilm` and `test`, and chromium on the PATH.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from alnlp import corpus
from alnlp.project import Project
from alnlp.worker import BUSY

IMAGES = Path(__file__).parent / "images"
GOLD = {row["text"]: row["label"] for row in map(json.loads, corpus.INTENTS.open(encoding="utf-8"))}
WINDOW = {"width": 1200, "height": 880}
COLOURS = 256  # enough for a screen, and half of the bytes
PATIENCE = 900_000  # milliseconds that a training may take where other work goes on


class Walk:
    """What the reader does and sees; each answer is the right one."""

    def __init__(self, page: Page, images: Path) -> None:
        self.page, self.images, self.answered = page, images, 0

    def picture(self, name: str, height: int = WINDOW["height"]) -> None:
        self.page.mouse.move(0, 0)
        self.page.set_viewport_size({**WINDOW, "height": height})
        shot = Image.open(io.BytesIO(self.page.screenshot(animations="disabled")))
        shot.quantize(COLOURS).save(self.images / f"{name}.png", optimize=True)
        self.page.set_viewport_size(WINDOW)

    @property
    def text(self) -> str:
        return self.page.locator(".al-canvas .al-text").text_content() or ""

    def answer(self, *, wrong: bool = False) -> None:
        """Press the key of the right label, or Enter where the model suggests it."""
        names = self.page.locator(".al-canvas .al-label .al-name").all_text_contents()
        text, gold = self.text, GOLD[self.text]
        suggested = self.page.locator(".al-canvas .al-suggested .al-name").all_text_contents()
        key = "Enter" if suggested == [gold] else str(1 + names.index(gold))
        self.page.keyboard.press(str(1 + (names.index(gold) + 1) % len(names)) if wrong else key)
        self.page.wait_for_function(
            "(text) => document.querySelector('.al-canvas .al-text').textContent !== text", arg=text
        )
        self.answered += 1

    def label_until(self, answered: int) -> None:
        while self.answered < answered:
            self.answer()
        self.page.wait_for_selector('.al-canvas .al-saved[data-state="saved"]')

    def to_a_short_one(self) -> None:
        """Pictures are for texts of one or two lines that every computer can show."""
        while not (self.text.isascii() and 40 < len(self.text) < 100):
            self.answer()
        self.page.wait_for_selector('.al-canvas .al-saved[data-state="saved"]')

    def label_into(self, number: int) -> None:
        """Answer until a round is under way: two answers that arrive at once begin it one late."""
        trainer = self.page.locator(".al-canvas .al-trainer")
        while trainer.get_attribute("data-state") not in BUSY:
            if f"Model of round {number}" in (trainer.text_content() or ""):
                break
            self.label_until(self.answered + 1)

    def wait_for_round(self, number: int) -> None:
        self.page.wait_for_selector(f".al-canvas .al-trainer:has-text('Model of round {number}')")

    def wait_for_figures(self) -> None:
        self.page.wait_for_selector(".al-rounds >> visible=true")
        self.page.get_by_text("Working out the figures").wait_for(state="hidden")

    def open(self, screen: str) -> None:
        self.page.locator(f'[role=tab][data-tab-id="{screen}"]:visible').click()


def first_steps(walk: Walk) -> None:
    """The first twenty answers, an undo, and the training that they start."""
    page = walk.page
    page.wait_for_selector(".al-canvas .al-text:visible")
    page.wait_for_selector(".al-panel:visible")
    walk.to_a_short_one()
    walk.picture("first", 940)
    page.keyboard.press("g")
    walk.label_until(10)
    walk.answer(wrong=True)
    page.keyboard.press("u")
    page.wait_for_selector(".al-remarks:has-text('Taken back')")
    walk.answered -= 1
    walk.label_until(20)
    page.wait_for_selector('.al-canvas .al-trainer[data-state="training"]')
    walk.to_a_short_one()
    walk.picture("training")
    walk.wait_for_round(1)


def with_a_model(walk: Walk) -> None:
    """On to 100 answers: suggestions, a flag and a comment on the way."""
    page = walk.page
    walk.label_until(walk.answered + 3)  # those on screen were chosen before the model came
    page.wait_for_selector(".al-canvas .al-suggested")
    walk.to_a_short_one()
    walk.picture("suggestion")
    page.keyboard.press("f")
    page.wait_for_selector(".al-remarks:has-text('Flagged')")
    page.keyboard.press("c")
    page.keyboard.type("Do our guidelines say what this is?")
    walk.picture("comment")
    page.keyboard.press("Enter")
    for round_, answers in enumerate((40, 60, 80, 100), start=2):
        walk.label_until(answers)
        walk.label_into(round_)
        walk.wait_for_round(round_)


def look_around(walk: Walk) -> None:
    """The other screens, with 100 answers."""
    page = walk.page
    walk.open("progress")
    walk.wait_for_figures()
    walk.picture("progress", 1180)
    walk.open("data")
    page.wait_for_selector(".al-item >> visible=true")
    page.get_by_label("Show", exact=True).select_option("flagged")
    page.locator(".al-item:has-text('Flagged')").first.click()
    page.wait_for_selector(".al-full >> visible=true")
    walk.picture("data")


def own_file(walk: Walk, folder: Path) -> None:
    """A project out of a file, up to the import report."""
    page = walk.page
    source = folder / "my messages.csv"
    plain = [f'"{text}"' for text in GOLD if text.isascii() and '"' not in text]
    source.write_text("message\n" + "\n".join(plain))
    walk.open("new")
    page.locator("input[type=file]").first.set_input_files(source)
    page.wait_for_selector(".al-preview table")
    page.get_by_role("textbox", name="Labels").fill("\n".join(sorted(set(GOLD.values()))))
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    walk.picture("new", 1220)


def slipped(labels: list[str], answers: dict[str, str]) -> dict[str, str]:
    """The answers, one of them with the next label instead."""
    example, label = next(iter(answers.items()))
    return {**answers, example: labels[(labels.index(label) + 1) % len(labels)]}


def quality(base: str, walk: Walk, folder: Path, model: str) -> None:
    """What is known of a model without a test set: 200 answers, a fifth of them kept aside."""
    made = Project.create(
        folder / "my messages", data=corpus.INTENTS, task="classification", answers=False,
        model=model, audit_share=0.2,
    )  # fmt: skip
    with closing(made) as project:
        for _ in range(4):
            answers = {ex.id: GOLD[ex.text] for ex in project.ask(50)}
            project.tell(slipped(list(project.task.labels), answers))
            project.train(score=True)
    walk.page.goto(f"{base}?project=my%20messages")
    walk.page.wait_for_selector(".al-canvas .al-text:visible")
    walk.open("progress")
    walk.wait_for_figures()
    walk.picture("quality", 700)
    walk.open("review")
    read = walk.page.get_by_role("button", name="Read the texts")
    read.click()
    read.wait_for(state="hidden")
    walk.page.wait_for_selector(".al-review .al-card:visible")
    walk.picture("review", 620)


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """The address of `alnlp demo`."""
    alnlp = Path(sys.executable).with_name("alnlp")
    with subprocess.Popen(
        [alnlp, "demo", "--no-browser", "--folder", folder], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        line = next(line for line in running.stdout if "http://" in line)
        try:
            yield line.split()[2]
        finally:
            running.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="with the model probe:minilm")
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder of the pictures")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        folder = Path(scratch)
        if given.quick:
            with closing(corpus.create_demo(folder / "inbox", "classification")) as project:
                project.update_settings(model="probe:minilm")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with demo(folder / "inbox") as base:
            page = browser.new_page(viewport=WINDOW, locale="en-GB", color_scheme="light")
            page.set_default_timeout(PATIENCE)
            page.goto(base)
            walk = Walk(page, given.out)
            first_steps(walk)
            with_a_model(walk)
            look_around(walk)
            own_file(walk, folder)
            quality(base, walk, folder, "probe:minilm" if given.quick else "auto")
        browser.close()


if __name__ == "__main__":
    main()
