"""Labelling in a real browser: keyboard, mouse, phone, undo, remarks, guidelines, corrections."""

import browsing
import pytest
from browsing import open_tab, press, ready, saved, text_of, wait_for_text
from playwright.sync_api import expect
from workbench import LABELS, make_project, sentences

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served
workspace, inbox, labelling = browsing.workspace, browsing.inbox, browsing.labelling


def test_a_key_shows_the_next_example_at_once(workspace, labelling):
    with labelling(workspace) as (page, _):
        shown = [text_of(page)] + [press(page, "1") for _ in range(12)]
        assert len(set(shown)) == 13


def test_undo_and_redo_reach_back_over_a_reload(workspace, labelling):
    with labelling(workspace) as (page, project):
        first = text_of(page)
        second = press(page, "1")
        third = press(page, " ")
        press(page, "2")
        saved(page)
        page.reload()
        ready(page)
        for expected in (third, second, first):
            page.keyboard.press("u")
            wait_for_text(page, expected)
        saved(page)
        assert project.status()["labelled"] == project.status()["skipped"] == 0
        assert press(page, "Escape") == first
        page.keyboard.press("Control+y")
        assert text_of(page) == second
        page.keyboard.press("Control+Shift+Z")
        assert text_of(page) == third
        page.keyboard.press("Control+z")
        assert text_of(page) == second
        saved(page)
        assert (project.status()["labelled"], project.status()["skipped"]) == (1, 0)


def test_shift_u_does_again_what_u_has_taken_back(workspace, labelling):
    with labelling(workspace) as (page, _):
        first = text_of(page)
        second = press(page, "1")
        third = press(page, "2")
        for expected in (second, first):
            page.keyboard.press("u")
            wait_for_text(page, expected)
        redo = page.get_by_role("button", name="Redo", exact=True)
        assert redo.locator("kbd").text_content() == "Shift+U"
        for expected in (second, third):
            page.keyboard.press("Shift+U")
            wait_for_text(page, expected)
        page.keyboard.press("Shift+U")  # there is nothing left, and none is taken back
        page.get_by_text("nothing to redo").first.wait_for(state="attached")
        assert text_of(page) == third
        page.keyboard.press("?")
        page.get_by_role("dialog").get_by_text("Shift+U", exact=True).wait_for()


@pytest.mark.parametrize("labels", [LABELS, [f"label number {n}" for n in range(12)]])
def test_on_a_phone_the_actions_stay_in_sight_and_hide_no_label(tmp_path, visit, inbox, labels):
    folder = tmp_path / "workspace"
    folder.mkdir()
    make_project(folder / "inbox", sentences(30), labels=labels)
    with inbox(folder) as (base, _):
        page = visit(base, "inbox", viewport={"width": 360, "height": 800})
        ready(page)
        for name in ("Skip", "Undo", "Flag"):
            box = page.get_by_role("button", name=name, exact=True).bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360
            assert box["y"] + box["height"] <= 800
        bar = page.locator(".al-canvas .al-tools")
        assert bar.bounding_box()["height"] < 60
        for label in page.locator(".al-canvas .al-label").all():
            label.evaluate("one => one.scrollIntoView({ block: 'nearest' })")
            box, tools = label.bounding_box(), bar.bounding_box()
            assert box["y"] + box["height"] <= tools["y"]
            assert tools["y"] + tools["height"] <= 800


def test_a_reload_resumes_the_same_examples(workspace, labelling):
    with labelling(workspace) as (page, _):
        second = press(page, "1")
        third = press(page, "s")
        saved(page)
        page.reload()
        ready(page)
        assert text_of(page) == third != second


def test_looking_back_shows_the_answer_and_can_change_it(workspace, labelling):
    with labelling(workspace) as (page, project):
        first = text_of(page)
        second = press(page, "1")
        assert press(page, "ArrowLeft") == first or text_of(page) == first
        assert page.locator(".al-answered .al-name").inner_text() == LABELS[0]
        assert press(page, "2") == second
        press(page, "ArrowLeft")
        page.wait_for_selector(f".al-answered:has-text('{LABELS[1]}')")
        assert press(page, "ArrowRight") == second
        saved(page)
        assert project.status()["per_label"][LABELS[1]] == project.status()["labelled"] == 1


