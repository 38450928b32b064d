"""The inbox of suspicious answers in a real browser: keys, undo, differing words, hostile texts."""

import csv
import random

import browsing
import pytest
from browsing import forgive, open_tab
from playwright.sync_api import expect
from workbench import LABELS, IdleTrainer, make_project, sentences

from alnlp.project import Project

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served

TELLING = {
    "refund": "refund money return voucher receipt back",
    "delivery": "parcel courier tracking street late arrive",
    "billing": "invoice charge card price bill twice",
}
COMMON = "please the my hello again today about with for order since week thanks you question"
PAIR = "The courier {} my letter in the rain 🌧 and <b>nobody</b> knew {}"
LONG = "very long indeed " * 400


@pytest.fixture
def folder(tmp_path):
    """A project of 60 right answers, one wrong one, and two texts that contradict each other."""
    draw = random.Random(0)
    rows = []
    for i in range(61):
        label = LABELS[i % 3]
        telling, common = (
            " ".join(draw.sample(words.split(), n))
            for words, n in ((TELLING[label], 4), (COMMON, 5))
        )
        rows.append((f"{telling} {common} {'<i>' if i == 60 else ''}{i}", label))
    rows[60] = (rows[60][0], "billing")  # it is about a refund
    rows.append((PAIR.format("left", "window.hit") + LONG, "delivery"))
    rows.append((PAIR.format("forgot", "window.hit") + LONG, "refund"))
    source = tmp_path / "inbox.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    made = tmp_path / "workspace" / "inbox"
    made.parent.mkdir()
    Project.create(made, data=source, task="classification", answers=True, audit_share=0.0).close()
    return made


@pytest.fixture
def reviewing(folder, visit, served):
    with served(folder.parent, trainer=IdleTrainer()) as base:
        page = visit(base, "inbox")
        open_tab(page, "Review")
        page.wait_for_selector(".al-review .al-card:visible")
        project = Project.open(folder)
        yield page, project
        project.close()


def left(page, n: int) -> None:
    words = "1 answer to look" if n == 1 else f"{n} answers to look"
    page.wait_for_selector(f".al-review-count:has-text('{words}')")


def shown(page) -> str:
    return page.locator(".al-review .al-full").first.text_content()


def settled(page) -> None:
    page.wait_for_selector('.al-review .al-saved[data-state="saved"]')


def go_to(page, kind: str) -> None:
    if kind not in page.locator(".al-review-kind").text_content():
        page.keyboard.press("ArrowRight")
    page.wait_for_selector(f".al-review-kind:has-text('{kind}')")


def answers(project: Project, text: str) -> dict[str, object]:
    [found] = [example for example in project.pool if example.text == text]
    [one] = project.found([found.id])
    return {by: event.answer for by, event in one.answers.items()}


def test_a_wrong_label_is_corrected_and_taken_back_by_keys(reviewing):
    page, project = reviewing
    left(page, 2)
    go_to(page, "wrong label")
    text = shown(page)
    assert text.endswith("<i>60")  # markup is text
    page.get_by_text("Proposed: refund").wait_for()
    assert page.locator(".al-review .al-answered").text_content() == "1billing"
    page.keyboard.press("Enter")
    left(page, 1)
    settled(page)
    assert answers(project, text) == {"import": "billing", "me": "refund"}
    page.keyboard.press("u")
    left(page, 2)
    assert shown(page) == text
    settled(page)
    assert answers(project, text) == {"import": "billing"}
    page.keyboard.press("2")
    left(page, 1)
    settled(page)
    assert answers(project, text)["me"] == "delivery"


def test_what_its_figures_mean_is_told_on_demand(reviewing):
    page, _ = reviewing
    go_to(page, "wrong label")
    meaning = page.locator(".al-review .al-explained")
    assert meaning.is_hidden()
    page.get_by_role("button", name="how likely it is to be wrong").click()
    meaning.get_by_text("taught by all the other answers").wait_for()
    page.keyboard.press("ArrowLeft" if page.get_by_text("2 of 2").count() else "ArrowRight")
    go_to(page, "Contradiction")  # which has no such figures
    assert meaning.is_hidden()


