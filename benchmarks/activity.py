"""The journal at 5,000,000 events of 51 firms: pages and filters, rendering, recording, export, sealing and verifying.

`python dev.py bench activity [--rounds 5] [--events 5000000]`. Half of the events are one firm's, the others' share the
rest; on servers that are kept (`dev.py with-services --migrated -- bash`, then `python -m benchmarks.activity`) they
are made once. Bare: the same rows by the ORM, with nothing but the condition that an index answers best, known
beforehand (the keys of the things that a search has to find first, for one). Small: a firm with the least share.
"""

import os


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "firm_portal.settings")
    django.setup()
    from benchmarks import _activity_race

    _activity_race.main()


if __name__ == "__main__":
    main()
