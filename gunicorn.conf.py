"""How the web server runs, with `make run` and in the container alike; WEB_CONCURRENCY sets the workers."""

import gc
import os
from typing import Any

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


def post_worker_init(worker: Any) -> None:
    """Look for circular garbage less often, and never among what was loaded for good: a page leaves hardly any."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