@pytest.mark.parametrize("again", ["Shift+U", "Control+y", "Control+Shift+Z", "Redo"])
def test_what_was_taken_back_is_done_again(reviewing, again):
    page, project = reviewing
    redo = page.locator(".al-review").get_by_role("button", name="Redo")

    def do_again():
        redo.click() if again == "Redo" else page.keyboard.press(again)

    expect(redo).to_be_disabled()
    go_to(page, "wrong label")
    text = shown(page)
    page.keyboard.press("Enter")
    left(page, 1)
    page.keyboard.press("k")
    left(page, 0)
    for count in (1, 2):
        page.keyboard.press("u")
        left(page, count)
    settled(page)
    assert len(project.suspects()) == 2
    do_again()
    left(page, 1)
    page.keyboard.press("u")  # and back, and forward once more
    left(page, 2)
    do_again()
    left(page, 1)
    do_again()
    left(page, 0)
    settled(page)
    assert not project.suspects()
    assert answers(project, text) == {"import": "billing", "me": "refund"}
    page.keyboard.press(again if again != "Redo" else "Shift+U")  # nothing is left to do again
    left(page, 0)


def test_what_is_done_otherwise_ends_what_could_be_done_again(reviewing):
    page, project = reviewing
    redo = page.locator(".al-review").get_by_role("button", name="Redo")
    go_to(page, "wrong label")
    text = shown(page)
    page.keyboard.press("Enter")
    left(page, 1)
    page.keyboard.press("u")
    left(page, 2)
    expect(redo).to_be_enabled()
    page.keyboard.press("k")  # it is kept as it is after all
    left(page, 1)
    expect(redo).to_be_disabled()
    page.keyboard.press("Shift+U")
    settled(page)
    left(page, 1)
    assert answers(project, text) == {"import": "billing"}


def test_an_item_that_is_turned_round_is_not_what_was_taken_back(reviewing):
    page, _ = reviewing
    go_to(page, "Contradiction")
    page.keyboard.press("Enter")
    left(page, 1)
    page.keyboard.press("u")
    left(page, 2)
    page.keyboard.press("x")
    expect(page.locator(".al-review").get_by_role("button", name="Redo")).to_be_disabled()
    page.keyboard.press("Shift+U")
    left(page, 2)


def test_a_contradiction_shows_its_words_and_is_kept(reviewing):
    page, project = reviewing
    go_to(page, "Contradiction")
    assert page.locator(".al-review .al-differs").all_text_contents() in (
        ["left", "forgot"], ["forgot", "left"],
    )  # fmt: skip
    assert page.evaluate("window.hit === undefined")
    expect(page.locator(".al-review .al-full b")).to_have_count(0)
    first = shown(page)
    page.keyboard.press("x")  # the other one is to be corrected
    page.wait_for_function(
        "(text) => document.querySelector('.al-review .al-full').textContent !== text", arg=first
    )
    page.keyboard.press("x")
    page.keyboard.press("k")
    left(page, 1)
    settled(page)
    assert len(project.suspects()) == 1
    page.keyboard.press("u")
    left(page, 2)
    settled(page)
    assert len(project.suspects()) == 2


def test_an_empty_inbox_is_calm_and_can_be_undone(reviewing):
    page, project = reviewing
    page.keyboard.press("k")
    left(page, 1)
    page.keyboard.press("k")
    page.get_by_text("Nothing suspicious").wait_for()
    left(page, 0)
    assert not project.suspects()
    page.reload()
    open_tab(page, "Review")
    page.get_by_text("Nothing suspicious").wait_for()


def test_keys_are_inert_where_something_is_typed(reviewing):
    page, project = reviewing
    left(page, 2)
    page.get_by_label("Annotator").focus()
    page.keyboard.press("k")
    page.keyboard.press("1")
    page.keyboard.press("Backspace")
    left(page, 2)
    assert len(project.suspects()) == 2


