"""What the tests in a real browser share: watched pages of a workspace, what a person does."""

import shutil
from contextlib import contextmanager

import pytest
from workbench import IdleTrainer, Watched, make_project, sentences, serving

from alnlp.project import Project

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


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
    assert not problems, problems


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


@pytest.fixture
def labelling(visit, inbox):
    """Opens the inbox of a workspace served without a trainer, and its project."""

    @contextmanager
    def labelling(workspace, **options):
        with inbox(workspace) as (base, project):
            page = visit(base, "inbox", **options)
            ready(page)
            yield page, project

    return labelling


def text_of(page) -> str:
    return page.locator(".al-text").text_content()


def ready(page) -> None:
    page.wait_for_selector(".al-text:visible")


def wait_for_text(page, text: str) -> None:
    page.wait_for_function(
        "(text) => document.querySelector('.al-text').textContent === text", arg=text
    )


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


def is_reranking(response) -> bool:
    return response.url.endswith("/ask") and response.request.post_data_json["rerank"]


def forgive(visit, *reasons: str) -> None:
    """Failed requests are reported by the browser itself; the test caused them."""
    for page in visit.pages:
        page.problems[:] = [p for p in page.problems if not any(reason in p for reason in reasons)]
