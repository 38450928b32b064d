"""How the workbench starts and ends: addresses, folders, previews of files, what is imported."""

import signal
import subprocess
import sys

import httpx
import pytest
from workbench import free_port, make_project, sentences

from alnlp.errors import DataError, ProjectError
from alnlp_apps.workbench import serve
from alnlp_apps.workbench.gate import is_loopback
from alnlp_apps.workbench.preview import read_preview, split_labels
from alnlp_apps.workbench.server import _listen, locate


@pytest.fixture
def workspace(tmp_path):
    make_project(tmp_path / "inbox", sentences(60), batch_size=5)
    return tmp_path


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback(host, local):
    assert is_loopback(host) is local


def test_an_open_address_without_a_password_is_refused(tmp_path):
    with pytest.raises(ProjectError, match="without a password"):
        serve(tmp_path, host="0.0.0.0", browser=False)


def test_a_taken_port_is_an_error_only_if_it_was_asked_for():
    with _listen("127.0.0.1", None) as first, _listen("127.0.0.1", None) as second:
        taken = first.getsockname()[1]
        assert second.getsockname()[1] != taken
        with pytest.raises(ProjectError, match="cannot listen"):
            _listen("127.0.0.1", taken)


def test_the_path_may_be_a_project_a_workspace_or_new(workspace):
    assert locate(workspace / "inbox") == (workspace, "inbox")
    assert locate(workspace) == (workspace, None)
    with pytest.raises(ProjectError, match="no such folder; make a project with: alnlp new"):
        locate(workspace / "new")
    with pytest.raises(ProjectError, match="is a file"):
        locate(workspace / "inbox.csv")


def test_a_preview_of_a_text_a_line(tmp_path):
    path = tmp_path / "To label.txt"
    path.write_text("where is it\n\nrefund please\n")
    read = read_preview(str(path))
    assert (read.name, read.kind, read.columns) == ("To label", "classification", ("text",))
    assert (read.rows, read.labels) == ((("where is it",), ("refund please",)), ())


def test_a_preview_finds_columns_and_labels(tmp_path):
    path = tmp_path / "a b.csv"
    path.write_text(
        "id,message,intent\n1,hello there,greet\n2,bye,part\n3,,part\n", encoding="utf-8"
    )
    read = read_preview(str(path))
    assert (read.text_column, read.label_column, read.labels) == (
        "message",
        "intent",
        ("greet", "part"),
    )
    assert read.columns == ("message", "intent", "id")
    assert read.rows == (("hello there", "greet", "1"), ("bye", "part", "2"))
    assert read.fully_labelled
    assert read.name == "a b"
    assert read_preview(str(path), "message", None, guess_label=False).labels == ()
    path.write_bytes(b"\x00\x01\x02")
    with pytest.raises(DataError):
        read_preview(str(path))


def test_labels_are_typed_on_lines_or_with_commas():
    assert split_labels(" a, b ,a,, c") == ["a", "b", "c"]
    assert split_labels("a, with comma\nb\n\n") == ["a, with comma", "b"]
    assert split_labels("  ") == []


def test_importing_the_workbench_is_light():
    code = "import sys, alnlp_apps.workbench; print({'torch', 'gradio'} & set(sys.modules))"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "set()"


def test_the_page_never_imports_torch(workspace):
    code = (
        "import sys; from pathlib import Path; from alnlp_apps.workbench import build\n"
        "from fastapi.testclient import TestClient\n"
        f"client = TestClient(build(Path({str(workspace)!r})), base_url='http://localhost')\n"
        "with client:\n"
        "    assert client.get('/').status_code == 200\n"
        "    body = {'annotator': 'me', 'n': 3}\n"
        "    assert client.post('/alnlp/projects/inbox/ask', json=body).status_code == 200\n"
        "print({'torch', 'transformers'} & set(sys.modules))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "set()"


def test_serving_prints_the_address_and_ends_cleanly(workspace):
    code = (
        "from alnlp_apps.workbench import serve\n"
        f"serve({str(workspace / 'inbox')!r}, port={free_port()}, browser=False)"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        address = server.stdout.readline().split()[2]
        # It listens already; the answer comes when the application has started.
        answer = httpx.get(f"{address}alnlp/projects", timeout=60)
        assert answer.json()["selected"] == "inbox"
    finally:
        server.send_signal(signal.SIGINT)
    printed, errors = server.communicate(timeout=60)
    assert server.returncode == 0
    assert "Traceback" not in printed + errors
