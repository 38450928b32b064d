"""Every screen for everybody: axe-core, the keyboard alone, phones, light and dark, languages."""

import browsing
import marking
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from browsing import forgive, ready, saved
from workbench import LABELS, IdleTrainer, make_project, sentences, serving, write_csv

from alnlp.project import Project

pytestmark = [pytest.mark.browser, pytest.mark.slow]
browser, visit = browsing.browser, browsing.visit

TOPICS = [f"topic {i} of many" for i in range(77)]
PATIENCE = 90_000  # milliseconds: other tests are at work, and these do not measure time
#: Colours on their way to others would be measured.
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_model):
    """A project for each kind of screen, and files to make others of."""
    folder = tmp_path_factory.mktemp("site") / "workspace"
    folder.mkdir()
    make_project(folder / "begun", sentences(30), guidelines="Be kind.\n\nThree lines of it.")
    make_project(folder / "several", sentences(30, 1), task="multilabel")
    make_project(folder / "many", sentences(30, 2), labels=TOPICS)
    make_project(folder / "done", ["only one"])
    done = Project.open(folder / "done")
    done.tell({done.ask(1)[0].id: LABELS[0]}, annotator="me")
    done.close()
    marking.make_project(folder / "marks", [marking.LETTER])
    make_project(folder / "taught", sentences(120, 3), model=f"probe:{tiny_model}", audit_share=0.5)
    project = Project.open(folder / "taught")
    for _ in range(2):
        batch = project.ask(20, annotator="ana")
        answers = {example.id: LABELS[len(example.text) % 3] for example in batch}
        project.tell(answers, annotator="ana")
        project.train(score=True)
    project.close()
    write_csv(folder.parent / "good.csv", sentences(12, 4))
    bad = "text,label\nfine one,a\nfine two,b\n,a\ntoo,many,cells\n"
    (folder.parent / "bad.csv").write_text(bad, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(folder):
    with serving(folder, trainer=IdleTrainer()) as base:
        yield base


@pytest.fixture(scope="module")
def nothing(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("nothing"), trainer=IdleTrainer()) as base:
        yield base


def tab(page, screen: str) -> None:
    page.locator(f'[role=tab][data-tab-id="{screen}"]:visible').click()


# What leads to a screen, from a project just opened; in any language.


def label(page):
    ready(page)


def looking_back(page):
    ready(page)
    page.keyboard.press("1")
    saved(page)
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".al-answered")


def commenting(page):
    ready(page)
    page.keyboard.press("f")
    page.keyboard.press("c")
    page.wait_for_selector(".al-comment textarea:focus")


def guidelines(page):
    ready(page)
    if not page.locator(".al-panel").is_visible():
        page.keyboard.press("g")


def writing_guidelines(page):
    guidelines(page)
    page.locator(".al-panel > .al-button").click()


def helped(page):
    ready(page)
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")


def chosen(page):
    ready(page)
    page.keyboard.press("2")


def filtered(page):
    ready(page)
    page.keyboard.press("/")
    page.keyboard.type("topic 3")


def complaint(page):
    ready(page)
    page.keyboard.press("Enter")
    page.wait_for_selector(".al-alert:visible")


def marked(page):
    ready(page)
    page.keyboard.press("n")
    page.wait_for_selector(".al-chip.al-chosen")


def progress(page):
    tab(page, "progress")
    page.wait_for_selector(".al-table >> visible=true")


def progress_begun(page):
    tab(page, "progress")
    page.wait_for_selector(".al-figures >> visible=true")


def data(page):
    tab(page, "data")
    page.wait_for_selector(".al-item >> visible=true")


def one(page):
    data(page)
    page.locator(".al-item").first.click()
    page.wait_for_selector(".al-full >> visible=true")


def none_found(page):
    data(page)
    page.locator(".al-filters input").fill("no such words")
    page.wait_for_selector(".al-item", state="detached")


def review(page):
    tab(page, "review")
    page.wait_for_selector(".al-review .al-desk:visible, .al-review .al-empty p:visible")


def nothing_left(page):
    page.wait_for_selector(".al-canvas .al-empty h2:text-matches('Nothing left|Alles')")


def lost(page):
    ready(page)
    page.route("**/alnlp/projects/**", lambda route: route.abort())
    page.keyboard.press("1")
    page.wait_for_selector('.al-canvas .al-saved[data-state="offline"]')
    page.wait_for_selector(".al-lost:visible")


def empty(page):
    page.wait_for_selector("#alnlp-create >> visible=true")
    tab(page, "label")
    page.wait_for_selector(".al-empty >> visible=true")


def empty_progress(page):
    tab(page, "progress")
    page.wait_for_selector(".al-empty >> visible=true")


def empty_data(page):
    tab(page, "data")
    page.wait_for_selector(".al-empty >> visible=true")


def new(page, file: str | None = None):
    tab(page, "new")
    page.wait_for_selector("#alnlp-create >> visible=true")
    if file:
        page.locator("input[type=file]").first.set_input_files(file)
        page.wait_for_selector(".al-preview table")


def settings(page, files):
    new(page, files / "good.csv")
    page.locator(".label-wrap").click()
    page.locator('[role="combobox"]').last.click()
    page.wait_for_selector("[role=option] >> visible=true")


def refused(page, files):
    new(page, files / "good.csv")
    page.locator("#alnlp-create").click()  # without labels
    page.wait_for_selector(".al-outcome .al-alert")


def made(page, files):
    new(page, files / "bad.csv")
    page.locator(".al-form textarea").first.fill(f"made {page.evaluate('Date.now()')}")
    page.locator("#alnlp-create").click()
    page.wait_for_selector(".al-report")


