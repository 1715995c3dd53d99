"""What `dev.py` runs: set-up, servers, checks and backups. Standard library only, Django is never imported here
(except in `prepare.py`, which the virtual environment's Python runs)."""
