"""The hook for a virus scanner: each way of asking one, and what each of its answers means."""

import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from django.core.checks import run_checks

from clients.files.scanning import ScannerFailed, scanner


def asked(content: bytes = b"a" * 200_000) -> str:
    ask = scanner()
    assert ask is not None
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return ask(file)


@pytest.fixture
def clamd(settings: Any, tmp_path: Path) -> Callable[[bytes], list[bytes]]:
    """Something that speaks as clamd does, once: `clamd(answer)` returns what it was sent."""

    def listen(answer: bytes) -> list[bytes]:
        path, received = tmp_path / "clamd.ctl", list[bytes]()
        path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        server.listen(1)

        def serve() -> None:
            connection, _address = server.accept()
            with connection, server:
                stream = connection.makefile("rb")
                assert stream.read(10) == b"zINSTREAM\0"
                while length := struct.unpack("!I", stream.read(4))[0]:
                    received.append(stream.read(length))
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        settings.FILE_SCANNER = f"clamd:{path}"
        return received

    return listen


def test_without_a_setting_nobody_is_asked(settings: Any) -> None:
    settings.FILE_SCANNER = ""
    assert scanner() is None


def test_clamd_gets_the_file_in_pieces(clamd: Callable[[bytes], list[bytes]]) -> None:
    received = clamd(b"stream: OK\0")
    assert asked() == ""
    assert b"".join(received) == b"a" * 200_000


def test_clamd_names_what_it_has_found(clamd: Callable[[bytes], list[bytes]]) -> None:
    clamd(b"stream: Win.Test.EICAR_HDB-1 FOUND\0")
    assert asked() == "Win.Test.EICAR_HDB-1"


@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR\0", b""])
def test_any_other_answer_of_clamd_is_none(clamd: Callable[[bytes], list[bytes]], answer: bytes) -> None:
    clamd(answer)
    with pytest.raises(ScannerFailed):
        asked()


def command(code: str) -> str:
    return f'command:{sys.executable} -c "{code}"'


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import sys; sys.exit(len(sys.stdin.buffer.read()) != 200000)", ""),
        ("print('stdin: Eicar-Test FOUND'); raise SystemExit(1)", "Eicar-Test"),
        ("raise SystemExit(1)", "?"),
    ],
)
def test_a_program_answers_by_its_exit_code(settings: Any, code: str, found: str) -> None:
    settings.FILE_SCANNER = command(code)
    assert asked() == found


def test_a_program_that_fails_has_not_said_that_the_file_is_harmless(settings: Any) -> None:
    settings.FILE_SCANNER = command("raise SystemExit(2)")
    with pytest.raises(ScannerFailed):
        asked()


def finds_by_length(file: IO[bytes]) -> str | None:
    return "Too long" if len(file.read()) > 5 else None


def test_a_function_may_be_asked(settings: Any) -> None:
    settings.FILE_SCANNER = f"call:{__name__}.finds_by_length"
    assert asked() == "Too long"
    assert asked(b"abc") == ""


@pytest.mark.parametrize("setting", ["clamav", "clamd:", "command:", "call:nothing.of.this.name"])
def test_a_setting_that_means_nothing_is_told_of_at_the_start(settings: Any, setting: str) -> None:
    settings.FILE_SCANNER = setting
    assert "clients.E002" in {one.id for one in run_checks()}
