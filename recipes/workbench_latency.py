"""How long from the press of a key until the next example is painted, at rest and in training?

    python recipes/workbench_latency.py --chromium /usr/bin/chromium

A real server, a real Chromium, real key presses; once as fast as the next example appears and once
at a person's pace, each with the trainer at rest and at work. The texts are TREC-6 from $ALNLP_DATA
where it is set, else the built-in corpus.

A press counts from the time stamp of its keydown event, which the browser takes before any handler
runs, until the first frame that shows the next text has been painted: an observer notices the new
text, the callback of the next animation frame runs just before that frame is painted, and a message
posted there arrives just after. (The second animation frame would come a whole refresh later, which
nobody has to wait for.) What the screen adds is the same for any page. Beside it stands what the
browser's own Event Timing says of the same presses, from key to presentation, in steps of 8 ms.
Blocked is all time without an example on screen while the pool has some. The refresh interval is
the limit: a picture waits half of it on average, and at worst all of it.
"""

import argparse
import os
import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmark import one_line_errors, whole, wholes
from playwright.sync_api import Browser, Page, sync_playwright
from serving import TrainerWatch, row, serving, spread, told
from trec import TREC

from alnlp import corpus

#: Answers there are before the first press, so that there is something to train on.
ANSWERED = 100
PATIENCE_SECONDS = 60
#: The least that Event Timing reports.
EVENT_TIMING_MS = 16

MEASURE = """() => {
  const text = document.querySelector(".al-text"), desk = document.querySelector(".al-desk");
  const bench = window.bench;
  let pressed = null;
  addEventListener("keydown", (event) => { pressed ??= event.timeStamp; }, true);
  new MutationObserver(() => {
    if (pressed === null) return;
    const began = pressed;
    pressed = null;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { bench.painted.push(performance.now() - began); };
      port2.postMessage(null);
    });
  }).observe(text, { childList: true, characterData: true, subtree: true });
  new MutationObserver(() => {
    const now = performance.now();
    if (desk.hidden) bench.since ??= now;
    else if (bench.since !== null) {
      bench.blocked += now - bench.since;
      bench.since = null;
    }
  }).observe(desk, { attributes: true, attributeFilter: ["hidden"] });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.name === "keydown") bench.presented.push(entry.duration);
    }
  }).observe({ type: "event", durationThreshold: 16 });
}"""

RESET = """() => {
  Object.assign(window.bench ??= {}, { painted: [], presented: [], blocked: 0, since: null });
}"""

REFRESH = """() => new Promise((done) => {
  const times = [];
  const frame = (now) => (times.push(now) < 61 ? requestAnimationFrame(frame) : done(times));
  requestAnimationFrame(frame);
}).then((times) => (times.at(-1) - times[0]) / (times.length - 1))"""


def make(folder: Path, presses: int, options: argparse.Namespace) -> None:
    """A project with some answers, which is trained only when it is asked for."""
    if Path(os.environ.get("ALNLP_DATA", ""), TREC.name).is_dir():
        project = TREC.project(folder)
    else:
        project = corpus.create_demo(folder, "classification")
    project.update_settings(model=options.model, batch_size=10_000)
    left = len(project.pool) - ANSWERED
    if left < presses:
        raise SystemExit(f"--presses: {presses} in all, but only {left} texts are left to label")
    drawn = random.Random(0).sample(range(len(project.pool)), ANSWERED)
    answers = {project.pool.ids[row]: project.pool.gold(row) for row in drawn}
    project.tell(answers, annotator="before")
    project.close()


def press(page: Page, n: int, pace: float, labels: int) -> dict[str, Any]:
    """Label n examples by keys; what the page measured.

    Args:
        page: with the labelling screen.
        n: how many.
        pace: milliseconds from one press to the next on average, 0 for as fast as possible.
        labels: how many keys there are.
    """
    draw = random.Random(0)
    page.evaluate(RESET)
    for done in range(n):
        due = time.perf_counter() + pace / 1000 * draw.uniform(0.7, 1.3)
        page.keyboard.press(str(draw.randint(1, labels)))
        page.wait_for_function("(n) => bench.painted.length > n", arg=done)
        time.sleep(max(0.0, due - time.perf_counter()))
    measured: dict[str, Any] = page.evaluate("() => ({ ...bench })")
    return measured


def cells(measured: dict[str, Any], n: int) -> list[str]:
    """Latency, what Event Timing says, and the seconds blocked."""
    # Event Timing leaves out what took less than its threshold.
    presented = measured["presented"] + [EVENT_TIMING_MS] * (n - len(measured["presented"]))
    middle, _, late, *_ = spread(presented)
    blocked = f"{measured['blocked'] / 1000:.2f}"
    return [*spread(measured["painted"]), f"{float(middle):.0f}, {float(late):.0f}", blocked]


def measure(base: str, project: str, browser: Browser, options: argparse.Namespace) -> list[str]:
    """Print the table; what the trainer did meanwhile, in lines."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    page.goto(f"{base}/?project={project}")
    page.wait_for_selector(".al-text:visible")
    labels = min(9, page.locator(".al-label").count())
    print(f"a refresh every {page.evaluate(REFRESH):.1f} ms\n")
    page.evaluate(RESET)
    page.evaluate(MEASURE)
    print("| trainer | pace | presses | median | p90 | p95 | p99 | max, ms", end="")
    print(" | Event Timing: median, p95 | blocked, s |")
    print(row(*["---"] * 10))
    remarks = []
    for keep_training in (False, True):
        for pace in options.paces:
            with TrainerWatch(base, project, keep_training) as watched:
                measured = press(page, options.presses, pace, labels)
            name = "training" if keep_training else "at rest"
            each = f"{pace:.0f} ms" if pace else "at once"
            print(row(name, each, options.presses, *cells(measured, options.presses)), flush=True)
            remarks.append(f"{name}, {each}: {told(watched)}")
    return remarks


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presses", type=whole(1), default=300, help="in each of the parts")
    parser.add_argument(
        "--paces",
        type=wholes(0),
        default="150,0",
        help="milliseconds between presses, 0: at once; by commas",
    )
    parser.add_argument("--model", default="minilm", help="see alnlp models")
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="the program")
    options = parser.parse_args()
    parts = 2 * len(options.paces)
    with tempfile.TemporaryDirectory() as scratch, one_line_errors(), sync_playwright() as driver:
        folder = Path(scratch, "projects", "latency")
        make(folder, parts * options.presses, options)
        browser = driver.chromium.launch(
            executable_path=options.chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        with serving(folder) as base:
            remarks = measure(base, folder.name, browser, options)
            browser.close()
    print("", *remarks, sep="\n")


if __name__ == "__main__":
    main()
