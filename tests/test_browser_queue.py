"""The queue of the labelling screen in a real browser, with the server's answers held back."""

import browsing
import pytest
from workbench import make_project, sentences

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served
workspace, inbox, labelling = browsing.workspace, browsing.inbox, browsing.labelling

#: A queue of an annotator of its own, whose outbox is filled from elsewhere as well. `held(name)`
#: holds back the next request to a route once it has `begun`, until it may `make` its reply, and
#: that reply once it has `come`, until it may `go`.
DESK = """async (act) => {
  const { Queue } = await import("/alnlp/static/queue.js");
  const { outbox } = await import("/alnlp/static/outbox.js");
  const { session } = await import("/alnlp/static/session.js");
  const box = outbox(session.state, "somebody");
  const queue = new Queue("inbox", "somebody", box);
  box.addEventListener("added", ({ detail }) => queue.heard(detail));
  await queue.ask();
  await queue.loadOlder();
  const real = window.fetch;
  const held = (name) => {
    const open = {};
    const [begun, making, come, going] = ["begin", "make", "arrive", "go"]
      .map((gate) => new Promise((done) => { open[gate] = done; }));
    window.fetch = async (path, options) => {
      const mine = `${path} ${options.body}`.includes("somebody");
      if (!mine || !path.includes(`/inbox/${name}`)) return real(path, options);
      window.fetch = real;
      open.begin();
      await making;
      const reply = await real(path, options);
      open.arrive();
      await going;
      return reply;
    };
    return { begun, come, make: open.make, go: open.go };
  };
  const label = (id, more = {}) => {
    const uid = crypto.randomUUID();
    box.add({ uid, kind: "label", example_id: id, answer: "refund", ...more });
    return uid;
  };
  const step = (kind, example_id, target) =>
    box.add({ uid: crypto.randomUUID(), kind, example_id, target });
  const ids = (entries) => entries.map((entry) => (entry.example ?? entry).id);
  const of = (name) => outbox(session.state, name);
  return act({ queue, box, held, label, step, ids, of });
}"""

TAKEN_BACK = """async ({ queue, box, held, ids }) => {
  const { id } = queue.current;
  const choice = held("ask");
  const asking = queue.ask();
  await choice.begun;
  queue.settle("label", "refund", 1);
  await box.flush();
  choice.make();
  await choice.come;
  await queue.undo();
  const before = queue.current.id;
  choice.go();
  await asking;
  return [id, before, queue.current.id, new Set(ids(queue.upcoming)).size - queue.upcoming.length];
}"""

HEARD = """async ({ queue, box, held, label, ids }) => {
  const [first, second] = ids(queue.upcoming);
  const list = held("answered");
  list.make();
  label(first);
  await list.come;
  label(second);
  const undoing = queue.undo();
  list.go();
  const entry = await undoing;
  return [second, entry.example.id, first, queue.past.at(-1).example.id];
}"""

OVERTAKEN = """async ({ queue, box, held, label, ids }) => {
  const [first] = ids(queue.upcoming);
  const list = held("answered");
  list.make();
  label(first);
  await list.come;
  const undoing = queue.undo();
  queue.settle("label", "refund", 1);
  list.go();
  const entry = await undoing;
  await queue.reading;
  return [entry === undefined, queue.past.length];
}"""

LOST = """async ({ queue, ids, of }) => {
  const [seen, ...others] = ids(queue.upcoming).slice(0, 4);
  const other = of("somebody else");
  other.add([seen, ...others].map((id) =>
    ({ uid: crypto.randomUUID(), kind: "label", example_id: id, answer: "refund", bulk: "all" })));
  await other.flush();
  await queue.ask();
  const left = ids(queue.upcoming);
  return [queue.current.id === seen, others.filter((id) => left.includes(id)).length];
}"""

TOGETHER = """async ({ queue, box, label, step, ids }) => {
  const bulk = ids(queue.upcoming).slice(0, 3);
  const given = bulk.map((id) => label(id, { bulk: "many" }));
  await queue.reading;
  step("undo", bulk[2], given[2]);
  await queue.reading;
  await queue.ask();
  const asked = bulk.filter((id) => ids(queue.upcoming).includes(id)).length;
  step("redo", bulk[2], given[2]);
  await queue.reading;
  return [asked, bulk.filter((id) => ids(queue.upcoming).includes(id)).length];
}"""


def at_desk(page, act: str):
    """Do something at a desk of its own; gives what it says."""
    return page.evaluate(f"() => ({DESK})({act})")


def test_what_is_taken_back_while_more_is_asked_for_stays_on_screen(workspace, labelling):
    with labelling(workspace) as (page, _):
        first, before, after, twice = at_desk(page, TAKEN_BACK)
        assert (before, after, twice) == (first, first, 0)


def test_an_answer_given_elsewhere_while_others_are_read_is_the_newest(workspace, labelling):
    with labelling(workspace) as (page, _):
        second, undone, first, left = at_desk(page, HEARD)
        assert (undone, left) == (second, first)


def test_an_answer_given_while_an_undo_waits_is_not_what_it_takes_back(workspace, labelling):
    with labelling(workspace) as (page, _):
        assert at_desk(page, OVERTAKEN) == [True, 2]


def test_what_others_have_answered_leaves_the_desk_but_not_from_under_the_eyes(
    workspace, labelling
):
    with labelling(workspace) as (page, _):
        assert at_desk(page, LOST) == [True, 0]


def test_a_bulk_given_again_elsewhere_is_not_asked_for(tmp_path, labelling):
    make_project(tmp_path / "inbox", sentences(26))  # all that the page itself leaves over
    with labelling(tmp_path) as (page, _):
        assert at_desk(page, TOGETHER) == [3, 0]
