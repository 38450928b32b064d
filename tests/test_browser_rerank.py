"""A new model puts the examples to come in a new order, and nobody waits for it."""

import browsing
import pytest
from browsing import is_reranking, press, saved, text_of

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served
workspace, inbox, labelling = browsing.workspace, browsing.inbox, browsing.labelling

A_ROUND_IS_DONE = """async () => {
  const { session } = await import("/alnlp/static/session.js");
  session.publish({ ...session.status, round: 1, read_by: "round 1" });
}"""


def test_a_new_order_that_is_long_in_coming_holds_nobody_up(workspace, labelling):
    with labelling(workspace) as (page, project):
        held = []
        page.route("**/ask", lambda route: held.append(route), times=1)
        page.evaluate(A_ROUND_IS_DONE)
        while not held:
            page.evaluate("1")  # lets the route be served
        body = held[0].request.post_data_json
        assert body["rerank"]
        shown = [text_of(page)] + [press(page, "1") for _ in range(4)]
        texts = {found.example.id: found.example.text for found in project.search(limit=60)[0]}
        assert shown == [texts[kept] for kept in body["keep"]]
        assert page.locator(".al-empty").is_hidden()
        with page.expect_response(is_reranking) as replied:
            held[0].continue_()
        saved(page)
        assert text_of(page) == shown[-1]
        anew = [example["text"] for example in replied.value.json()["examples"]]
        rest = [text for text in anew if text not in shown]
        assert rest
        assert [press(page, "1") for _ in rest] == rest
