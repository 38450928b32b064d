"""The progress screen in a real browser: its answer, its cards, charts to read and to keep."""

import base64

import browsing
import pytest
from browsing import open_tab
from outlooks import ADVICE, outlook, pretend
from playwright.sync_api import expect
from workbench import IdleTrainer, make_project, sentences

from alnlp.project import Project

pytestmark = pytest.mark.browser
browser, visit, served = browsing.browser, browsing.visit, browsing.served

SIX = ["abbreviation", "entity", "description", "human", "location", "numeric"]
ODD = ["<img src=x onerror=window.hit=1>", "حالة طارئة جدا في قسم الاستقبال", "W" * 64]
PAPER = """async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, image.width, image.height);
  const colours = new Set();
  for (let at = 0; at < data.length; at += 4) colours.add(data.slice(at, at + 3).join());
  return { width: image.width, corner: data.slice(0, 3).join(), colours: [...colours] };
}"""  # noqa: E501


def audit(labels):
    figure = {"value": 0.82, "low": 0.75, "high": 0.88}
    return {"n": 140, "accuracy": figure, "labels": dict.fromkeys(labels, figure)}


@pytest.fixture
def progress(tmp_path, monkeypatch, visit, served):
    """Opens the progress screen of a project that says what it is told to say."""
    opened = []

    def progress(labels, told=None, task="classification", window=None, **status):
        folder = tmp_path / "workspace"
        folder.mkdir()
        make_project(folder / "inbox", sentences(30), labels=labels, task=task)
        targets = pretend(monkeypatch, told, **status) if told else []
        base = served(folder, trainer=IdleTrainer())
        page = visit(base.__enter__(), "inbox", **(window or {}))
        opened.append(base)
        page.get_by_role("tab").nth(1).click()
        page.wait_for_selector(".al-cards .al-card")
        return page, targets

    yield progress
    for base in opened:
        base.__exit__(None, None, None)


def worked(labels, **other):
    return {"told": outlook(labels, **other), "round": 10, "audit": audit(labels), "audited": 140}


def explanation(page, what):
    return page.get_by_role("button", name=f"What does this mean: {what}", exact=True)


def test_the_screen_begins_with_an_answer(progress):
    page, targets = progress(SIX, **worked(SIX))
    assert page.locator(".al-answer p").all_inner_texts() == [
        "The model is right about 82% (most likely 72% to 92%) of new texts like these.",
        "100 labels more: 84% to 87% expected.",
        "1 of 3 signs that can tell speaks for stopping, the others do not.",
    ]
    assert targets == [0.9]
    cards = page.locator(".al-cards")
    for said in (
        "90% takes about 310 more labels (120 or more, perhaps never). At your pace that is about "
        "65 min (25 min or more, perhaps never).",
        "The last 50 labels changed 4% of 500 predictions.",
        "Mixed up most often: people say abbreviation, the model says entity (7 times).",
        "The model is surer than it should be: it says 83% on average and is right 74% of the time",
        "differ by 14 points on average. What you are shown is put right; 9 points left.",
        "The difference may be chance.",
        "2 h 4 min",
        "+5 points",
        "(-2 to +12)",
    ):
        assert cards.get_by_text(said).count() == 1, said
    assert page.locator(".al-signs [data-stop=true]").inner_text().startswith("✓")
    names = [chart.get_attribute("aria-label") for chart in page.get_by_role("img").all()]
    assert names[0] == "Accuracy by number of labels: 40% with 20 labels, 82% with 200."
    assert "says 45%, right 36%" in names[2]