def test_what_is_done_anew_takes_back_what_was_done_before(reviewing):
    page, project = reviewing
    go_to(page, "wrong label")
    text = shown(page)
    page.keyboard.press("Enter")
    left(page, 1)
    page.keyboard.press("ArrowLeft")
    go_to(page, "wrong label")
    assert shown(page) == text
    page.keyboard.press("k")
    left(page, 1)
    settled(page)
    assert answers(project, text) == {"import": "billing"}
    page.keyboard.press("u")
    left(page, 2)
    settled(page)
    assert len(project.suspects()) == 2
    assert page.locator(".al-review").get_by_role("button", name="Undo").is_disabled()


def test_what_is_settled_while_the_list_is_read_does_not_come_back(reviewing):
    page, _ = reviewing
    held = []
    page.route("**/suspects*", lambda route: held.append((route, route.fetch())), times=1)
    open_tab(page, "Label")
    open_tab(page, "Review")
    while not held:
        page.evaluate("1")  # lets the route be served
    page.keyboard.press("k")
    left(page, 1)
    [(route, old)] = held
    route.fulfill(response=old)
    page.get_by_text("1 of 1").wait_for()  # of a list that knows of it
    left(page, 1)


def test_answers_that_another_tab_has_sent_are_saved(reviewing, visit):
    page, _ = reviewing
    go_to(page, "wrong label")  # to keep a contradiction is two answers
    page.route("**/events", lambda route: route.abort())
    page.keyboard.press("k")
    page.wait_for_selector(".al-review .al-saved:has-text('Offline, 1 answer waiting')")
    page.evaluate("window.setTimeout = () => 0")  # it does not try again by itself
    visit(page.url.partition("/?")[0], "inbox", context=page.context)
    settled(page)
    forgive(visit, "ERR_FAILED")


def test_another_project_may_be_read_as_well(folder, visit, served):
    make_project(folder.parent / "other", sentences(30))
    with served(folder.parent, trainer=IdleTrainer()) as base:
        page = visit(base, "inbox")
        page.route(
            "**/suspects*",
            lambda route: route.fulfill(json=route.fetch().json() | {"by_words": True}),
        )
        open_tab(page, "Review")
        read = page.get_by_role("button", name="Read the texts")
        read.click()
        page.get_by_text("The texts are being read").wait_for()
        assert read.is_disabled()
        page.get_by_label("Project", exact=True).select_option("other")
        page.get_by_text("Nothing suspicious").wait_for()
        assert read.is_enabled()


def test_the_list_is_made_anew_when_the_texts_have_been_read(folder, visit, served):
    begun = []

    def look(route):
        route.fulfill(json=route.fetch().json() | {"by_words": not begun})

    def read(route):
        begun.append(route.request.url)
        status = route.fetch(url=route.request.url.replace("/read", "/status"), method="GET").json()
        trainer = status["trainer"] | {"state": "training", "phase": "embed"}
        route.fulfill(json=status | {"trainer": trainer})

    with served(folder.parent, trainer=IdleTrainer()) as base:
        page = visit(base, "inbox")
        page.route("**/suspects*", look)
        page.route("**/read", read)
        open_tab(page, "Review")
        page.get_by_role("button", name="Read the texts").click()
        page.get_by_text("The texts are being read").wait_for()
        page.get_by_role("button", name="Read the texts").wait_for(state="hidden")


def test_it_fits_a_phone(folder, visit, served):
    with served(folder.parent, trainer=IdleTrainer()) as base:
        page = visit(base, "inbox", viewport={"width": 360, "height": 740})
        page.locator(".tab-container, .overflow-menu").first.wait_for()
        tab = page.get_by_role("tab", name="Review", exact=True)
        if not tab.is_visible():
            page.locator(".overflow-menu > button").click()
            tab = page.locator(".overflow-dropdown button", has_text="Review")
        tab.click()
        page.wait_for_selector(".al-review .al-card:visible")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
