"""The data screen in a real browser: searching, marking hits, likeness, bulk answers, seeding."""

from contextlib import ExitStack
from types import SimpleNamespace

import browsing
import numpy as np
import pytest
from browsing import forgive, open_tab, press, ready, saved, text_of, wait_for_text
from playwright.sync_api import expect
from workbench import LABELS, IdleTrainer, make_project, sentences

from alnlp.project import Project
from alnlp.project.cold import ColdStart

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served

FIRST = "My parcel <b>never</b> came & I want my Mónëy back 😀 money"
SECOND = "Zebra <img src=x onerror=alert(1)> wants money, not vouchers"
TEXTS = [FIRST, SECOND, f"{'long ' * 60}and zebra money at the far end", *sentences(40)]


READING = {"state": "training", "phase": "embed", "done": 3, "total": 43, "unit": "texts"}


class FixedEncoder:
    """Reads every query as the same direction."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def start(self) -> None:
        pass

    def embed(self, model: str, text: str) -> np.ndarray:
        self.read.append(text)
        return np.eye(8, dtype=np.float32)[0]

    def close(self) -> None:
        pass


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "workspace"
    folder.mkdir()
    make_project(folder / "inbox", TEXTS, batch_size=100, audit_share=0.0)
    return folder


@pytest.fixture
def encoder():
    return FixedEncoder()


@pytest.fixture
def inbox(served, visit, workspace, encoder):
    """A page on the data screen of an inbox, and its project."""
    opened, stack = [], ExitStack()

    def inbox(**options):
        base = stack.enter_context(served(workspace, trainer=IdleTrainer(), encoder=encoder))
        project = Project.open(workspace / "inbox")
        opened.append(project)
        page = visit(base, "inbox", **options)
        ready(page)
        return page, project

    with stack:
        yield inbox
        for project in opened:
            project.close()


def find(page, query: str, total: str) -> None:
    """Search by words, and wait for so many examples."""
    page.get_by_label("Search the texts").fill(query)
    page.get_by_text(total, exact=True).wait_for()


def rows(page):
    return page.locator(".al-found")


def box(page, place: int):
    return rows(page).nth(place).get_by_role("checkbox")


def texts_of(page) -> list[str]:
    return page.locator(".al-excerpt").all_text_contents()


def answers_of_me(project: Project) -> dict[str, str]:
    found, _ = project.search(which="answered", limit=500)
    return {i.example.text: i.answers["me"].answer for i in found if "me" in i.answers}


def read(project: Project) -> None:
    """Embeddings that put the texts in their order, from the first axis to the second."""
    angles = np.linspace(0, 1, len(project.pool))
    embeddings = np.zeros((len(project.pool), 8), np.float16)
    embeddings[:, 0], embeddings[:, 1] = np.cos(angles), np.sin(angles)
    ColdStart.write(
        project.folder, project.settings, np.arange(len(project.pool)), {"embeddings": embeddings}
    )


def test_words_are_found_and_marked_and_markup_stays_text(inbox) -> None:
    page, _ = inbox()
    open_tab(page, "Data")
    find(page, '"never" moneY bAck', "1 example")
    marks = page.locator(".al-excerpt .al-hit").all_text_contents()
    assert marks == ["never", "Mónëy", "back", "money"]
    assert texts_of(page) == [FIRST]
    page.locator(".al-item").click()
    full = page.locator(".al-full")
    assert full.text_content() == FIRST
    assert full.locator("mark").all_text_contents() == marks
    expect(full.locator("b, img")).to_have_count(0)

    find(page, "zebra mon", "2 examples")
    assert "zebra money" in texts_of(page)[1]  # the hit, though it is at the far end
    expect(page.locator(".al-list img, .al-list script")).to_have_count(0)
    find(page, '<img src="x" onerror=alert(1)>', "1 example")
    find(page, "<svg onload=alert(2)>", "Nothing found.")


def test_many_are_answered_after_a_review_and_one_key_takes_all_back(inbox) -> None:
    page, project = inbox()
    project.tell({project.pool.ids[1]: LABELS[1], project.pool.ids[2]: LABELS[0]})
    project.tell({project.pool.ids[0]: LABELS[2]}, annotator="bo")
    before = answers_of_me(project)
    open_tab(page, "Data")
    find(page, "mon", f"{project.search('mon')[1]} examples")
    box(page, 0).click()
    box(page, 3).click(modifiers=["Shift"])
    assert page.get_by_text("4 selected").is_visible()
    page.get_by_role("button", name="Label …").click()
    dialog = page.locator(".al-bulk-dialog")
    apply = dialog.get_by_role("button", name="Answer")
    assert apply.is_disabled()
    expect(dialog.locator("img, b")).to_have_count(0)
    dialog.get_by_role("button", name=LABELS[0]).click()
    assert dialog.get_by_text(f"{LABELS[1]} → {LABELS[0]}").is_visible()
    assert dialog.get_by_text(f"{LABELS[0]}, as before").is_visible()
    assert dialog.get_by_text(f"bo: {LABELS[2]}").is_visible()
    assert dialog.get_by_text("1 of your earlier answers is replaced.").is_visible()
    undo = """(e) => e.dispatchEvent(new KeyboardEvent(
      "keydown", { key: "z", ctrlKey: true, bubbles: true, cancelable: true }))"""
    assert apply.evaluate(undo)  # nobody takes it: what is behind the dialog is not in sight
    assert page.locator("body").evaluate(undo)
    dialog.get_by_role("checkbox").nth(3).uncheck()
    assert apply.inner_text() == "Answer 2 examples"
    apply.click()
    page.get_by_text(f"2 examples answered: {LABELS[0]}.").wait_for()
    assert answers_of_me(project) == before | dict.fromkeys([FIRST, SECOND], LABELS[0])
    events = [item.event for item in project.undoable(limit=2)]
    assert [event.seconds for event in events] == [None, None]
    assert len({event.bulk for event in events}) == 1

    page.keyboard.press("u")
    page.get_by_text("2 answers taken back.").wait_for()
    assert answers_of_me(project) == before
    page.keyboard.press("Control+y")
    page.get_by_text("2 answers given again.").wait_for()
    assert answers_of_me(project)[SECOND] == LABELS[0]


def test_the_label_screen_undoes_and_redoes_a_bulk_after_a_reload(inbox) -> None:
    page, project = inbox()
    shown = text_of(page)
    answered = press(page, "1")
    saved(page)
    project.tell(dict.fromkeys(project.pool.ids[-3:], LABELS[1]), bulk=True)
    after = answers_of_me(project)
    page.reload()
    ready(page)
    page.keyboard.press("u")
    page.get_by_text("3 answers taken back.").first.wait_for()
    saved(page)
    assert answers_of_me(project) == {shown: LABELS[0]}
    assert text_of(page) == answered  # none of the bulk takes its place
    page.keyboard.press("Control+y")
    page.get_by_text("3 answers given again.").first.wait_for()
    saved(page)
    assert answers_of_me(project) == after
    page.keyboard.press("u")
    page.keyboard.press("u")
    wait_for_text(page, shown)
    saved(page)
    assert answers_of_me(project) == {}


def test_what_was_given_again_is_told_for_a_moment_and_moves_no_button(inbox) -> None:
    page, project = inbox()
    project.tell(dict.fromkeys(project.pool.ids[-4:], LABELS[1]), bulk=True)
    page.clock.install()
    page.reload()
    ready(page)
    page.keyboard.press("u")
    page.get_by_text("4 answers taken back.").first.wait_for()
    saved(page)
    before = page.locator(".al-canvas .al-label").first.bounding_box()
    page.keyboard.press("Control+y")
    told = page.locator(".al-canvas .al-alert", has_text="4 answers given again.")
    told.wait_for()
    assert page.locator(".al-canvas .al-label").first.bounding_box() == before
    assert "4 answers given again." in page.locator(".al-canvas > .al-unseen").text_content()
    page.clock.run_for(7000)
    told.wait_for(state="hidden")
    page.keyboard.press("u")
    page.locator(".al-canvas .al-alert", has_text="4 answers taken back.").wait_for()
    open_tab(page, "Data")
    page.locator(".al-browse").wait_for()
    open_tab(page, "Label")
    ready(page)
    page.locator(".al-canvas .al-alert", has_text="taken back").wait_for(state="hidden")


def test_while_the_texts_are_being_read_a_search_says_so(workspace, served, visit, encoder) -> None:
    trainer = IdleTrainer()
    reading = SimpleNamespace(**vars(trainer.status(workspace)) | READING)
    trainer.status = lambda folder: reading
    with served(workspace, trainer=trainer, encoder=encoder) as base:
        page = visit(base, "inbox")
        open_tab(page, "Data")
        page.get_by_text("43 examples").wait_for()
        held = []
        page.route("**/search?*", lambda route: held.append(route))
        page.get_by_label("Search by").select_option("meaning")
        page.get_by_role("searchbox", name="Search the texts").fill("money")
        page.get_by_text("The texts are being read by the model. 3 of 43 are done.").wait_for()
        assert page.get_by_text("Searching").count() == 0
        for route in held:
            route.continue_()
        # From now on it is told where those are counted that are still to be read.
        page.get_by_text("43 are still to be read. 3 of 43 are done.").wait_for()
        page.get_by_text("The texts are being read by the model.").wait_for(state="hidden")


def test_a_row_far_down_opens_beside_itself(tmp_path, visit, served) -> None:
    made = tmp_path / "many" / "inbox"
    made.parent.mkdir()
    make_project(made, sentences(60))
    with served(made.parent, trainer=IdleTrainer()) as base:
        page = visit(base, "inbox", viewport={"width": 1440, "height": 900})
        open_tab(page, "Data")
        page.locator(".al-item").nth(39).click()
        detail = page.locator(".al-detail").bounding_box()
        assert detail["y"] >= 0
        assert detail["y"] + detail["height"] <= 900


def test_rows_are_chosen_by_keyboard(inbox) -> None:
    page, _ = inbox()
    open_tab(page, "Data")
    find(page, "zebra", "2 examples")
    page.locator(".al-item").first.focus()
    page.keyboard.press("Shift+ArrowDown")
    assert page.get_by_text("2 selected").is_visible()
    assert page.evaluate("document.activeElement.textContent").startswith("…")
    page.keyboard.press("x")
    assert page.get_by_text("1 selected").is_visible()
    assert page.get_by_label("Select all that are shown").evaluate("e => e.indeterminate")
    page.keyboard.press("Control+a")
    assert page.get_by_text("2 selected").is_visible()
    page.get_by_label("Select all that are shown").uncheck()
    assert not page.locator(".al-bulk-bar").is_visible()
    page.locator(".al-item").nth(1).press("x")
    page.get_by_role("button", name="Select none").press("Enter")
    assert page.evaluate("document.activeElement.textContent").startswith("…")
    page.locator(".al-item").nth(1).press("x")
    page.get_by_role("button", name="Label …").press("Enter")
    page.locator(".al-bulk-dialog .al-label").first.press("Enter")
    page.locator(".al-bulk-dialog .al-primary").press("Enter")
    page.get_by_text("1 example answered").wait_for()
    assert page.evaluate("document.activeElement.textContent").startswith("…")
    page.keyboard.press("u")
    page.get_by_text("1 answer taken back.").wait_for()


def test_meaning_waits_for_the_first_reading_and_then_ranks(inbox, encoder) -> None:
    page, project = inbox()
    open_tab(page, "Data")
    page.get_by_label("Search by").select_option("meaning")
    page.get_by_label("Search the texts").fill("<i>lost</i> parcels")
    page.get_by_text(f"{len(TEXTS)} are still to be read").wait_for()
    assert encoder.read == []
    read(project)
    page.get_by_text(f"{len(TEXTS)} examples, the closest first").wait_for()
    assert encoder.read[-1] == "<i>lost</i> parcels"
    assert texts_of(page)[:2] == [FIRST, SECOND]
    assert page.locator(".al-reading").is_hidden()


def test_more_like_this_and_less_like_that(inbox) -> None:
    page, project = inbox()
    read(project)
    open_tab(page, "Data")
    find(page, "zebra", "2 examples")
    page.locator(".al-item").nth(0).click()
    page.get_by_role("button", name="More like this").click()
    with page.expect_response(lambda reply: "/search?by=words" in reply.url):
        page.get_by_label("Search the texts").fill("")
    page.get_by_text(f"{len(TEXTS) - 1} examples, the closest first").wait_for()
    chip = page.locator(".al-example-chip")
    assert chip.locator("bdi").text_content().startswith("Like: Zebra <img")
    assert SECOND not in texts_of(page)
    assert FIRST in texts_of(page)[:2]
    before = texts_of(page)
    box(page, 0).check()
    page.get_by_role("button", name="Less like these").click()
    page.get_by_text(f"{len(TEXTS) - 2} examples, the closest first").wait_for()
    assert before[0] not in texts_of(page)
    expect(chip).to_have_count(2)
    chip.nth(0).get_by_role("button").click()
    page.get_by_text(f"{len(TEXTS)} examples", exact=True).wait_for()
    expect(chip).to_have_count(0)


def test_what_was_found_is_asked_for_next(inbox) -> None:
    page, project = inbox()
    shown = text_of(page)
    open_tab(page, "Data")
    find(page, '"zebra" mon', "2 examples")
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("button", name="Ask me about these").click()
    wait_for_text(page, SECOND)
    page.locator(".al-why:visible").wait_for()
    assert 'you searched for “"zebra" mon”' in page.locator(".al-why").text_content()
    page.reload()  # they lie at the server
    ready(page)
    assert text_of(page) == SECOND
    following = press(page, "2")
    assert following.endswith("and zebra money at the far end")
    assert press(page, "3") == shown
    saved(page)
    newest = project.undoable(limit=2)
    assert [item.event.strategy for item in newest] == ["search", "search"]

    open_tab(page, "Data")
    find(page, "zebra", "2 examples")
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("button", name="Ask me about these").click()
    page.get_by_text("2 are left out").wait_for()


def label_all(page, n: int) -> None:
    """Give all that is shown one answer."""
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("button", name="Label …").click()
    dialog = page.locator(".al-bulk-dialog")
    dialog.get_by_role("button", name=LABELS[2]).click()
    dialog.get_by_role("button", name=f"Answer {n}").click()


def test_the_undo_of_a_bulk_goes_when_it_would_take_back_something_else(inbox) -> None:
    page, _ = inbox()
    done = page.locator(".al-done")
    open_tab(page, "Data")
    find(page, "zebra", "2 examples")
    label_all(page, 2)
    done.get_by_role("button", name="Undo").wait_for()
    open_tab(page, "Label")
    for key in ("1", "2", "1"):
        press(page, key)
    saved(page)
    open_tab(page, "Data")
    assert done.is_hidden()
    page.get_by_label("Search the texts").fill("")
    page.get_by_label("Show", exact=True).select_option("answered")
    page.get_by_text("5 examples", exact=True).wait_for()
    page.get_by_label("Search the texts").blur()
    page.keyboard.press("u")
    page.keyboard.press("u")  # before the first one is done
    page.get_by_text("3 examples", exact=True).wait_for()
    done.get_by_text("1 answer taken back.").wait_for()
    page.locator(".al-item").first.click()
    page.get_by_label("Your comment").fill("mine")
    page.get_by_role("button", name="Keep the comment").click()
    page.get_by_text("Saved.").wait_for()
    assert done.is_visible()
    page.get_by_label("Annotator").fill("bo")
    page.get_by_label("Annotator").press("Enter")
    done.wait_for(state="hidden")
    page.locator(".al-item").first.click()
    assert page.get_by_label("Your comment").input_value() == ""


def test_a_bulk_that_waits_for_a_connection_says_so(inbox, visit) -> None:
    page, project = inbox()
    open_tab(page, "Data")
    find(page, "zebra", "2 examples")
    page.route("**/events", lambda route: route.abort())
    label_all(page, 2)
    alert = page.get_by_text("Offline, 2 answers waiting · Your answers are kept in this browser")
    alert.wait_for()
    page.unroute_all()
    alert.wait_for(state="hidden")
    assert len(answers_of_me(project)) == 2
    forgive(visit, "ERR_FAILED")


def test_hundreds_are_shown_answered_and_looked_for(inbox, workspace) -> None:
    make_project(workspace / "many", sentences(520), batch_size=1000, audit_share=0.0)
    page, _ = inbox()
    many = Project.open(workspace / "many")
    read(many)
    many.close()
    page.get_by_label("Project", exact=True).select_option("many")
    open_tab(page, "Data")
    page.get_by_text("520 examples", exact=True).wait_for()
    for n in range(100, 550, 50):
        page.get_by_role("button", name="Show more").click()
        page.wait_for_function("n => document.querySelectorAll('.al-found').length === n", arg=n)
    page.get_by_role("button", name="Show more").press("Enter")
    page.wait_for_function("() => document.querySelectorAll('.al-found').length === 520")
    assert page.evaluate("document.activeElement.className") == "al-item"
    label_all(page, 520)
    page.get_by_text("520 examples answered").wait_for()
    expect(rows(page)).to_have_count(520)
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("button", name="More like these").click()
    page.get_by_text("470 examples, the closest first").wait_for()
    expect(page.locator(".al-example-chip")).to_have_count(50)


def test_a_long_search_is_told_in_short(inbox) -> None:
    page, _ = inbox()
    open_tab(page, "Data")
    find(page, " ".join(["zebra"] * 80), "2 examples")
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("button", name="Ask me about these").click()
    wait_for_text(page, SECOND)
    page.locator(".al-why:has-text('zebra ze…”')").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_of_it_fits_a_phone(inbox, scheme) -> None:
    page, _ = inbox(viewport={"width": 360, "height": 780}, color_scheme=scheme, has_touch=True)
    open_tab(page, "Data")
    find(page, "zebra", "2 examples")
    page.get_by_label("Select all that are shown").check()
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(fits)
    small = """() => [...document.querySelectorAll('.al-browse button, .al-bulk-dialog button')]
      .filter((b) => b.checkVisibility() && b.getBoundingClientRect().height < 44)
      .map((b) => b.textContent)"""
    assert page.evaluate(small) == []
    bar = page.locator(".al-bulk-bar").bounding_box()
    assert bar["y"] + bar["height"] <= 780
    page.get_by_role("button", name="Label …").click()
    assert page.evaluate(fits)
    assert page.evaluate(small) == []
    assert page.locator(".al-bulk-dialog").bounding_box()["width"] <= 360