def test_an_explanation_opens_by_keyboard_and_outlasts_new_figures(progress):
    page, _ = progress(SIX, **worked(SIX))
    for what in ("labelled", "Learning curve", "Time", "Successive models agree"):
        ask = explanation(page, what)
        assert ask.get_attribute("aria-expanded") == "false"
        words = page.locator(f"[id='{ask.get_attribute('aria-controls')}']")
        assert words.is_hidden()
        ask.focus()
        page.keyboard.press("Enter")
        assert words.is_visible()
        assert ask.get_attribute("aria-expanded") == "true"
    assert page.get_by_text(ADVICE[0]["reason"]).get_attribute("lang") == "en"
    page.get_by_label("Target, in percent").fill("95")
    with page.expect_response("**/outlook?target=0.95"):
        page.keyboard.press("Enter")
    page.get_by_text("95% takes about").wait_for()
    assert page.get_by_label("Target, in percent").evaluate("e => e === document.activeElement")
    assert explanation(page, "Time").get_attribute("aria-expanded") == "true"
    explanation(page, "Time").press("Escape")
    assert explanation(page, "Time").get_attribute("aria-expanded") == "false"


def test_the_target_is_kept_and_one_that_is_none_is_not_asked_for(progress):
    page, targets = progress(SIX, **worked(SIX))
    field = page.get_by_label("Target, in percent")
    field.fill("")
    field.blur()
    assert field.input_value() == "90"
    publish = """async (news) => {
      const { session } = await import("/alnlp/static/session.js");
      session.publish({ ...session.status, ...news });
    }"""
    field.fill("1000")
    with page.expect_response("**/outlook?target=0.9"):
        page.evaluate(publish, {"round": 11})
    assert page.locator(".al-progress .al-alert").is_hidden()
    field.fill("80")
    page.evaluate(publish, {"audited": 141})  # which puts the field on a new card
    assert page.evaluate("localStorage.getItem('alnlp/target/inbox')") is None  # half typed
    assert field.evaluate("e => e === document.activeElement")
    with page.expect_response("**/outlook?target=0.8"):
        field.blur()
    page.reload()
    open_tab(page, "Progress")
    page.get_by_text("80% takes about").wait_for()
    assert set(targets) == {0.9, 0.8}


@pytest.mark.parametrize(
    ("reach", "said"),
    [
        ({"answers": [0, 0, 300], "seconds": None}, "90% is already reached"),
        ({"answers": [None, None, None], "seconds": None}, "90% is not reached in sight"),
        ({"answers": [0, None, None], "seconds": None}, "may be reached already, or never be"),
        ({"answers": [1234, None, None], "seconds": None}, "at least 1,200 more labels"),
        ({"answers": [10, 20, 41], "seconds": None}, "about 20 more labels (10 to 41)."),
    ],
)
def test_how_far_it_is_to_the_target(progress, reach, said):
    told = outlook(SIX)
    told["forecast"]["target"] = {"value": 0.9} | reach
    page, _ = progress(SIX, told=told, round=10)
    page.locator(".al-aim").get_by_text(said).wait_for()
    expect(page.get_by_text("more to 90%")).to_have_count(0)  # no time without a pace


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        ([True, True, False], "2 of 3 signs that can tell speak for stopping: more labels would"),
        ([True], "The only sign that can tell speaks for stopping: more labels would"),
        ([True, False], "1 of 2 signs that can tell speaks for stopping, the others do not."),
        ([True, None, True], "2 of 2 signs that can tell speak for stopping: more labels would"),
    ],
)
def test_one_is_told_otherwise_than_many(progress, stop, said):
    told = worked(SIX)
    told["told"]["advice"] = [
        one | {"stop": is_on} for one, is_on in zip(ADVICE, stop, strict=False)
    ]
    told["told"]["calibration"]["ece"] = {"before": 0.011, "after": 0.01}
    told["audit"]["n"] = 1
    page, _ = progress(SIX, **told)
    page.locator(".al-answer").get_by_text(said).wait_for()
    page.get_by_text(
        "differ by 1 point on average. What you are shown is put right; 1 point left"
    ).wait_for()
    page.get_by_text("Measured on 1 answer to an example drawn at random").wait_for()