SCREENS = {
    "begun": [label, looking_back, commenting, writing_guidelines, complaint, progress_begun, lost],
    "several": [chosen, settings, refused, made],
    "many": [filtered, one],
    "marks": [marked, one, helped],
    "taught": [label, guidelines, helped, progress, data, one, none_found, review],
    "done": [nothing_left],
    None: [empty, empty_progress, empty_data, new],
}
CASES = [
    pytest.param(project, walk, id=f"{project}-{walk.__name__}")
    for project, walks in SCREENS.items()
    for walk in walks
]


@pytest.fixture
def walk_to(browser, visit, request, folder):
    """Opens a project in a fresh profile and walks to a screen of it."""
    contexts = []

    def walk_to(project, walk, **options):
        base = request.getfixturevalue("site" if project else "nothing")
        context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        if project == "marks":
            played = marking.play([marking.LETTER], {marking.LETTER: marking.SUGGESTED})
            context.add_init_script(played)
        page = visit(base, project, context=context)
        page.add_style_tag(content=STILL)
        walk(*[page, folder.parent][: walk.__code__.co_argcount]) if walk is not new else new(page)
        if walk is lost:
            forgive(visit, "ERR_FAILED")
        return page

    yield walk_to
    for context in contexts:
        context.close()


def violations(page, rules: dict) -> list[str]:
    """What axe-core finds on the page as it is, but for what is Gradio's own."""
    # Preloading looks for what a style sheet imports beside the page, where nothing is.
    options = {"resultTypes": ["violations"], "preload": False, **rules}
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:150]}: {node['failureSummary']}"
        for rule in page.evaluate("(options) => axe.run(options)", options)["violations"]
        for node in rule["nodes"]
    ]


ALL_RULES: dict = {}
CONTRAST = {"runOnly": ["color-contrast"]}
BUT_CONTRAST = {"rules": {"color-contrast": {"enabled": False}}}


@pytest.mark.parametrize("language", ["en-GB", "de-DE"])
@pytest.mark.parametrize(("project", "walk"), CASES)
def test_axe_finds_nothing_to_complain_of(project, walk, language, walk_to, visit):
    page = walk_to(project, walk, locale=language)
    assert page.evaluate("document.documentElement.lang") == language[:2]
    page.evaluate(AXE_SCRIPT)
    english = language == "en-GB"  # colours are the same in all languages
    problems = {}
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 780})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            problems[width] = ["wider than its window"]
        problems[width, "light"] = violations(page, ALL_RULES if english else BUT_CONTRAST)
        if english:
            page.emulate_media(color_scheme="dark")
            page.locator("body.dark").wait_for(state="attached")
            problems[width, "dark"] = violations(page, CONTRAST)
            page.emulate_media(color_scheme="light")
            page.locator("body:not(.dark)").wait_for(state="attached")
    if walk is lost:
        forgive(visit, "ERR_FAILED")
    assert not any(problems.values()), problems


#: Every control that is to be reached, in the order of the document; each gets a number.
NUMBER = """() => [...document.querySelectorAll(
    "button, input, select, textarea, summary, a[href], [tabindex]")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled
    && e.tabIndex >= 0 && !e.closest("[inert], [aria-hidden=true]"))
  .map((e, i) => { e.dataset.stop = i; return e.outerHTML.slice(0, 120); })"""
#: The number of what has the focus, and whether one sees that it has; null outside of the page.
FOCUS = """() => {
  const e = document.activeElement;
  if (e === document.body) return null;
  const ringed = (one) => one && getComputedStyle(one).outlineStyle !== "none";
  return { stop: e.dataset.stop ?? null, seen: ringed(e) || ringed(e.closest(".wrap")) };
}"""


@pytest.mark.parametrize(
    ("project", "walk"),
    [("begun", label), ("begun", writing_guidelines), ("marks", marked), ("taught", progress),
     ("begun", one), (None, new)],
)  # fmt: skip
def test_tab_reaches_every_control_in_order_and_the_focus_is_seen(project, walk, walk_to):
    page = walk_to(project, walk)
    controls = page.evaluate(NUMBER)
    page.evaluate("document.activeElement.blur()")
    page.locator("h1").evaluate("e => { e.tabIndex = -1; e.focus(); }")
    reached, unseen = [], []
    for _ in range(2 * len(controls) + 20):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        if at is None:
            break
        if at["stop"] is not None:  # a box that scrolls is a stop of the browser's own
            reached.append(int(at["stop"]))
            if not at["seen"]:
                unseen.append(controls[reached[-1]])
    else:
        raise AssertionError(f"caught at {controls[reached[-1]]}")
    missed = [control for i, control in enumerate(controls) if i not in reached]
    assert not missed
    assert reached == sorted(reached)
    assert not unseen


def test_what_was_opened_by_key_gives_the_focus_back(walk_to):
    page = walk_to("several", label)  # where no guidelines open by themselves
    tools = page.locator(".al-tools")
    comment = tools.locator("button", has_text="Comment")
    comment.press("Enter")
    page.keyboard.press("Escape")
    assert comment.evaluate("e => e === document.activeElement")
    guide = tools.locator("button", has_text="Guidelines")
    guide.press("Enter")
    page.locator(".al-panel").get_by_role("button", name="Close").press("Enter")
    page.locator(".al-panel").wait_for(state="hidden")
    assert guide.evaluate("e => e === document.activeElement")


def test_an_example_of_the_list_is_read_and_left_by_keys(walk_to):
    page = walk_to("begun", data, viewport={"width": 360, "height": 780})
    second = page.locator(".al-item").nth(1)
    second.press("Enter")
    assert page.evaluate("document.activeElement.className") == "al-full"
    page.get_by_role("button", name="Back to the list").press("Enter")
    assert second.evaluate("e => e === document.activeElement")
