"""How the web server runs, with `make run` and in the container alike; WEB_CONCURRENCY sets the workers."""

import gc
import os
from typing import Any

from gunicorn.glogging import Logger

wsgi_app = "firm_portal.wsgi:application"
bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
timeout = 60
graceful_timeout = 15
max_requests = 2000
max_requests_jitter = 200
control_socket_disable = True
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None


class WithoutKeys(Logger):
    """There is no access log; whoever switches it on (`GUNICORN_CMD_ARGS`) writes down no key of a link either, nor
    what was searched for."""

    def atoms(self, *args: Any) -> dict[str, Any]:
        from firm_portal.logs import (
            without_keys,
        )  # there once the application is loaded, which only a worker does

        atoms = super().atoms(*args)
        shown = {
            name: without_keys(value) if isinstance(value, str) else value for name, value in atoms.items()
        }
        return shown | {"q": "[…]"}


logger_class = WithoutKeys


def post_worker_init(worker: Any) -> None:
    """Look for circular garbage less often, and never among what was loaded for good: a page leaves hardly any."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
