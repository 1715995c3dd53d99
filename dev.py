#!/usr/bin/env python3
"""Everything a developer does with Firm Portal, on a machine that has only Python 3.11 or newer: `python3 dev.py`.

This file needs nothing but the standard library, and old Pythons can still read it, so that they can say what is
missing. The work is in the package `devtools`.
"""

import os
import shutil
import subprocess
import sys

NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")


def start_newer_python() -> None:
    """Start again under a newer Python where `python3` is too old, or say which one is needed."""
    for name in NEWER:
        path = shutil.which(name)
        if path and subprocess.call([path, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(path, [path, *sys.argv])
    sys.exit("Firm Portal needs Python 3.11 or newer; this is {}.{}.".format(*sys.version_info))


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - true on the very machines this line is for
        start_newer_python()
    from devtools.cli import main

    sys.exit(main(sys.argv[1:]))
