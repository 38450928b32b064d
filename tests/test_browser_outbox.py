"""Answers on their way in a real browser: offline, refused, late, for another project or tab."""

import browsing
import pytest
from browsing import forgive, is_reranking, open_tab, press, ready, saved, text_of, wait_for_text
from playwright.sync_api import expect
from workbench import LABELS, IdleTrainer, free_port, make_project, sentences, serving

from alnlp.project import Project
from alnlp_apps.workbench.texts import TEXTS

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served
workspace, inbox, labelling = browsing.workspace, browsing.inbox, browsing.labelling
REFUSED = ".al-refused:has-text('1 answer could not be saved')"


def labelled(folder) -> dict[str, int]:
    project = Project.open(folder)
    counts = {label: n for label, n in project.status()["per_label"].items() if n}
    project.close()
    return counts


def test_answers_given_offline_are_kept_and_sent_later(workspace, visit, labelling):
    with labelling(workspace) as (page, project):
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


def test_a_refused_answer_is_kept_and_shown_until_dismissed(workspace, labelling):
    with labelling(workspace) as (page, project):
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
        expect(page.locator(REFUSED)).to_have_count(0)


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


def test_the_order_of_answers_does_not_hang_on_the_clock(workspace, visit, labelling):
    with labelling(workspace) as (page, _):
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


def test_what_is_too_much_at_once_goes_in_parts(workspace, visit, labelling):
    with labelling(workspace) as (page, project):
        page.context.set_offline(True)
        for _ in range(7):
            press(page, "1")
        sizes = []

        def narrow(route):
            sizes.append(len(route.request.post_data_json["events"]))
            if sizes[-1] > 2:
                route.fulfill(status=413, json={"error": "body: got too much; send less"})
            else:
                route.continue_()

        page.route("**/events", narrow)
        page.context.set_offline(False)
        saved(page)
        assert project.status()["labelled"] == 7
        assert max(sizes) <= 7
        assert sum(size for size in sizes if size <= 2) == 7
        forgive(visit, "ERR_INTERNET_DISCONNECTED", "413")


def test_nothing_is_left_only_if_the_server_knew_all_answers(workspace, labelling):
    with labelling(workspace) as (page, _):
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


def test_answers_given_in_another_tab_or_screen_leave_the_desk(workspace, visit, inbox):
    with inbox(workspace) as (base, project):
        page = visit(base, "inbox")
        ready(page)
        first = text_of(page)
        other = visit(base, "inbox", context=page.context)
        ready(other)
        assert text_of(other) == first
        second = press(other, "1")
        wait_for_text(page, second)
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
            wait_for_text(page, expected)
        saved(page)
        assert project.status()["labelled"] == 0


def test_a_new_order_that_failed_is_asked_for_again(workspace, visit, labelling):
    publish = """async () => {
      const { session } = await import("/alnlp/static/session.js");
      session.publish({ ...session.status, round: 1, read_by: "round 1" });
    }"""
    with labelling(workspace) as (page, _):
        page.route("**/ask", lambda route: route.abort(), times=1)
        with page.expect_event("requestfailed"):
            page.evaluate(publish)
        page.wait_for_function("() => true")
        with page.expect_response(is_reranking):
            page.evaluate(publish)
        forgive(visit, "ERR_FAILED")


def test_a_screen_first_looked_at_while_the_server_is_away_is_there(workspace, visit, labelling):
    with labelling(workspace) as (page, _):
        page.wait_for_load_state("networkidle")
        page.context.set_offline(True)
        open_tab(page, "Review")
        page.locator(".al-review").wait_for()
        page.context.set_offline(False)
        forgive(visit, "ERR_INTERNET_DISCONNECTED")


def test_a_module_that_comes_late_leaves_what_is_being_typed(workspace, visit, inbox):
    with inbox(workspace) as (base, _):
        page = visit(base, "inbox", locale="de-DE")
        page.context.route("**/static/review.js*", lambda route: route.abort())
        page.reload()
        ready(page)
        page.keyboard.press("c")
        page.keyboard.type("half a thou")
        open_tab(page, TEXTS["de"]["app"]["tab_review"])
        page.get_by_text(TEXTS["de"]["app"]["broken"]).wait_for()
        page.context.unroute_all()
        page.locator(".al-review").wait_for()
        open_tab(page, TEXTS["de"]["app"]["tab_label"])
        assert page.locator(".al-comment textarea").input_value() == "half a thou"
        forgive(visit, "ERR_FAILED", "Failed to fetch", "review.js")
