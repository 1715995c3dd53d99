"""Who may see what, in a firm of 200,000 client files beside 50 others: the page, the count, searches, the bulk grant.

`python dev.py bench access [--rounds 5]`. Bare: the same question to the firm's client files, without any permission.
Ours: the product's own code, for a collaborator with 10 of 400 portfolios and 200 single client files, and for an
administrator; the same past row-level security; the same in a firm of 1,000. Granting: 10,000 client files to one
person, against django-guardian's bulk and its `assign_perm` in a loop, on the same table.
"""

import os


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "firm_portal.settings")
    django.setup()
    from benchmarks import _access_race

    _access_race.main()


if __name__ == "__main__":
    main()
