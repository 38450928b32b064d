"""Every answer that a person saw accepted is in the store exactly once, whatever happens.

A person labels 500 examples in a real browser, in up to three tabs, while the network is cut, the
server is killed with SIGKILL and started again, and tabs are reloaded, opened, closed and left by
the back button, all of it drawn at random from one seed.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from contextlib import contextmanager
from pathlib import Path

import browsing
import pytest
from browsing import ARGUMENTS, CHROMIUM
from workbench import LABELS, free_port, make_project, sentences

from alnlp.project import Project

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
browser = browsing.browser
ANSWERS = 500
KILLS = 4
TABS = 3

#: Notes what is on screen before and after each key, in the very moment of the key.
RECORDER = """
(() => {
  const shown = () => {
    const text = document.querySelector(".al-text");
    return text && text.checkVisibility() ? text.textContent : null;
  };
  window.seen = [];
  let before = null;
  addEventListener("keydown", () => { before = shown(); }, { capture: true });
  addEventListener("keydown", (event) => {
    window.seen.push({ key: event.key, before, after: shown() });
  });
})();
"""


#: What is on screen is none of these texts.
NOT_ASKED_AGAIN = """(texts) => !texts.includes(document.querySelector(".al-text")?.textContent)"""

#: Runs `alnlp serve` in a new process for each line it reads. What takes the time of a start is to
#: import Gradio, so that is done once, before any thread, and the servers are forked from there.
NURSERY = """
import os, sys
import alnlp_apps.workbench.screens
from alnlp.cli import main
print("ready", flush=True)
for line in sys.stdin:
    process = os.fork()
    if not process:
        main()
    print(process, flush=True)
    os.waitpid(process, 0)
    print("ended", flush=True)