def test_a_chart_is_told_as_a_table_and_kept_as_a_picture_on_paper(progress, tmp_path):
    page, _ = progress(SIX, **worked(SIX), window={"color_scheme": "dark"})
    assert page.evaluate("document.body.classList.contains('dark')")
    for name, rows in (("Learning curve", 21), ("Confusion matrix", None)):
        figure = page.locator("figure").filter(
            has=page.get_by_role("button", name=f"Download as a picture: {name}")
        )
        figure.get_by_text("The numbers as a table").click()
        told = figure.locator("tbody tr")
        told.first.wait_for()
        assert rows in (None, told.count())
        with page.expect_download() as download:
            figure.get_by_role("button").click()
        assert download.value.suggested_filename == f"{name.replace(' ', '-')}.png"
        download.value.save_as(tmp_path / "kept.png")
        kept = page.evaluate(PAPER, base64.b64encode((tmp_path / "kept.png").read_bytes()).decode())
        assert kept["corner"] == "255,255,255"
        assert kept["width"] == 2 * 760
        assert "59,79,196" in kept["colours"] or name == "Confusion matrix"
        assert len(kept["colours"]) > 20  # words and lines, not an empty sheet
    expect(page.locator(".al-aside")).to_have_count(0)


def test_a_few_answers_kept_aside_make_no_firm_statement(progress):
    wide = {"value": 0.17, "low": 0.0, "high": 0.67}
    counts = [[0] * 6 for _ in SIX]
    counts[0][0] = counts[0][1] = 1
    told = outlook(
        SIX,
        rounds=1,
        curve=[{"round": 1, "labels": 18, **wide}],
        confusion={"labels": SIX, "counts": counts},
    )
    told["calibration"]["all"] = {"said": 0.83, "right": 0.0, "low": 0.0, "high": 0.67, "n": 2}
    kept = {"n": 2, "accuracy": wide, "labels": dict.fromkeys(SIX, wide)}
    page, _ = progress(SIX, told=told, round=1, audit=kept, audited=2)
    assert page.locator(".al-answer p").first.inner_text() == (
        "The model is right about 0% to 67% of new texts like these. "
        "2 answers are kept aside to measure by so far: too few to say more."
    )
    cards = page.locator(".al-cards")
    cards.get_by_text("No two labels have been mixed up three times so far: 1 of 2").wait_for()
    cards.get_by_text("That cannot be told yet: it says 83% on average, and by 2 texts").wait_for()
    cards.get_by_text("never trained on: too few to say more").wait_for()
    for said in ("Mixed up most", "surer than", "differ by", "17%"):
        expect(cards.get_by_text(said).locator("visible=true")).to_have_count(0)
    expect(cards.locator(".al-range-dot")).to_have_count(0)


def test_how_sure_it_is_is_judged_where_it_is_more_than_luck(progress):
    page, _ = progress(SIX, **worked(SIX))
    code = """async (calibration) => {
      const { trust } = await import("/alnlp/static/errors.js");
      return trust({ calibration }, { kind: "classification" }).querySelector(".al-lead").textContent;
    }"""  # noqa: E501
    told = outlook(SIX)["calibration"]
    for said, right, low, high, n, words in (
        (0.83, 0.74, 0.66, 0.81, 140, "The model is surer than it should be"),
        (0.60, 0.74, 0.66, 0.81, 140, "The model is right more often than it says"),
        (0.80, 0.74, 0.66, 0.81, 140, "That cannot be told yet"),
        (0.72, 0.74, 0.66, 0.81, 140, "On the whole yes"),
        (0.99, 0.80, 0.61, 0.98, 9, "That cannot be told yet"),
        (0.95, 0.50, 0.28, 0.72, 17, "That cannot be told yet"),
    ):
        over_all = {"said": said, "right": right, "low": low, "high": high, "n": n}
        assert page.evaluate(code, told | {"all": over_all}).startswith(words), over_all