def test_two_annotators_never_see_the_same_example(workspace, visit, inbox):
    with inbox(workspace) as (base, _):
        seen = {}
        for name in ("ana", "bo"):
            page = visit(base, "inbox")
            ready(page)
            page.get_by_label("Annotator").fill(name)
            page.keyboard.press("Enter")
            saved(page)
            ready(page)
            seen[name] = page
        texts = {name: [text_of(page)] for name, page in seen.items()}
        for _ in range(15):
            for name, page in seen.items():
                texts[name].append(press(page, "1"))
        assert not set(texts["ana"]) & set(texts["bo"])


def test_what_is_typed_as_annotator_outlasts_a_status(workspace, labelling):
    publish = """async () => {
      const { session } = await import("/alnlp/static/session.js");
      session.publish({ ...session.status });
    }"""
    with labelling(workspace) as (page, _):
        field = page.get_by_label("Annotator")
        option = page.get_by_label("Project", exact=True).locator("option").element_handle()
        field.fill("")
        page.keyboard.type("al")
        page.evaluate(publish)
        page.keyboard.type("ice")
        assert field.input_value() == "alice"
        assert option.evaluate("e => e.isConnected")  # a list that is open stays so
        with page.expect_response("**/state?annotator=alice"):
            page.keyboard.press("Enter")
        field.fill(" ")
        field.press("Enter")
        assert field.input_value() == "alice"


def test_a_comment_being_typed_is_kept_when_the_example_is_answered(workspace, labelling):
    with labelling(workspace) as (page, project):
        first = text_of(page)
        page.keyboard.press("c")
        page.keyboard.type("half a thought")
        page.locator(".al-label").first.click()
        assert text_of(page) != first
        page.keyboard.press("f")
        saved(page)
        (found,), _ = project.search(which="answered")
        assert found.comments["me"] == "half a thought"
        page.reload()
        ready(page)
        page.wait_for_selector(".al-remarks:has-text('Flagged')")
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector(".al-remarks:has-text('Comment: half a thought')")
        page.keyboard.press("c")
        assert page.locator(".al-comment textarea").input_value() == "half a thought"


def test_a_draft_of_the_guidelines_outlives_the_panel(workspace, labelling):
    with labelling(workspace) as (page, project):
        panel = page.locator(".al-panel")
        page.keyboard.press("g")
        panel.get_by_role("button", name="Edit").click()
        page.keyboard.type("Be kind")
        page.keyboard.press("Escape")
        panel.wait_for(state="hidden")
        page.keyboard.press("g")
        assert panel.get_by_role("textbox").input_value() == "Be kind"
        panel.get_by_role("button", name="Close").click()
        page.keyboard.press("g")
        panel.get_by_role("button", name="Keep").click()
        panel.locator(".al-guidelines-text:has-text('Be kind')").wait_for()
        assert project.settings.guidelines == "Be kind"


def test_a_newcomer_is_shown_the_guidelines(tmp_path, visit, inbox):
    make_project(tmp_path / "inbox", sentences(30), guidelines="Be kind")
    with inbox(tmp_path) as (base, _):
        page = visit(base, "inbox")
        page.wait_for_selector(".al-panel:has-text('Be kind')")
        press(page, "1")
        saved(page)
        with page.expect_response("**/answered?*"):
            page.reload()
        ready(page)
        assert page.locator(".al-panel").is_hidden()


def test_keys_go_to_the_example_after_a_click_on_a_tab(workspace, labelling):
    with labelling(workspace) as (page, _):
        first = text_of(page)
        open_tab(page, "Progress")
        open_tab(page, "Label")
        page.keyboard.press(" ")
        second = text_of(page)
        assert second != first
        page.keyboard.press("ArrowLeft")
        wait_for_text(page, first)
        page.keyboard.press("Enter")
        wait_for_text(page, second)
        page.keyboard.press("Enter")
        page.wait_for_selector(".al-alert:has-text('no suggestion to accept')")


def test_keys_are_inert_in_inputs_dialogs_and_when_held_down(workspace, labelling):
    with labelling(workspace) as (page, project):
        before = text_of(page)
        page.keyboard.press("c")
        page.keyboard.type("1 u s done?")
        page.keyboard.press("Enter")
        page.wait_for_selector(".al-remarks:has-text('Comment: 1 u s done?')")
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open]")
        page.keyboard.press("1")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog[open]", state="detached")
        page.keyboard.press("f")
        page.wait_for_selector(".al-remarks:has-text('Flagged')")
        for not_ours in ("repeat", "ctrlKey", "metaKey", "altKey", "isComposing"):
            page.evaluate(
                """(flag) => document.body.dispatchEvent(
                  new KeyboardEvent("keydown", { key: "1", [flag]: true, bubbles: true }))""",
                not_ours,
            )
        assert text_of(page) == before
        saved(page)
        assert project.status()["labelled"] == 0
        assert project.status()["flagged"] == 1
        open_tab(page, "Data")
        page.wait_for_selector(".al-item")
        page.locator("body").press("1")
        assert project.status()["labelled"] == 0


