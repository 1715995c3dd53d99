"""For how long the machine kept processes from work that they were ready for: that time is no page's.

The kernel counts it apart from what a process waits for by itself (an answer, a lock, a sleep): a page that waits for a
broker that is dead is as slow as before, whatever else the machine does.
"""

from collections.abc import Iterable
from pathlib import Path

_NANOSECONDS = 1e9
OWN_THREAD = Path("/proc/thread-self")


def ready(place: Path) -> float:
    """Seconds for which this process or thread has stood in the queue for a processor so far; 0 where nobody counts."""
    try:
        _ran, waited, _slices = (place / "schedstat").read_text().split()
    except (OSError, ValueError):
        return 0.0
    return int(waited) / _NANOSECONDS


class Starving:
    """From now on, until `seconds` is asked for: the longest of these processes', and that of the thread that asks.

    They take turns: who asks a page stands in no queue while the page is made.
    """

    def __init__(self, pids: Iterable[int]) -> None:
        self._servers = {place: ready(place) for place in (Path(f"/proc/{pid}") for pid in pids)}
        self._own = ready(OWN_THREAD)

    def seconds(self) -> float:
        servers = [ready(place) - before for place, before in self._servers.items()]
        return max([0.0, *servers]) + ready(OWN_THREAD) - self._own