def test_figures_of_a_test_set_are_told_like_those_of_answers_kept_aside(progress):
    figures = audit(SIX)
    tested = {**figures, "n": 160, "macro_f1": {"value": 0.8, "low": 0.71, "high": 0.86}}
    metrics = {"accuracy": 0.82, "macro_f1": 0.8}
    page, _ = progress(
        SIX, told=outlook(SIX, gain=None), round=10, metrics=metrics, tested=tested, audit_share=0.0
    )
    cards = page.locator(".al-cards")
    cards.get_by_text("Measured on the 160 texts of the test set, never trained on.").wait_for()
    assert cards.get_by_text("(71% to 86%)").count() == 1
    cards.get_by_text("F1 of each label").click()
    expect(cards.locator(".al-ranges dt", has_text="abbreviation")).to_have_count(1)
    # What takes answers kept aside is not promised where nothing is kept aside.
    page.locator(".al-later").get_by_text("alnlp simulate").wait_for()
    # The labels of the curve are not all that are answered.
    expect(page.locator(".al-axis", has_text="labels learned from")).to_have_count(1)


@pytest.mark.parametrize("labels", [ODD, [f"intent_{n:02}_about_a_card" for n in range(77)]])
def test_odd_labels_and_many_of_them_leave_a_small_screen_whole(progress, labels):
    phone = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
    page, _ = progress(labels, **worked(labels), window=phone)
    for closed in page.locator(".al-progress summary").all():
        closed.click()
    for ask in page.locator(".al-ask").all():
        ask.click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wide = """() => [...document.querySelectorAll(".al-card, .al-figures")]
      .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.innerText.slice(0, 40))"""
    assert page.evaluate(wide) == []
    assert page.evaluate("window.hit") is None
    assert page.locator(".al-progress bdi", has_text=labels[0]).count() == 1
    heat = page.get_by_role("img", name="People's answers in rows")
    assert heat.locator(".al-hit").count() <= 8
    assert heat.locator(".al-mixed").count() == (len(labels) > 8)
    told = page.get_by_role("group", name="Confusion matrix").locator("tbody tr")
    assert labels[0] in told.first.inner_text() or labels[0] == ODD[0]
    assert told.count() > len(labels) - 1  # of those folded as well


def test_before_the_first_round_each_card_says_what_it_takes(progress):
    page, _ = progress(SIX, window={"locale": "de-DE"})
    assert page.locator(".al-answer p").all_inner_texts() == [
        "Es gibt noch kein Modell. Das erste wird nach 20 weiteren Antworten trainiert."
    ]
    needed = page.locator(".al-later dd").all_inner_texts()
    assert len(needed) == 7
    assert all(sentence.endswith(".") for sentence in needed)
    expect(page.locator(".al-cards figure")).to_have_count(0)


def test_figures_are_written_as_the_language_does(progress):
    page, _ = progress(SIX, **worked(SIX), window={"locale": "de-DE"})
    first, *_ = page.locator(".al-answer p").all_inner_texts()
    assert "82\xa0% (höchstwahrscheinlich 72\xa0% bis 92\xa0%)" in first
    page.get_by_text("unterscheidet sich im Mittel um 14 Punkte.").wait_for()


def test_marks_have_no_confusion_and_it_says_so(progress):
    told = outlook(
        ["person", "place"], metric="span_f1", confusion=None, calibration=None, starving=[]
    )
    page, _ = progress(["person", "place"], told=told, task="ner", round=10)
    assert "F1 of entities" in page.locator(".al-answer p").first.inner_text()
    page.get_by_text("told where each text has exactly one label").wait_for()
    page.get_by_text("told for labels of whole texts, not for marks").wait_for()


def test_figures_that_fail_are_told_and_the_rest_stays(progress, visit, monkeypatch):
    page, _ = progress(SIX, **worked(SIX))

    def fails(project, target):
        raise ValueError("no")

    monkeypatch.setattr(Project, "outlook", fails)
    field = page.get_by_label("Target, in percent")
    field.fill("85")
    field.blur()
    page.get_by_text("Some figures could not be worked out: unexpected failure").wait_for()
    expect(page.locator(".al-answer p")).to_have_count(3)
    browsing.forgive(visit, "500 (Internal Server Error)")
    assert page.locator(".al-progress .al-alert").is_visible()
    page.evaluate(
        """async () => {
          const { session } = await import("/alnlp/static/session.js");
          await session.select(null);
        }"""
    )
    assert page.locator(".al-progress .al-alert").evaluate("e => e.hidden")