def test_the_mouse_does_all_that_keys_do(workspace, labelling):
    with labelling(workspace) as (page, project):
        first = text_of(page)
        page.locator(".al-label").nth(2).click()
        assert text_of(page) != first
        page.keyboard.press(" ")  # skips; it must not press the label button again
        tools = page.get_by_role("group", name="Actions")
        tools.get_by_role("button", name="Undo").click()
        tools.get_by_role("button", name="Undo").click()
        wait_for_text(page, first)
        tools.get_by_role("button", name="Redo").click()
        saved(page)
        assert project.status()["per_label"][LABELS[2]] == 1
        assert project.status()["skipped"] == 0
        tools.get_by_role("button", name="Guidelines").click()
        panel = page.locator(".al-panel")
        panel.get_by_text("no guidelines yet").wait_for()
        panel.get_by_role("button", name="Edit").click()
        panel.get_by_role("textbox").fill("<b>Be kind.</b>")
        panel.get_by_role("button", name="Keep").click()
        panel.get_by_text("<b>Be kind.</b>").wait_for()
        assert project.settings.guidelines == "<b>Be kind.</b>"


def test_several_labels_are_toggled_and_submitted(tmp_path, labelling):
    make_project(tmp_path / "inbox", sentences(30), task="multilabel")
    with labelling(tmp_path) as (page, project):
        first = text_of(page)
        for key in ("1", "3", "2", "2"):
            assert press(page, key) == first
        assert press(page, "Enter") != first
        assert page.locator(".al-accept").inner_text().startswith("Submit: none of the labels")
        press(page, "Enter")
        saved(page)
        answers = sorted(str(item.event.answer) for item in project.undoable("me"))
        assert answers == ["['billing', 'refund']", "[]"]


def test_seventy_seven_labels_are_reached_by_typing(tmp_path, labelling):
    labels = [f"topic {i:02d} of many" for i in range(77)]
    make_project(tmp_path / "inbox", sentences(30), labels=labels)
    with labelling(tmp_path) as (page, project):
        before = text_of(page)
        page.keyboard.press("/")
        page.keyboard.type("topic 63")
        expect(page.locator(".al-label:visible")).to_have_count(1)
        page.keyboard.press("Enter")
        assert text_of(page) != before
        expect(page.locator(".al-label:visible")).to_have_count(77)
        saved(page)
        assert project.status()["per_label"]["topic 63 of many"] == 1


def test_earlier_answers_are_found_and_corrected(workspace, labelling):
    with labelling(workspace) as (page, project):
        text = text_of(page)
        press(page, "1")
        saved(page)
        open_tab(page, "Data")
        page.get_by_label("Show", exact=True).select_option("answered")
        page.wait_for_selector(".al-side :text('1 example')")
        page.locator(".al-item").click()
        assert page.locator(".al-full").text_content() == text
        detail = page.locator(".al-detail")
        detail.get_by_role("button", name=LABELS[1]).click()
        page.wait_for_selector(f".al-said:has-text('me: {LABELS[1]}')")
        detail.get_by_label("Your comment").fill("<b>unsure</b>")
        detail.get_by_role("button", name="Flag").click()
        page.wait_for_selector(".al-item:has-text('Flagged')")
        detail.get_by_role("button", name="Keep the comment").click()
        page.wait_for_selector(".al-detail :text('Saved.')")
        (found,), _ = project.search(which="flagged")
        assert found.answers["me"].answer == LABELS[1]
        assert found.comments["me"] == "<b>unsure</b>"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_every_screen_fits_its_window(workspace, labelling, width, scheme):
    window = {"viewport": {"width": width, "height": 780}, "color_scheme": scheme}
    phone = {"has_touch": width == 360, "is_mobile": width == 360}
    with labelling(workspace, **window, **phone) as (page, _):
        for name in ("Label", "Progress", "Data", "Review", "New"):
            open_tab(page, name)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        open_tab(page, "Label")
        small = """() => [...document.querySelectorAll('.al-canvas button')]
          .filter((b) => b.checkVisibility() && b.getBoundingClientRect().height < 44).length"""
        assert page.evaluate(small) == 0
        surface = page.locator(".al-card").first.evaluate(
            "e => getComputedStyle(e).backgroundColor"
        )
        assert (surface == "rgb(255, 255, 255)") == (scheme == "light")