"""


class Server:
    """`alnlp serve` in a process of its own, always on one port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        command = ["serve", str(folder), "--port", str(port), "--no-browser"]
        self.nursery = subprocess.Popen(
            [sys.executable, "-c", NURSERY, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.hear("ready")
        self.start()

    def hear(self, wanted: str) -> str:
        for line in self.nursery.stdout:
            if wanted in line or (not wanted and line.strip().isdecimal()):
                return line
        raise AssertionError("the server did not start")

    def start(self) -> None:
        """Start it; connections made from now on wait until it is there."""
        self.nursery.stdin.write("serve\n")
        self.nursery.stdin.flush()
        self.process = int(self.hear(""))
        self.hear("workbench")

    def kill(self) -> None:
        os.kill(self.process, signal.SIGKILL)
        self.hear("ended")

    def close(self) -> None:
        self.kill()
        self.nursery.stdin.close()
        self.nursery.wait()
        self.nursery.stdout.close()


@pytest.fixture
def server(tmp_path):
    """A workbench over one project whose trainer is never called upon."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    make_project(
        folder / "inbox", sentences(ANSWERS + 150), strategy="random", batch_size=10_000,
        audit_share=0.0,
    )  # fmt: skip
    running = Server(folder / "inbox")
    yield running
    running.close()


@contextmanager
def person(browser, server, **options):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(RECORDER)
    try:
        yield Person(context, server, **options)
    finally:
        context.close()


class Person:
    """Somebody who labels in the tabs of one browser, and remembers what they saw accepted."""

    def __init__(self, context, server, name="me", seed=0) -> None:
        self.context = context
        self.server = server
        self.draw = random.Random(seed)
        self.online = True
        self.broken = set()  # tabs in which the browser says that it cannot reach the server
        self.accepted: list[tuple[str, str]] = []  # text and label, in the order of the keys
        if name != "me":
            context.add_init_script(f"localStorage.setItem('alnlp/annotator', '{name}');")
        self.tabs = []
        self.open_tab()

    # What a person does with tabs and network

    def open_tab(self) -> None:
        self.connect()
        page = self.context.new_page()
        page.goto(f"{self.server.base}/?project=inbox")
        self.tabs.append(page)

    def close_tab(self) -> None:
        if len(self.tabs) > 1:
            self.tabs.pop(self.draw.randrange(len(self.tabs))).close()

    def reload(self) -> None:
        """Offline the browser shows a page of its own, until the next reload."""
        page = self.draw.choice(self.tabs)
        self.travel(page, page.reload)

    def leave_and_come_back(self) -> None:
        page = self.draw.choice(self.tabs)
        page.goto("about:blank")
        self.travel(page, page.go_back)

    def travel(self, page, how) -> None:
        try:
            how(wait_until="domcontentloaded")
        except Exception as error:
            if "ERR_" not in str(error):  # of the network, not of the page
                raise
            self.broken.add(page)

    def look_up(self) -> None:
        """What could not be loaded when the network or the server went has to be loaded anew."""
        for page in self.tabs:
            if page not in self.broken and not page.locator(".al-canvas").count():
                self.broken.add(page)

    def cut(self) -> None:
        self.context.set_offline(True)
        self.online = False
        self.look_up()

    def connect(self) -> None:
        self.context.set_offline(False)
        self.online = True

    # What a person does with examples

    def label(self, page, label: str) -> bool:
        """Press the key of a label; whether the screen took it."""
        page.keyboard.press(str(LABELS.index(label) + 1))
        [seen] = page.evaluate("window.seen.splice(0)")
        if seen["before"] is None or seen["after"] == seen["before"]:
            return False
        self.accepted.append((seen["before"], label))
        return True

    def work(self, page, most: int) -> None:
        """Label some examples; wait, online, for one where there is none."""
        for _ in range(most):
            if not self.is_ready(page):
                self.make_ready(page)
            self.label(page, self.draw.choice(LABELS))

    def turn_to(self, page) -> None:
        """Look at another tab, which has by then heard of what was answered in this one."""
        if self.is_ready(page):
            page.wait_for_function(NOT_ASKED_AGAIN, arg=[text for text, _ in self.accepted])

    def is_ready(self, page) -> bool:
        return page not in self.broken and page.locator(".al-text").is_visible()

    def make_ready(self, page) -> None:
        self.connect()
        if page in self.broken:
            self.broken.discard(page)
            page.goto(f"{self.server.base}/?project=inbox")
        page.wait_for_selector(".al-text:visible", timeout=90_000)

    def finish(self) -> None:
        """Go online and wait until nothing waits any more."""
        self.connect()
        for page in self.tabs:
            self.make_ready(page)
            page.wait_for_selector('.al-saved[data-state="saved"]', timeout=90_000)
            assert not page.locator(".al-refused:visible").count()


def answers_in(server, annotator="me") -> dict[str, list[str]]:
    """Text -> the labels that the annotator gave it, in the order of the store."""
    project = Project.open(server.folder)
    texts = {example.id: example.text for example in project.pool}
    project.close()
    with sqlite3.connect(server.folder / "project.db") as store:
        rows = store.execute(
            "SELECT example_id, answer FROM events WHERE kind = 'label' AND annotator = ? "
            "ORDER BY seq",
            (annotator,),
        ).fetchall()
        kinds = {kind for (kind,) in store.execute("SELECT DISTINCT kind FROM events")}
    assert kinds <= {"label"}
    given = defaultdict(list)
    for example_id, answer in rows:
        given[texts[example_id]].append(json.loads(answer))
    return given


def check(server, accepted: list[tuple[str, str]], annotator="me") -> None:
    """What was seen accepted, and nothing else, is in the store, each key press once."""
    expected = defaultdict(list)
    for text, label in accepted:
        expected[text].append(label)
    stored = answers_in(server, annotator)
    lost = {text: labels for text, labels in expected.items() if text not in stored}
    doubled = {
        text: (expected[text], labels)
        for text, labels in stored.items()
        if Counter(labels) != Counter(expected[text])
    }
    assert (lost, doubled) == ({}, {})
    assert {text: labels[-1] for text, labels in stored.items()} == {
        text: labels[-1] for text, labels in expected.items()
    }


@pytest.mark.parametrize("seed", [0])
def test_500_answers_through_everything(browser, server, seed):
    with person(browser, server, seed=seed) as me:
        draw = me.draw
        kills = sorted(draw.sample(range(20, ANSWERS - 20), KILLS))
        happenings = {
            me.cut: 4, me.connect: 5, me.reload: 3, me.open_tab: 2, me.close_tab: 2,
            me.leave_and_come_back: 2,
        }  # fmt: skip
        while len(me.accepted) < ANSWERS:
            if kills and len(me.accepted) >= kills[0]:
                kills.pop(0)
                server.kill()
                me.look_up()
                server.start()
            [what] = draw.choices(list(happenings), list(happenings.values()))
            if what is not me.open_tab or len(me.tabs) < TABS:
                what()
            page = draw.choice(me.tabs)
            me.turn_to(page)
            me.work(page, min(draw.randint(3, 12), ANSWERS - len(me.accepted)))
        me.finish()
        check(server, me.accepted)
        assert len({text for text, _ in me.accepted}) == len(me.accepted) == ANSWERS


def test_two_machines_of_one_annotator(browser, server):
    """What one of them holds in its browser is not lost to what the other sends meanwhile."""
    with person(browser, server, seed=1) as desk, person(browser, server, seed=2) as laptop:
        laptop.cut()
        for _ in range(10):
            desk.work(desk.tabs[0], 3)
            if not laptop.online or laptop.is_ready(laptop.tabs[0]):
                laptop.work(laptop.tabs[0], 1)
        server.kill()
        server.start()
        for me in (desk, laptop):
            me.finish()
            me.reload()
            me.work(me.tabs[0], 5)
            me.finish()
        stored = answers_in(server)
        for text, label in desk.accepted + laptop.accepted:
            assert label in stored[text]
        both = Counter(desk.accepted) + Counter(laptop.accepted)
        assert Counter((t, label) for t, labels in stored.items() for label in labels) == both
        resumed = [text for me in (desk, laptop) for text, _ in me.accepted[-5:]]
        assert len(set(resumed)) == 10  # after a reload nobody is asked again


def test_two_annotators_at_once(browser, server):
    with (
        person(browser, server, name="ana", seed=3) as ana,
        person(browser, server, name="ben", seed=4) as ben,
    ):
        for turn in range(6):
            for one in (ana, ben):
                one.work(one.tabs[0], 4)
            if turn == 2:
                ana.cut()
                server.kill()
                server.start()
        for one, name in ((ana, "ana"), (ben, "ben")):
            one.finish()
            check(server, one.accepted, name)
        assert not {text for text, _ in ana.accepted} & {text for text, _ in ben.accepted}


@pytest.fixture(scope="module")
def keeping(browser):
    """A browser that keeps pages alive for the back button, as people's browsers do."""
    running = browser.browser_type.launch(
        executable_path=CHROMIUM,
        args=ARGUMENTS,
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield running
    running.close()


@pytest.mark.parametrize("waiting", [False, True])
def test_back_to_a_page_that_was_left(keeping, server, waiting):
    """A page that comes back as it was left takes note of what was answered meanwhile."""
    with person(keeping, server) as me:
        page = me.tabs[0]
        if waiting:
            page.route("**/events", lambda route: route.abort())
        me.work(page, 3)
        other = "about:blank"
        page.goto(other)
        me.open_tab()
        me.work(me.tabs[1], 8)
        me.travel(page, page.go_back)
        page.unroute_all()
        me.work(page, 8)
        me.finish()
        assert len({text for text, _ in me.accepted}) == len(me.accepted)
        check(server, me.accepted)
