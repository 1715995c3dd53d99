"""An import of 12 columns against 100,000 client files: ours, django-import-export (stock, tuned), and the floor.

`python dev.py bench import [--rows 10000] [--rounds 5] [--growth]`. Stock: the library as its manual shows it, a dry
run, then the import. Tuned: `use_bulk`, cached instances, no diff. Floor: parse, COPY, the same SQL, no check and no
event. Ours: the file to the plan, and the plan to the client files with their places for colleagues, an event for each
and one for all, and a notification for everybody concerned. The library writes client files alone.
"""

import os


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "firm_portal.settings")
    django.setup()
    from benchmarks import _import_race

    _import_race.main()


if __name__ == "__main__":
    main()
