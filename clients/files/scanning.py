"""The hook for a virus scanner: the setting FILE_SCANNER says who is asked. Empty: nobody, and files arrive at once.

`clamd:/run/clamav/clamd.ctl` or `clamd:host:3310` asks ClamAV's daemon; `command:clamscan --no-summary -` starts a
program that reads the file from its standard input and answers by its exit code (0: harmless, 1: not, any other: it
could not tell) and a line of text; `call:package.module.function` calls a function with the open file, which returns
what it has found, "" for nothing.
"""

import shlex
import socket
import struct
import subprocess
from collections.abc import Callable
from functools import partial
from typing import IO, Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

# Returns the name of what it has found, "" for nothing. May raise anything: then it is asked again later.
Scanner = Callable[[IO[bytes]], str]

_PIECE = 64 * 1024
_LONGEST = 200
_FOUND, _HARMLESS = 1, 0


class ScannerFailed(Exception):
    """The scanner could not tell."""


def scanner() -> Scanner | None:
    """Who is asked, by the settings; None for nobody. Raises ValueError for a setting that says nothing known."""
    if not settings.FILE_SCANNER:
        return None
    way, _, told = settings.FILE_SCANNER.partition(":")
    if way == "clamd" and told:
        return partial(_ask_clamd, told)
    if way == "command" and shlex.split(told):
        return partial(_run_command, shlex.split(told))
    if way == "call" and told:
        return _answering_in_words(import_string(told))
    raise ValueError(f"FILE_SCANNER: {settings.FILE_SCANNER!r} begins with none of clamd:, command:, call:.")


@register()
def check_setting(**_of: Any) -> list[CheckMessage]:
    """A scanner that can't be asked is told of at the start, not by files that never arrive."""
    try:
        scanner()
    except (ValueError, ImportError) as error:
        return [Error(str(error), id="clients.E002")]
    return []


def _answering_in_words(function: Callable[[IO[bytes]], object]) -> Scanner:
    return lambda file: str(function(file) or "")[:_LONGEST]


def _ask_clamd(address: str, file: IO[bytes]) -> str:
    """By its INSTREAM command: pieces with their length before them, an empty one at the end."""
    with _connected(address) as connection:
        connection.sendall(b"zINSTREAM\0")
        while piece := file.read(_PIECE):
            connection.sendall(struct.pack("!I", len(piece)) + piece)
        connection.sendall(struct.pack("!I", 0))
        answer = connection.makefile("rb").read(4096).rstrip(b"\0\n").decode("utf-8", "replace")
    told = answer.removeprefix("stream: ")
    if told == "OK":
        return ""
    if told.endswith(" FOUND"):
        return told.removesuffix(" FOUND")[:_LONGEST]
    raise ScannerFailed(answer)


def _connected(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    if not address.startswith("/") and port.isdigit():
        return socket.create_connection((host, int(port)), timeout=settings.FILE_SCANNER_SECONDS)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(settings.FILE_SCANNER_SECONDS)
    connection.connect(address)
    return connection


def _run_command(command: list[str], file: IO[bytes]) -> str:
    done = subprocess.run(
        command,
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=settings.FILE_SCANNER_SECONDS,
        check=False,
    )
    if done.returncode == _HARMLESS:
        return ""
    if done.returncode != _FOUND:
        raise ScannerFailed(f"exit code {done.returncode}")
    line = done.stdout.decode("utf-8", "replace").strip().partition("\n")[0]
    return (line.rpartition(": ")[2].removesuffix(" FOUND") or "?")[:_LONGEST]
