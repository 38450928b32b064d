"""The routes of the workbench over HTTP: asking, answering, refusing; no browser."""

import base64
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from workbench import LABELS, IdleTrainer, make_project, sentences

from alnlp.errors import ProjectError, StoreError
from alnlp.project import Project
from alnlp_apps.workbench import build
from alnlp_apps.workbench.workspace import Desk, Workspace

BASE = "http://localhost"
INBOX = "/alnlp/projects/inbox"


@pytest.fixture
def trainer():
    return IdleTrainer()


@pytest.fixture
def workspace(tmp_path):
    make_project(tmp_path / "inbox", sentences(60), batch_size=5)
    return tmp_path


@pytest.fixture
def client(workspace, trainer):
    with TestClient(build(workspace, trainer=trainer), base_url=BASE) as client:
        yield client


def ask(client, annotator="me", n=20, keep=(), rerank=False):
    body = {"annotator": annotator, "n": n, "keep": list(keep), "rerank": rerank}
    answer = client.post(f"{INBOX}/ask", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["examples"]


def event(example, kind="label", **more):
    more = {"answer": LABELS[0]} | more if kind == "label" else more
    return {"uid": uuid4().hex, "kind": kind, "example_id": example["id"], **more}


def tell(client, *events, annotator="me"):
    answer = client.post(f"{INBOX}/events", json={"annotator": annotator, "events": list(events)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_asking_again_gives_the_same_examples_and_tops_up(client):
    first = ask(client, n=5)
    again = ask(client, n=8)
    assert [e["id"] for e in again[:5]] == [e["id"] for e in first]
    assert len({e["id"] for e in again}) == 8


def test_reranking_keeps_what_is_in_sight_and_gives_the_rest_back(client):
    before = [example["id"] for example in ask(client, n=20)]
    after = [example["id"] for example in ask(client, n=20, keep=before[:2], rerank=True)]
    assert after[:2] == before[:2]
    assert len(after) == 20
    assert after != before


def test_no_example_goes_to_two_annotators(client):
    names = [f"annotator {i}" for i in range(6)]
    with ThreadPoolExecutor(6) as pool:
        batches = list(pool.map(lambda name: ask(client, name, n=10), names))
    given = [example["id"] for batch in batches for example in batch]
    assert len(given) == len(set(given)) == 60


def test_answers_are_kept_and_replayed_harmlessly(client):
    one, two, *_ = ask(client)
    events = [event(one), event(two, "skip"), event(one, "comment", comment="hm")]
    for _ in range(2):
        answer = tell(client, *events)
        assert answer["saved"] == [sent["uid"] for sent in events]
        assert answer["refused"] == []
        assert (answer["status"]["labelled"], answer["status"]["skipped"]) == (1, 1)


def test_a_bad_event_is_refused_by_name_and_the_others_are_kept(client):
    one, two, three, *_ = ask(client)
    good = [event(one), event(two)]
    bad = {
        "label": event(three, answer="nonsense"),
        "example": event({"id": "f" * 16}),
        "kind": event(three, "shout"),
        "target": event(three, "undo", target="nobody"),
        "empty": {"uid": "x"},
    }
    answer = tell(client, good[0], *bad.values(), good[1])
    assert answer["saved"] == [sent["uid"] for sent in good]
    refused = {refusal["uid"]: refusal["error"] for refusal in answer["refused"]}
    assert set(refused) == {sent["uid"] for sent in bad.values()}
    assert all(error and "\n" not in error for error in refused.values())
    assert answer["status"]["labelled"] == 2


def test_trouble_with_the_disk_refuses_nothing(client, monkeypatch):
    def fail(self, events):
        raise StoreError("project.db: cannot be written, the disk is full") from OSError()

    example, *_ = ask(client)
    monkeypatch.setattr(Project, "record", fail)
    body = {"annotator": "me", "events": [event(example)]}
    answer = client.post(f"{INBOX}/events", json=body)
    assert answer.status_code == 503
    assert answer.json() == {"error": "project.db: cannot be written, the disk is full"}


def test_what_is_on_disk_is_saved_whatever_else_is_wrong(client, monkeypatch):
    def fail(self):
        raise ProjectError("round.json: damaged; train a new round")

    example, *_ = ask(client)
    monkeypatch.setattr(Desk, "status", fail)
    answer = tell(client, given := event(example))
    assert answer == {"saved": [given["uid"]], "refused": [], "status": None}


def test_who_asks_is_told_what_is_theirs_no_longer(client):
    examples = ask(client)
    ids = [example["id"] for example in examples]
    tell(client, event(examples[0]))
    tell(client, event(examples[1]), annotator="ben")
    body = {"annotator": "me", "n": 5, "keep": ids[:4]}
    told = client.post(f"{INBOX}/ask", json=body).json()
    assert (told["settled"], told["lost"]) == (ids[:1], ids[1:2])


def test_nobody_is_called_as_files_are(client):
    answer = client.post(f"{INBOX}/ask", json={"annotator": "import", "n": 5})
    assert answer.status_code == 403
    assert "stands for files" in answer.json()["error"]


def test_earlier_answers_come_newest_first_and_can_be_undone(client):
    one, two, three, *_ = ask(client)
    sent = [event(one), event(two, "skip"), event(three, answer=LABELS[1])]
    tell(client, *sent)

    def earlier(**query):
        answer = client.get(f"{INBOX}/answered", params={"annotator": "me", **query}).json()
        return [item["uid"] for item in answer["answered"]], answer["undone"]

    uids = [item["uid"] for item in sent]
    assert earlier()[0] == uids[::-1]
    assert earlier(limit=1, offset=1)[0] == [uids[1]]
    tell(client, event(three, "undo", target=uids[2]))
    answered, undone = earlier()
    assert answered == uids[1::-1]
    assert [item["uid"] for item in undone] == [uids[2]]
    assert undone[0]["example"]["text"] == three["text"]


def test_a_training_is_requested_once_for_each_batch(client, trainer, workspace):
    examples = ask(client)
    for i, example in enumerate(examples[:12], 1):
        status = tell(client, event(example))["status"]
        assert len(trainer.requests) == i // 5
        assert status["due"] == i % 5
    assert trainer.requests == [workspace / "inbox"] * 2
    tell(client, *(event(example, "skip") for example in examples[12:]))
    assert len(trainer.requests) == 2


def test_replays_and_answers_taken_back_bring_no_training(client, trainer):
    examples = ask(client)
    first = event(examples[0])
    for _ in range(6):
        assert tell(client, first)["status"]["due"] == 1
    for example in examples[1:8]:
        answer = event(example)
        tell(client, answer, event(example, "undo", target=answer["uid"]))
    assert trainer.requests == []


def test_the_end_of_the_pool_is_trained_on(client, trainer):
    tell(client, *(event(example) for example in ask(client, n=60)))
    assert len(trainer.requests) == 1
    project = client.get(f"{INBOX}/state", params={"annotator": "me"}).json()
    assert project["status"]["due"] == 0
    undone = client.get(f"{INBOX}/answered", params={"annotator": "me"}).json()["answered"][:2]
    for item in undone:
        tell(client, event(item["example"], "undo", target=item["uid"]))
    tell(client, *(event(example) for example in ask(client, n=60)))
    assert ask(client) == []
    assert ask(client) == []
    assert len(trainer.requests) == 2


def test_answers_for_another_project_of_the_same_name_are_not_taken(client):
    uid = client.get(f"{INBOX}/state", params={"annotator": "me"}).json()["uid"]
    body = {"annotator": "me", "events": [event(ask(client)[0])]}
    for project, status in ((uid, 200), ("0" * 32, 409)):
        answer = client.post(f"{INBOX}/events", json={**body, "project": project})
        assert answer.status_code == status
    assert "another project" in answer.json()["error"]


def test_flags_and_own_comments_come_with_the_examples(client):
    one, two, *_ = ask(client)
    tell(client, event(one, "flag"), event(one, "comment", comment="hm"), event(two))
    tell(client, event(two, "comment", comment="not mine"), annotator="ana")
    known = {example["id"]: example for example in ask(client)}[one["id"]]
    assert (known["flagged"], known["comment"]) == (True, "hm")
    answered = client.get(f"{INBOX}/answered", params={"annotator": "me"}).json()["answered"]
    assert (answered[0]["example"]["flagged"], answered[0]["example"]["comment"]) == (False, None)


def test_a_folder_that_cannot_be_read_is_passed_over(workspace, trainer, monkeypatch):
    is_project = Project.is_project

    def refuse(folder):
        if folder.name == "private":
            raise ProjectError("private: cannot be read (Permission denied)")
        return is_project(folder)

    (workspace / "private").mkdir()
    monkeypatch.setattr(Project, "is_project", staticmethod(refuse))
    assert Workspace(workspace, trainer).names() == ["inbox"]


def test_an_open_address_shows_one_project_and_what_is_made_there(workspace, trainer):
    make_project(workspace / "secret", sentences(3))
    open_to_all = Workspace(workspace, trainer, "inbox", alone=True)
    assert open_to_all.names() == ["inbox"]
    make_project(open_to_all.new_folder("fresh"), sentences(3))
    assert open_to_all.names() == ["fresh", "inbox"]
    assert Workspace(workspace, trainer, "inbox").names() == ["fresh", "inbox", "secret"]


def test_a_line_break_in_a_name_is_a_space(workspace, trainer):
    projects = Workspace(workspace, trainer)
    assert projects.new_folder(" two\r\n\nlines\u2028here ").name == "two lines here"
    with pytest.raises(ProjectError, match=r"^name: got 'a / b'; expected letters"):
        projects.new_folder("a /\nb")


def test_a_huge_body_is_refused(client):
    answer = client.post(f"{INBOX}/events", json={"annotator": "a" * 9_000_000, "events": []})
    assert answer.status_code == 413


def test_training_is_started_and_cancelled_by_hand(client, trainer):
    assert client.post(f"{INBOX}/train", json={}).json()["trainer"]["state"] == "idle"
    assert len(trainer.requests) == 1
    assert client.post(f"{INBOX}/cancel", json={}).json()["trainer"]["state"] == "cancelled"


def test_search_filters_and_corrections(client):
    one, two, *_ = ask(client)
    tell(client, event(one), event(two, "flag"))

    def found(**query):
        answer = client.get(f"{INBOX}/search", params=query).json()
        return [item["id"] for item in answer["found"]], answer["total"]

    assert found(which="answered") == ([one["id"]], 1)
    assert found(which="answered", label=LABELS[1]) == ([], 0)
    assert found(which="flagged") == ([two["id"]], 1)
    assert found(which="unanswered")[1] == 59
    assert found(query=one["text"].upper()) == ([one["id"]], 1)
    page, total = found(limit=10, offset=55)
    assert (len(page), total) == (5, 60)
    example = client.get(f"{INBOX}/example", params={"example_id": two["id"]}).json()
    assert example["flagged"] is True
    assert example["text"] == two["text"]


def test_a_label_can_be_added(client):
    state = client.post(f"{INBOX}/labels", json={"name": "praise"}).json()
    assert state["task"]["labels"] == [*LABELS, "praise"]
    example, *_ = ask(client)
    assert tell(client, event(example, answer="praise"))["refused"] == []


@pytest.mark.parametrize("name", ["nope", "..", "%2e%2e", "..%2finbox", ".hidden", ""])
def test_only_listed_projects_are_opened(client, name):
    answer = client.get(f"/alnlp/projects/{name}/status")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "ask", {"annotator": " ", "n": 5}, 422),
        ("POST", "ask", {"annotator": "me", "n": 10_000}, 422),
        ("POST", "ask", {"n": 5}, 422),
        ("POST", "events", {"annotator": "a\nb", "events": []}, 422),
        ("GET", "search?which=secret", None, 422),
        ("GET", "answered?annotator=me&limit=-1", None, 422),
        ("GET", "example?example_id=unknown", None, 422),
    ],
)
def test_bad_requests_get_one_line(client, method, path, body, status):
    answer = client.request(method, f"{INBOX}/{path}", json=body)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert "\n" not in answer.json()["error"]


