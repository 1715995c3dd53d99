"""No tables: Django sends the signals around migrations, on which `apps.py` hangs, to apps with this module only."""
