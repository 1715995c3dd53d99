"""What gunicorn's configuration says of each worker."""

import subprocess
import sys

from devtools.paths import ROOT

_ASK = """
import gc, runpy
runpy.run_path("gunicorn.conf.py")["post_worker_init"](None)
print(gc.get_freeze_count() > 1000, gc.get_threshold()[0])
"""


def test_what_a_worker_has_loaded_is_never_looked_through_for_garbage_again() -> None:
    told = subprocess.run([sys.executable, "-c", _ASK], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "10000"]
