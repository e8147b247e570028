import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assay.data import fetch, mnist_c
from assay.data.known import KNOWN, Checksums
from assay.data.places import cache_folder
from assay.errors import BadValueError, MissingDataError

CONTENT = {"t10k-images-idx3-ubyte.gz": bytes(range(256)) * 999, "t10k-labels-idx1-ubyte.gz": b"labels"}
CHECKSUMS = {
    name.removesuffix(".gz"): Checksums(None, hashlib.md5(content).hexdigest()) for name, content in CONTENT.items()
}


class Handler(BaseHTTPRequestHandler):
    """The first folder of the path says how the server behaves."""

    def do_GET(self) -> None:
        _, manner, name = self.path.split("/")
        server = self.server
        assert isinstance(server, Server)
        server.asked.append(self.path)
        content = CONTENT.get(name, b"")
        if manner == "absent" or not content:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if manner == "altered":
            content = bytes(len(content))
        self.wfile.write(content[: len(content) // 2] if manner == "broken" else content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


class Server(ThreadingHTTPServer):
    asked: list[str]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def serve(server: Server, monkeypatch: pytest.MonkeyPatch) -> "Serve":
    return Serve(server, monkeypatch)


class Serve:
    """Replaces KMNIST's addresses by those of the local server."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server, self.monkeypatch = server, monkeypatch

    def __call__(self, *manners: str) -> None:
        addresses = tuple(f"http://127.0.0.1:{self.server.server_port}/{manner}/" for manner in manners)
        changed = replace(KNOWN["kmnist"], addresses=addresses, files=CHECKSUMS)
        self.monkeypatch.setitem(KNOWN, "kmnist", changed)


def cached() -> list[str]:
    return sorted(path.name for path in cache_folder().rglob("*") if path.is_file())


def test_fetch_fills_the_cache(serve: Serve) -> None:
    serve("fine")
    paths = fetch("kmnist", progress=False)
    assert paths == [cache_folder() / "kmnist" / name for name in CONTENT]
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    assert cached() == sorted(CONTENT)


def test_fetching_again_asks_nobody(serve: Serve, server: Server) -> None:
    serve("fine")
    fetch("kmnist", progress=False)
    asked = list(server.asked)
    fetch("kmnist", progress=False)
    assert server.asked == asked


def test_a_damaged_file_in_the_cache_is_fetched_again(serve: Serve) -> None:
    serve("fine")
    path = fetch("kmnist", progress=False)[0]
    path.write_bytes(b"altered")
    fetch("kmnist", progress=False)
    assert path.read_bytes() == CONTENT[path.name]


def test_the_next_address_serves_where_one_fails(serve: Serve, server: Server) -> None:
    serve("absent", "altered", "broken", "fine")
    assert [path.read_bytes() for path in fetch("kmnist", progress=False)] == list(CONTENT.values())
    assert [path.split("/")[1] for path in server.asked] == ["absent", "altered", "broken", "fine"] * 2
    assert cached() == sorted(CONTENT)


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        ("absent", "127.0.0.1: status 404"),
        ("altered", "127.0.0.1: the file has a wrong checksum"),
        ("broken", "127.0.0.1: the transfer broke off"),
    ],
)
def test_a_failure_is_one_sentence_and_leaves_nothing(serve: Serve, manner: str, said: str) -> None:
    serve(manner)
    with pytest.raises(MissingDataError, match=said) as caught:
        fetch("kmnist", progress=False)
    assert str(caught.value).startswith("KMNIST: t10k-images-idx3-ubyte.gz could not be fetched (")
    assert "\n" not in str(caught.value)
    assert cached() == []


def test_no_network_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_port
    changed = replace(KNOWN["kmnist"], addresses=(f"http://127.0.0.1:{port}/",), files=CHECKSUMS)
    monkeypatch.setitem(KNOWN, "kmnist", changed)
    with pytest.raises(MissingDataError, match=r"127\.0\.0\.1: no connection.*check the network and try again"):
        fetch("kmnist", progress=False)
    assert cached() == []


def test_a_cache_that_cannot_be_made_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "file"))
    with pytest.raises(MissingDataError, match="set ASSAY_CACHE to a folder that you can write to"):
        fetch("mnist", progress=False)


def test_progress_goes_to_the_error_stream(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    serve("fine")
    fetch("kmnist")
    out, err = capsys.readouterr()
    assert out == ""
    for name in CONTENT:
        assert name in err


def test_mnist_c_is_fetched_from_its_archive(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTENT, "mnist_c.zip", b"archive")
    monkeypatch.setattr(mnist_c, "MD5", hashlib.md5(b"archive").hexdigest())
    monkeypatch.setattr(mnist_c, "ADDRESSES", (f"http://127.0.0.1:{server.server_port}/fine/mnist_c.zip",))
    assert fetch("mnist_c", progress=False) == [cache_folder() / "mnist_c" / "mnist_c.zip"]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(BadValueError, match="did you mean kmnist"):
        fetch("kminst")


def test_every_set_has_an_address_for_each_of_its_four_published_files() -> None:
    for known in KNOWN.values():
        assert sum(checksums.gz is not None for checksums in known.files.values()) == 4
        assert all(address.startswith("http") and address.endswith("/") for address in known.addresses)
