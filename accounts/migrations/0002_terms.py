"""The first version of the terms of use."""

from datetime import UTC, datetime

from django.db import migrations

VERSION = "2026-11"

FRENCH = """\
Firm Portal permet à un cabinet d'expertise comptable de décider qui, chez lui et chez ses clients, accède à quel dossier, et d'inviter ses clients dans leur espace. En créant un compte, vous acceptez ce qui suit.

Votre compte est personnel. Choisissez un mot de passe que vous n'utilisez nulle part ailleurs, ne le communiquez à personne et signalez sans attendre tout accès que vous ne reconnaissez pas. Votre cabinet peut exiger un second facteur.

Ce que vous saisissez reste à vous. Les données d'un cabinet appartiennent à ce cabinet, celles d'un espace client à ce client. Elles ne servent qu'à fournir le service : elles ne sont ni vendues, ni montrées à un autre cabinet.

Ce que vous faites est consigné. Le journal d'activité garde l'auteur, la date, l'objet et l'adresse IP de chaque modification ; les personnes concernées en sont informées par courriel. Le secret professionnel s'applique à tout ce que vous lisez ici.

Vous pouvez demander une copie des données qui vous concernent, leur rectification, et leur effacement lorsqu'aucune obligation légale n'impose de les conserver. Adressez-vous à votre cabinet, ou à la personne qui exploite cette installation.

Le service est fourni avec soin, sans promesse de disponibilité permanente. Si ces conditions changent, la nouvelle version vous est présentée ; la version que vous avez acceptée et la date de votre acceptation sont conservées.
"""

ENGLISH = """\
Firm Portal lets an accounting firm decide who, in the firm and at its clients, has access to which client file, and invite its clients into their space. By creating an account you accept what follows.

Your account is personal. Choose a password that you use nowhere else, give it to nobody, and report any access that you do not recognise without delay. Your firm may require a second factor.

What you enter stays yours. A firm's data belong to that firm, those of a client space to that client. They serve to provide the service and nothing else: they are neither sold nor shown to another firm.

What you do is recorded. The activity log keeps who made each change, when, to what, and from which IP address; the people concerned are told by mail. Professional secrecy applies to everything that you read here.

You may ask for a copy of the data about you, for their correction, and for their erasure where no legal duty requires that they be kept. Ask your firm, or whoever runs this installation.

The service is provided with care, without a promise that it is available at all times. If these terms change, you are shown the new version; the version that you accepted and the date on which you did are kept.
"""


def publish(apps, schema_editor):
    terms = apps.get_model("accounts", "Terms").objects.using(schema_editor.connection.alias)
    terms.update_or_create(
        version=VERSION,
        defaults={
            "published_at": datetime(2026, 11, 1, tzinfo=UTC),
            "text_fr": FRENCH,
            "text_en": ENGLISH,
        },
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunPython(publish, migrations.RunPython.noop)]
