"""The tags and filters of the interface."""

from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django import forms
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation
from django.utils.formats import date_format

from accounts import shown
from firm_portal.templatetags import portal

NOW = datetime.fromisoformat("2026-03-12T10:00:00+01:00")


def render(source: str, query: str = "", **context: Any) -> str:
    request = RequestFactory().get(f"/dossiers/{query}")
    return Template(source).render(Context({"request": request, **context}))


def test_a_siren_and_a_siret_are_grouped_without_breaking() -> None:
    assert shown.siren("732829320") == "732\u00a0829\u00a0320"
    assert shown.siret("73282932000074") == "732\u00a0829\u00a0320\u00a000074"


@pytest.mark.parametrize("value", ["", "W751212517", "7328293", None])
def test_what_is_no_siren_is_left_as_it_is(value: str | None) -> None:
    assert shown.siren(value) == (value or "")


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW - timedelta(seconds=5), "à l'instant"),
        (NOW - timedelta(minutes=3), "il y a 3 min"),
        (NOW - timedelta(hours=2), "aujourd'hui à 08:00"),
        (NOW - timedelta(hours=20), "hier à 14:00"),
        (NOW - timedelta(days=3), "il y a 3 jours"),
        (NOW + timedelta(days=1), "demain à 10:00"),
        (NOW + timedelta(days=7), "dans 7 jours"),
        (NOW - timedelta(days=40), "31/01/2026"),
        (date(2026, 3, 12), "aujourd'hui"),
        (date(2027, 12, 31), "31/12/2027"),
    ],
)
def test_a_moment_reads_as_how_long_ago_or_how_soon(moment: datetime | date, words: str) -> None:
    with time_machine.travel(NOW, tick=False), translation.override("fr"):
        assert f">{words}</time>" in shown.when(moment).replace("&#x27;", "'")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_day_stands_before_the_month(language: str) -> None:
    """04/03 is the fourth of March to whoever reads English here, too."""
    with translation.override(language):
        assert portal.day(date(2027, 3, 4)) == "04/03/2027"
        assert date_format(NOW, "SHORT_DATETIME_FORMAT") == "12/03/2026 10:00"


def test_a_moment_bears_its_full_date_in_the_title() -> None:
    with time_machine.travel(NOW, tick=False), translation.override("fr"):
        assert 'title="jeudi 12 mars 2026, 09:57"' in shown.when(NOW - timedelta(minutes=3))


def test_a_date_without_a_time_zone_is_not_an_error() -> None:
    with timezone.override(None):
        assert "<time" in shown.when(NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Camille Lemoine", "CL"),
        ("Anne-Sophie de La Rochefoucauld", "AR"),
        ("Ségur", "SÉ"),
        ("", ""),
        ("— ", ""),
    ],
)
def test_initials_are_the_first_and_the_last(name: str, letters: str) -> None:
    assert shown.initials(name) == letters


def test_a_state_is_a_dot_and_a_word() -> None:
    with translation.override("fr"):
        assert portal.state("active") == '<span class="state state-ok">Actif</span>'
        assert (
            portal.state("failed", "Adresse refusée")
            == '<span class="state state-bad">Adresse refusée</span>'
        )


def test_a_state_takes_the_word_of_the_model_that_knows_it() -> None:
    choice = SimpleNamespace(value="sent", label="Envoyé")
    assert portal.state(choice) == '<span class="state state-info">Envoyé</span>'


def test_an_unknown_state_is_shown_as_such() -> None:
    with translation.override("fr"):
        assert portal.state("melted") == '<span class="state state-off state-hollow">Inconnu</span>'


def test_an_icon_is_silent_unless_it_says_something() -> None:
    assert 'aria-hidden="true"' in portal.icon("folder")
    assert 'role="img" aria-label="Verrouillé"' in portal.icon("lock", label="Verrouillé")


def test_names_are_escaped_wherever_they_stand() -> None:
    hostile = "<b>x</b>"
    assert "<b>" not in portal.icon("lock", label=hostile)
    assert "<b>" not in portal.state("active", hostile)
    assert "<b>" not in render(
        '{% menu "m" label=name %}{% menu_item name url="/" %}{% endmenu %}', name=hostile
    )
    assert "<b>" not in render("{% callout title=name %}{{ name }}{% endcallout %}", name=hostile)


def test_the_query_string_changes_where_asked_and_only_there() -> None:
    assert render("{% query_with page=2 q=None %}", "?q=a&state=active&page=1") == "?state=active&amp;page=2"


def test_a_sorted_column_says_so_and_turns_round() -> None:
    order = portal.sort_state({"request": RequestFactory().get("/?sort=name&page=3")}, "name")
    assert order == {"aria": "ascending", "url": "?sort=-name"}


def test_a_page_is_whole_for_a_person_and_a_fragment_for_htmx() -> None:
    request = RequestFactory().get("/")
    assert portal.layout(request, "firm") == "layouts/firm.html"
    request.htmx = SimpleNamespace(history_restore_request=False)  # type: ignore[attr-defined]
    assert portal.layout(request, "firm") == "layouts/fragment.html"
    with pytest.raises(ValueError, match="unknown layout"):
        portal.layout(request, "desk")


class Filters(forms.Form):
    q = forms.CharField(label="Recherche", required=False)
    state = forms.ChoiceField(label="État", required=False, choices=[("", "Tous"), ("active", "Actif")])
    mine = forms.BooleanField(label="Les miens", required=False)
    since = forms.DateField(label="Du", required=False)


def test_each_filter_in_force_is_a_chip_that_takes_itself_away() -> None:
    request = RequestFactory().get("/?q=café&state=active&mine=on&since=2026-11-22&page=4&sort=name")
    with translation.override("fr"):
        chips = portal.filter_chips({"request": request}, Filters(request.GET))
    assert [(chip["label"], chip["value"]) for chip in chips] == [
        ("Recherche", "café"),
        ("État", "Actif"),
        ("Les miens", "oui"),
        ("Du", "22/11/2026"),
    ]
    assert chips[1]["url"] == "?q=caf%C3%A9&mine=on&since=2026-11-22&sort=name"


def test_the_pager_says_what_is_shown_of_how_many() -> None:
    request = RequestFactory().get("/?q=a&page=2")
    with translation.override("fr"):
        pages = portal.pager_state({"request": request}, Paginator(range(1412), 50).page(2))
    assert pages["shown"].replace("\u202f", " ").replace("\u00a0", " ") == "51–100 sur 1 412"
    assert (pages["previous"], pages["next"]) == ("?q=a&page=1", "?q=a&page=3")
    assert [choice["size"] for choice in pages["sizes"] if choice["current"]] == [50]
