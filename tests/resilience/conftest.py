"""What the tests of killed workers start from."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tenancy import tasks
from tests.resilience.workers import Worker


@pytest.fixture
def worker(settings) -> Iterator[Worker]:
    """One that listens to a broker that no other test calls."""
    address = os.environ["REDIS_URL"]
    if address.startswith("redis+socket"):
        settings.CELERY_BROKER_URL = f"{address.split('?')[0]}?virtual_host=5"
    else:
        settings.CELERY_BROKER_URL = urlsplit(address)._replace(path="/5").geturl()
    tasks._broker.cache_clear()
    worker = Worker(settings.CELERY_BROKER_URL)
    yield worker
    if worker.process is not None:
        worker.kill()
    tasks._broker.cache_clear()