def test_other_sites_and_other_host_names_are_refused(client):
    body = {"annotator": "me", "n": 1}
    assert client.get("/alnlp/projects", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/", headers={"host": "evil.example:7860"}).status_code == 400
    for origin in ("http://evil.example", "null", "http://localhost:1"):
        refused = client.post(f"{INBOX}/ask", json=body, headers={"origin": origin})
        assert refused.status_code == 403
        assert client.post("/gradio_api/queue/join", headers={"origin": origin}).status_code == 403
    assert client.post(f"{INBOX}/ask", json=body, headers={"origin": BASE}).status_code == 200
    picture = {"sec-fetch-site": "cross-site"}  # of a page elsewhere: sent without an origin
    assert client.get(f"{INBOX}/search", headers=picture).status_code == 403
    assert client.get("/", headers=picture).status_code == 200  # a link
    stolen = client.get("/config", headers={"origin": "http://evil.example"})
    assert stolen.status_code == 403
    assert client.get("/alnlp/projects", headers={"host": "127.0.0.2:7860"}).status_code == 200
    form = client.post(
        f"{INBOX}/ask", content='{"annotator": "me"}', headers={"content-type": "text/plain"}
    )
    assert form.status_code == 415


def test_the_page_may_load_nothing_from_elsewhere(client):
    page = client.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "/alnlp/static/base.css" in page.text
    for path in ("/docs", "/openapi.json", "/redoc"):
        assert client.get(path).status_code == 404


def test_static_modules_and_texts_are_served_afresh(client):
    for path in ("static/canvas.js", "static/base.css", "texts.js"):
        answer = client.get(f"/alnlp/{path}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-cache"
    assert client.get("/alnlp/static/../routes.py").status_code == 404


def test_a_password_guards_every_route_and_names_the_annotator(workspace, trainer):
    def basic(user, password):
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {"authorization": f"Basic {token}"}

    app = build(workspace, trainer=trainer, password="open sesame ä", local=False)
    with TestClient(app, base_url="http://label.example") as client:
        for path in ("/", "/alnlp/projects", "/alnlp/static/canvas.js", "/config", "/theme.css"):
            refused = client.get(path)
            assert refused.status_code == 401, path
            assert refused.headers["www-authenticate"].startswith("Basic")
        for wrong in (
            basic("ana", "wrong"),
            basic("", "open sesame ä"),
            {"authorization": "Basic ?"},
        ):
            assert client.get("/", headers=wrong).status_code == 401
        ana = basic("ana", "open sesame ä")
        assert client.get("/", headers=ana).status_code == 200
        assert client.get("/alnlp/projects", headers=ana).json()["user"] == "ana"
        own = client.post(f"{INBOX}/ask", json={"annotator": "ana", "n": 1}, headers=ana)
        assert own.status_code == 200
        other = client.post(f"{INBOX}/ask", json={"annotator": "bo", "n": 1}, headers=ana)
        assert other.status_code == 403


def test_nothing_to_hand_out_is_left_to_the_words_of_the_screen(client, workspace):
    project = Project.open(workspace / "inbox")
    while batch := project.ask(20):
        project.tell({example.id: LABELS[0] for example in batch})
    assert batch.notice == "every example is answered"
    project.close()
    answer = client.post(f"{INBOX}/ask", json={"annotator": "me", "n": 5}).json()
    assert (answer["examples"], answer["notice"]) == ([], None)
