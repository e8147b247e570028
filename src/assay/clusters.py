"""Connecting to a Ray cluster: what Ray prints is kept out of the terminal, and what it raises is one sentence."""

import contextlib
import logging
import os
import socket
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from assay.errors import BadValueError, ClusterError

LOCAL, RUNNING = "local", "auto"  # addresses: a cluster of our own, or the one that runs on this machine
CLIENT = "ray://"
PATIENCE = 5.0  # seconds in which an address answers
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # HTTP/2, which Ray speaks: RFC 9113
SETTINGS = 4  # the frame with which such a server answers


def check_ray(address: str) -> None:
    """Raise BadValueError unless Ray is installed and the address is in a form that it knows."""
    _ray()
    if address not in (LOCAL, RUNNING):
        _host(address)


def _ray() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would send statistics to its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it prints advice
    try:
        import ray
    except ImportError as error:
        raise BadValueError('ray: is not installed; run `pip install "assay[ray]"`') from error
    found: ModuleType = ray
    return found


def _host(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    if not host or not port.isdigit():
        raise BadValueError(f"ray: expected {LOCAL}, {RUNNING}, HOST:PORT or {CLIENT}HOST:PORT, got {address!r}")
    return host, int(port)


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Connect to a cluster, and leave it at the end; "local" is started here, and shut down at the end.

    Where the program is connected already, that cluster is used and left as it is.

    Raises:
        BadValueError: as `check_ray`.
        ClusterError: nothing answers at the address, or Ray refuses: another version, no token.
    """
    ray = _ray()
    if ray.is_initialized():
        yield
        return
    if address not in (LOCAL, RUNNING) and not _answers(*_host(address)):
        raise ClusterError(f"ray: no cluster answers at {address}; is it running, and is that its port?")
    options: dict[str, Any] = {"include_dashboard": False} if address == LOCAL else {}
    try:
        with _hushed():
            ray.init(address=address, logging_level=logging.CRITICAL, log_to_driver=False, **options)
    except KeyboardInterrupt:
        ray.shutdown()
        raise
    except (Exception, SystemExit) as error:  # whatever Ray raises, and when it gives up it exits
        ray.shutdown()
        raise ClusterError(f"ray: {_refusal(address, error)}") from error
    try:
        yield
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Keep what is written to the standard error out of the terminal: parts of Ray that are no Python write there."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _refusal(address: str, error: BaseException) -> str:
    """What is wrong, and what to do: Ray's own advice is for those who call it. Its words stand at the end."""
    text = sentence(error)
    words = text.lower()
    if address == RUNNING and "could not find any running" in words:
        return (
            "no cluster runs on this machine; start one with `ray start --head`, name another by its address, or leave "
            "the address out, for one that lasts as long as this run"
        )
    if "version mismatch" in words:
        why = "it has another version of Ray or Python; install the same there and here"
    elif address == LOCAL:
        why = "none could be started on this machine; free memory and disk (/tmp/ray), or compute with --jobs"
    else:
        why = "see that it runs and that this machine reaches it; if it asks for a token, set RAY_AUTH_MODE=token"
    return f"cannot use the cluster at {address}: {why} (Ray says: {text.rstrip('.')})"


def _answers(host: str, port: int) -> bool:
    """Whether a server that speaks as Ray does answers: Ray itself would try for two minutes."""
    try:
        with socket.create_connection((host, port), timeout=PATIENCE) as line:
            if os.environ.get("RAY_USE_TLS", "0") not in ("0", ""):
                return True  # it speaks encrypted
            line.sendall(HELLO)
            answer = b""
            while len(answer) < 4 and (more := line.recv(9)):
                answer += more
            return len(answer) >= 4 and answer[3] == SETTINGS
    except OSError:
        return False


def sentence(error: BaseException) -> str:
    """What an error says, in one line of at most 300 characters."""
    return textwrap.shorten(str(error), 300, placeholder=" ...") or type(error).__name__
