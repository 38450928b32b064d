"""The workbench in the language of a real browser: our own screens, and Gradio's form."""

import browsing
import pytest
from browsing import open_tab, ready
from workbench import IdleTrainer, make_project, sentences

from alnlp_apps.workbench.texts import TEXTS

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served
workspace = browsing.workspace
LANGUAGES = pytest.mark.parametrize(("locale", "language"), [("de-DE", "de"), ("en-US", "en")])
TABS = ("tab_label", "tab_progress", "tab_data", "tab_review", "tab_new")
NARROW = {"width": 360, "height": 800}


def cut_off(page) -> list[str]:
    """The visible buttons of the labelling screen whose words are wider than they are."""
    return page.locator(".al-canvas button:visible").evaluate_all(
        """(buttons) => buttons
          .filter((button) => button.scrollWidth > button.clientWidth + 1)
          .map((button) => button.textContent)"""
    )


@LANGUAGES
def test_the_labelling_screen_and_the_tabs_speak_the_language(
    locale, language, workspace, visit, served
):
    words = TEXTS[language]
    with served(workspace, trainer=IdleTrainer()) as base:
        page = visit(base, "inbox", locale=locale)
        ready(page)
        assert page.locator("html").get_attribute("lang") == language
        tabs = page.get_by_role("tab").all_inner_texts()
        assert tabs == [words["app"][name] for name in TABS]
        for name in ("skip", "undo", "flag", "comment", "guidelines", "help"):
            page.get_by_role("button", name=words["label"][name], exact=True).wait_for()
        assert words["keys"]["Space"] in page.locator(".al-tools kbd").all_inner_texts()
        # Why an example is asked for comes from the server.
        assert page.locator(".al-why").inner_text() == words["label"]["why"].format(
            why=page.locator(".al-why span").inner_text()
        )
        page.keyboard.press("?")
        keys = page.get_by_role("dialog", name=words["label"]["help"]).locator("kbd")
        assert set(words["label"]["help_keys"][2][0]) <= set(keys.all_inner_texts())


@LANGUAGES
def test_the_form_of_a_new_project_speaks_the_language(locale, language, tmp_path, visit, served):
    words = TEXTS[language]["new"]
    table = tmp_path / "table.csv"
    table.write_text("text,label\nlost parcel,delivery\nmoney back,refund\n", encoding="utf-8")
    with served(tmp_path / "workspace", trainer=IdleTrainer()) as base:
        page = visit(base, locale=locale)
        column = page.get_by_label(words["label_column"])
        column.wait_for()
        assert column.input_value() == words["no_label_column"]
        for name in ("classification", "multilabel", "ner"):
            page.get_by_role("radio", name=words[name], exact=True).wait_for()
        for name in ("name_info", "labels_info"):
            page.get_by_text(words[name], exact=True).wait_for()
        page.get_by_role("button", name=words["more"]).click()
        strategy = page.get_by_label(words["strategy"])
        strategy.wait_for()
        assert strategy.input_value() == words["strategy_best"]
        # What a callback answers is put into the language as well.
        page.locator("input[type=file]").first.set_input_files(table)
        page.get_by_role("heading", name=words["preview"], exact=True).wait_for()
        for name in ("answers_given", "answers_names"):
            page.get_by_role("radio", name=words[name], exact=True).wait_for()
        column.click()
        page.get_by_role("option", name=words["no_label_column"]).click()
        assert column.input_value() == words["no_label_column"]
        page.get_by_role("radio", name=words["ner"], exact=True).click()
        page.get_by_role("checkbox", name=words["overlaps"]).wait_for()
        page.get_by_role("button", name=words["create"], exact=True).wait_for()


def test_what_became_of_a_new_project_is_told_in_the_language(tmp_path, visit, served):
    words = TEXTS["de"]["new"]
    table, test = tmp_path / "table.csv", tmp_path / "test.csv"
    table.write_text("text,label\nlost,a\nback,b\nlost,b\n,a\n1,2,3\n", encoding="utf-8")
    test.write_text("text,label\nfound,a\n,b\n", encoding="utf-8")
    with served(tmp_path / "workspace", trainer=IdleTrainer()) as base:
        page = visit(base, locale="de-DE")
        create = page.get_by_role("button", name=words["create"], exact=True)
        create.click()
        outcome = page.locator(".al-outcome")
        outcome.get_by_text("Datei: fehlt noch").wait_for()
        page.locator("input[type=file]").first.set_input_files(table)
        page.get_by_role("heading", name=words["preview"], exact=True).wait_for()
        page.get_by_label(words["name"]).fill("../escape")
        create.click()
        outcome.get_by_text("Name: '../escape' geht nicht").wait_for()
        page.get_by_label(words["name"]).fill("gut")
        page.get_by_role("button", name=words["more"]).click()
        page.get_by_label(words["model"]).wait_for()  # what is below is there as well then
        page.locator("input[type=file]").last.set_input_files(test)
        page.get_by_text("test.csv").wait_for()
        create.click()
        page.wait_for_selector(".al-report")
        report = page.locator(".al-report").inner_text()
        assert "5 Zeilen gelesen, 2 Beispiele aufgenommen" in report
        assert "in der Testdatei: leerer Text" in report
        assert page.locator(".al-report [lang=en]").all_inner_texts() == []


@LANGUAGES
@pytest.mark.parametrize("task", ["classification", "ner"])
def test_the_words_fit_a_narrow_screen(locale, language, task, tmp_path, visit, served):
    folder = tmp_path / "workspace" / "narrow"
    folder.parent.mkdir()
    make_project(folder, sentences(30), task=task)
    with served(folder.parent, trainer=IdleTrainer()) as base:
        page = visit(base, "narrow", locale=locale, viewport=NARROW)
        ready(page)
        page.reload()  # with all at hand, Gradio measures the tabs again
        ready(page)
        assert page.get_by_role("tab").count() == len(TABS), "tabs are hidden in a menu"
        assert cut_off(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        open_tab(page, TEXTS[language]["app"]["tab_new"])
        page.get_by_role("button", name=TEXTS[language]["new"]["create"]).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_the_second_language_of_a_browser_serves_where_the_first_has_no_words(
    workspace, visit, served
):
    with served(workspace, trainer=IdleTrainer()) as base:
        page = visit(base, "inbox")
        agent = {"userAgent": "a browser", "acceptLanguage": "fr-FR,de-DE,en-US"}
        page.context.new_cdp_session(page).send("Emulation.setUserAgentOverride", agent)
        page.reload()
        ready(page)
        assert page.locator("html").get_attribute("lang") == "de"
        tabs = page.get_by_role("tab").all_inner_texts()
        assert tabs == [TEXTS["de"]["app"][name] for name in TABS]


def test_a_language_without_words_of_ours_gets_english_and_says_so(workspace, visit, served):
    with served(workspace, trainer=IdleTrainer()) as base:
        page = visit(base, "inbox", locale="fr-FR")
        ready(page)
        assert page.locator("html").get_attribute("lang") == "en"
        tabs = page.get_by_role("tab").all_inner_texts()
        assert tabs == [TEXTS["en"]["app"][name] for name in TABS]
