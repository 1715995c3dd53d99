"""`make run` and `make dev`: the whole product on this machine, under one supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from devtools import children, foreground, instance, preparation, services, undertaker, venv
from devtools.console import Stop, say
from devtools.instance import Running
from devtools.paths import APPS, PYTHON, ROOT, var
from devtools.services import Services
from devtools.supervisor import Program, Supervisor, code_watcher, launcher

HOST = "127.0.0.1"
FIRST_PORT = 8000

Environment = dict[str, str]


def run(_arguments: Sequence[str] = (), *, debug: bool = False) -> int:
    """Start everything and keep it running until Ctrl-C. `debug`: live reload, and Django's own error pages."""
    began = time.monotonic()
    with _started(debug=debug) as (running, servers, environment):
        port = _free_port(int(os.environ.get("PORT") or FIRST_PORT))
        address = os.environ.get("BASE_URL") or f"http://localhost:{port}"
        environment |= {"BASE_URL": address, "PORT": str(port)}
        preparation.prepare(environment, static=not debug)
        supervisor = Supervisor(running)
        watcher = undertaker.hire()
        try:
            _start_programs(supervisor, servers, environment, debug=debug)
            running.url = address
            running.write()
            say(f"Ready after {time.monotonic() - began:.1f} s: {address}   (Ctrl-C stops everything)")
            supervisor.watch()
        finally:
            supervisor.stop()
            children.stop(watcher, signal.SIGTERM, patience=5)
    say("Stopped.")
    return 0


def manage(arguments: Sequence[str]) -> int:
    """Run manage.py on the databases of `make run`, which may be running or not."""
    running = instance.current()
    if running is not None:
        return foreground.python("manage.py", *arguments, env=running.environment)
    with _started(debug=False) as (_, _, environment):
        return foreground.python("manage.py", *arguments, env=environment)


@contextlib.contextmanager
def database_owner(*, alone: bool = False) -> Iterator[str]:
    """The owner's URL of the database, running or not. `alone`: refuse while the product runs on it."""
    if "OWNER_DATABASE_URL" in os.environ:
        yield os.environ["OWNER_DATABASE_URL"]
        return
    current = instance.current()
    if current is not None and not alone:
        yield current.environment["OWNER_DATABASE_URL"]
        return
    with _started(debug=False) as (_, _, environment):
        yield environment["OWNER_DATABASE_URL"]


@contextlib.contextmanager
def _started(*, debug: bool) -> Iterator[tuple[Running, Services, dict[str, str]]]:
    """The lock, the packages, the servers and the environment that leads to them."""
    with instance.held() as running:
        venv.ensure("local")
        servers = services.lasting()
        try:
            servers.start()
            environment = services.development_settings(debug=debug) | servers.environment()
            running.environment = environment
            running.write()
            yield running, servers, environment
        finally:
            servers.stop()


def _start_programs(
    supervisor: Supervisor, servers: Services, environment: Environment, *, debug: bool
) -> None:
    """Web and worker together, as each takes a second to load Django, then beat, which gives them work."""
    for server in servers.programs():
        supervisor.adopt(server)
    # The owner passes every wall between firms, so what serves people never learns its address.
    product = {name: of for name, of in (os.environ | environment).items() if name != "OWNER_DATABASE_URL"}
    quiet = product | {"LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING")}
    supervisor.start(_web(product, debug=debug), _worker(quiet, servers, debug=debug))
    supervisor.start(_beat(quiet))


def _worker(environment: Environment, servers: Services, *, debug: bool) -> Program:
    changed = code_watcher([ROOT / folder for folder in (*APPS, "templates")]) if debug else lambda: False
    return Program("worker", launcher(worker_command(), environment), servers.has_consumer, changed)


def _beat(environment: Environment) -> Program:
    schedule = var() / "beat-schedule"
    for left in var().glob(
        f"{schedule.name}*"
    ):  # of no use after a pause, and a kill may have cut it in half
        left.unlink()
    return Program("beat", launcher(beat_command(schedule), environment))


def _web(environment: Environment, *, debug: bool) -> Program:
    port = environment["PORT"]
    command = [str(PYTHON), "manage.py", "runserver", f"{HOST}:{port}"] if debug else web_command(port)
    return Program("web", launcher(command, environment), _answers(f"http://{HOST}:{port}/healthz"))


def worker_command() -> list[str]:
    return _celery("worker", "--concurrency", "3", "--without-gossip", "--without-mingle")


def beat_command(schedule: Path) -> list[str]:
    return _celery("beat", "--pidfile", "", "--schedule", str(schedule))


def web_command(port: int | str) -> list[str]:
    return [str(PYTHON), "-m", "gunicorn", "--bind", f"{HOST}:{port}"]


def _celery(*arguments: str) -> list[str]:
    # In a container we are root, and Celery's warning of it would be what a newcomer sees first.
    quietly = ("-W", "ignore:You're running the worker with superuser")
    return [str(PYTHON), *quietly, "-m", "celery", "--quiet", "-A", "firm_portal", *arguments]


def _answers(url: str) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return answers


def _free_port(wanted: int) -> int:
    """The wanted port, or the next free one."""
    for port in range(wanted, min(wanted + 100, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                if port != wanted:
                    say(f"Port {wanted} is taken; using {port}.")
                return port
    raise Stop(f"No free port from {wanted} on: set PORT to another one.")
