"""What the tests of killed workers start from."""

import os
from collections.abc import Iterator

import pytest

from tenancy import tasks
from tests import parallel
from tests.resilience.workers import Worker


@pytest.fixture
def worker(settings) -> Iterator[Worker]:
    """One that listens to a broker that no other test calls."""
    settings.CELERY_BROKER_URL = parallel.broker(os.environ["REDIS_URL"], 0)
    tasks._broker.cache_clear()
    worker = Worker(settings.CELERY_BROKER_URL)
    yield worker
    if worker.process is not None:
        worker.kill()
    tasks._broker.cache_clear()
