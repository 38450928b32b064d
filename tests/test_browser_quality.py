"""The progress screen in a real browser: how good the model is, by the answers kept aside."""

import browsing
import pytest
from browsing import open_tab
from playwright.sync_api import expect
from workbench import LABELS, make_project, sentences

from alnlp.project import Project

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served


def test_quality_is_told_with_its_interval(tmp_path, tiny_model, visit, served):
    folder = tmp_path / "workspace" / "support"
    folder.parent.mkdir()
    make_project(folder, sentences(120), model=f"probe:{tiny_model}", audit_share=0.5)
    with served(folder.parent) as base:
        page = visit(base, "support")
        open_tab(page, "Progress")
        page.get_by_text("50% of all examples you are shown").wait_for()
        project = Project.open(folder)
        for n in (20, 20):
            batch = project.ask(n)
            project.tell({one.id: LABELS[len(one.text) % 3] for one in batch})
            made = project.train(score=True)
        figure = made.audit["accuracy"]
        project.close()
        page.reload()
        open_tab(page, "Progress")
        page.get_by_text("Measured on 20 answers to examples drawn at random").wait_for()
        low, high = (round(100 * figure[name]) for name in ("low", "high"))
        page.get_by_text(f"{low}% to {high}%").first.wait_for()  # alone where it is very wide
        curve = page.get_by_role("img", name="Accuracy by number of labels")
        expect(curve.locator(".al-dot")).to_have_count(3)
        expect(curve.locator(".al-span")).to_have_count(2)
        assert "100%" in curve.locator(".al-axis").all_text_contents()
        page.get_by_text("There are 2 rounds with a measurement so far").wait_for()
        page.get_by_role("button", name="What does this mean: How good is the model?").click()
        page.get_by_text("drawn at random, without any sign of it").wait_for(state="visible")
        page.get_by_text("F1 of each label").click()
        expect(page.locator("dt", has_text="refund")).to_have_count(2)  # its F1, and its answers
        expect(page.get_by_role("img", name="People's answers in rows")).to_have_count(1)
