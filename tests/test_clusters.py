"""Connecting to Ray: what is refused, in one sentence and within seconds. None of it needs Ray but where it says so."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from assay import clusters
from assay.cli import app
from assay.clusters import check_ray, connected
from assay.errors import BadValueError, ClusterError
from assay.execute import check_place
from assay.run import run_study
from tests.test_execute import small_study


@pytest.fixture
def unconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something in Ray's place that is connected to nothing, and must not be asked to connect."""
    stub = ModuleType("ray")
    stub.is_initialized = lambda: False  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ray", stub)


@pytest.fixture
def talker() -> Iterator[tuple[str, list[bytes]]]:
    """A server on this machine: its address, and what it answers (to be filled)."""
    answers: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.recv(100)
                line.sendall(b"".join(answers))

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}", answers


def test_without_the_extra_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BadValueError, match=r'ray: is not installed; run `pip install "assay\[ray\]"`'):
        check_ray("local")


@pytest.mark.parametrize("address", ["", "nowhere", "host:", ":6379", "host:port", "ray://host", "-1"])
def test_an_address_of_no_known_form_is_refused(address: str, unconnected: None) -> None:  # noqa: ARG001
    with pytest.raises(BadValueError, match="ray: expected local, auto, HOST:PORT or ray://HOST:PORT, got "):
        check_ray(address)


@pytest.mark.parametrize("prefix", ["", "ray://"])
def test_an_address_where_nothing_listens_is_refused(prefix: str, unconnected: None) -> None:  # noqa: ARG001
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        address = f"{prefix}127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(ClusterError, match=f"ray: no cluster answers at {address}; is it running"), connected(address):
        pytest.fail("connected")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.0 400 Bad Request\r\n\r\n", b"SSH"])
def test_another_server_is_no_cluster(
    answer: bytes,
    talker: tuple[str, list[bytes]],
    unconnected: None,  # noqa: ARG001
) -> None:
    address, answers = talker
    answers.append(answer)
    with pytest.raises(ClusterError, match="no cluster answers"), connected(address):
        pytest.fail("connected")


def test_a_server_that_says_nothing_is_no_cluster(unconnected: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setattr(clusters, "PATIENCE", 0.1)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterError, match="no cluster answers"), connected(address):
            pytest.fail("connected")


def test_a_cluster_that_does_not_answer_leaves_no_store(
    tiny_folder: Path,
    tmp_path: Path,
    unconnected: None,  # noqa: ARG001
) -> None:
    with pytest.raises(ClusterError, match="no cluster answers"):
        run_study(small_study(), out=tmp_path / "out", data=tiny_folder, ray="127.0.0.1:1", log=tmp_path / "log")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "says", "expected"),
    [
        (
            "auto",
            "Could not find any running Ray instance. Please set `RAY_ADDRESS`.",
            "no cluster runs on this machine; ",
        ),
        ("head:1", "Version mismatch: 2.0.0", "at head:1: it has another version of Ray or Python; install the same"),
        ("head:1", "gone.", "if it asks for a token, set RAY_AUTH_MODE=token (Ray says: gone)"),
        ("local", "no space", "none could be started on this machine; free memory and disk"),
    ],
)
def test_a_refusal_has_a_remedy_of_ours(
    address: str,
    says: str,
    expected: str,
    unconnected: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(**_: Any) -> None:
        raise ConnectionError(says)

    monkeypatch.setattr(sys.modules["ray"], "init", refuse, raising=False)
    monkeypatch.setattr(sys.modules["ray"], "shutdown", lambda: None, raising=False)
    monkeypatch.setattr(clusters, "_answers", lambda *_: True)
    with pytest.raises(ClusterError) as caught, connected(address):
        pytest.fail("connected")
    assert expected in str(caught.value)
    assert "RAY_ADDRESS" not in str(caught.value)


def test_the_cluster_chooses_the_gpu(unconnected: None) -> None:  # noqa: ARG001
    check_place("cuda", "local")  # whether this machine has one does not matter
    with pytest.raises(BadValueError, match=r"on Ray, expected cpu or cuda, .*; got cuda:1"):
        check_place("cuda:1", "local")


@pytest.mark.parametrize(
    ("words", "address"),
    [
        (["quickstart"], None),
        (["quickstart", "--ray"], "local"),
        (["quickstart", "--ray", "--limit", "5"], "local"),
        (["quickstart", "--ray", "auto", "--limit", "5"], "auto"),
        (["quickstart", "--ray=head:6379"], "head:6379"),
        (["--ray", "head:6379", "quickstart"], "head:6379"),
    ],
)
def test_the_option_may_stand_alone(words: list[str], address: str | None) -> None:
    import typer

    command = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]
    context = command.make_context("run", list(words))
    assert (context.params["study"], context.params["ray"]) == ("quickstart", address)


def test_jobs_are_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["assay", "run", "quickstart", "--ray", "--jobs", "2"])
    with pytest.raises(BadValueError, match="jobs: is only for processes of this machine"):
        app()
