"""The request's scope: open for the view and its rendering, closed behind it, taken back on a failure."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import include, path

from accounts.places import FIRM
from portfolios.models import Portfolio
from tenancy.scopes import scope, streamed
from tests.web.pages import stable
from tests.worlds import World, make_portfolio

Browse = Callable[..., Any]
LIST = engines["django"].from_string("{% for portfolio in portfolios %}{{ portfolio }};{% endfor %}")


def lazy(request: HttpRequest) -> HttpResponseBase:
    return TemplateResponse(request, LIST, {"portfolios": Portfolio.objects.all()})


def raising(request: HttpRequest) -> HttpResponseBase:
    make_portfolio("Repris")
    raise RuntimeError("after a write")


def missing(request: HttpRequest) -> HttpResponseBase:
    make_portfolio("Repris")
    raise Http404


def answering_500(request: HttpRequest) -> HttpResponseBase:
    make_portfolio("Repris")
    return HttpResponse(status=500)


def out_of_database(request: HttpRequest) -> HttpResponseBase:
    raise OperationalError("server closed the connection")


def stream(request: HttpRequest) -> HttpResponseBase:
    return StreamingHttpResponse(streamed(f"{p};" for p in Portfolio.objects.iterator()))


def careless_stream(request: HttpRequest) -> HttpResponseBase:
    return StreamingHttpResponse(f"{p};" for p in Portfolio.objects.iterator())


urlpatterns = [
    path(FIRM + "lazy/", lazy),
    path(FIRM + "raising/", raising),
    path(FIRM + "missing/", missing),
    path(FIRM + "answering-500/", answering_500),
    path(FIRM + "out-of-database/", out_of_database),
    path(FIRM + "stream/", stream),
    path(FIRM + "careless-stream/", careless_stream),
    path("", include("firm_portal.urls")),
]
handler500 = "firm_portal.views.errors.server_error"


@pytest.fixture(autouse=True)
def _these_urls(settings: Any) -> None:
    settings.ROOT_URLCONF = sys.modules[__name__].__name__


@pytest.fixture
def page(lemoine: World, bertrand: World, browse: Browse) -> Callable[[str], Any]:
    """`page("lazy")`: what the administrator of the first firm gets; both firms have a portfolio."""
    for world in (lemoine, bertrand):
        with scope(firm=world.firm):
            make_portfolio(world.firm.name)
    client = browse(lemoine.admin)
    client.raise_request_exception = False
    return lambda name: client.get(f"/cabinets/{lemoine.firm.slug}/{name}/")


def names(world: World) -> list[str]:
    with scope(firm=world.firm):
        return list(Portfolio.objects.values_list("name", flat=True))


def test_a_lazy_template_is_rendered_in_the_scope(page: Callable[[str], Any]) -> None:
    assert page("lazy").content.decode() == "Cabinet Lemoine;"


@pytest.mark.parametrize(("url", "status"), [("raising", 500), ("missing", 404), ("answering-500", 500)])
def test_a_failure_takes_back_what_was_written(
    page: Callable[[str], Any], lemoine: World, url: str, status: int
) -> None:
    assert page(url).status_code == status
    assert names(lemoine) == ["Cabinet Lemoine"]


def test_a_stream_is_drawn_in_the_scope_of_its_request(page: Callable[[str], Any]) -> None:
    assert b"".join(page("stream").streaming_content) == b"Cabinet Lemoine;"


def test_a_careless_stream_is_an_error_and_no_leak(page: Callable[[str], Any]) -> None:
    response = page("careless-stream")
    with pytest.raises(ProgrammingError, match="no firm in scope"):
        list(response.streaming_content)


def test_a_database_that_is_away_says_so(page: Callable[[str], Any]) -> None:
    response = page("out-of-database")
    assert response.status_code == 503
    assert response["Retry-After"]


def test_a_firm_of_others_and_one_that_does_not_exist_answer_alike(
    browse: Browse, lemoine: World, bertrand: World
) -> None:
    client = browse(lemoine.admin)
    foreign = client.get(f"/cabinets/{bertrand.firm.slug}/lazy/")
    absent = client.get("/cabinets/nulle-part/lazy/")
    assert foreign.status_code == 404
    assert stable(foreign, bertrand.firm.slug) == stable(absent, "nulle-part")


def test_a_member_who_was_suspended_loses_the_firm_at_the_next_request(
    browse: Browse, lemoine: World
) -> None:
    client = browse(lemoine.collaborator)
    url = f"/cabinets/{lemoine.firm.slug}/lazy/"
    assert client.get(url).status_code == 200
    with scope(firm=lemoine.firm):
        lemoine.collaborator.state = "suspended"
        lemoine.collaborator.save(update_fields=["state"])
    assert client.get(url).status_code == 404


def test_an_anonymous_visitor_is_sent_to_log_in_and_comes_back(browse: Browse, lemoine: World) -> None:
    url = f"/cabinets/{lemoine.firm.slug}/lazy/"
    response = browse().get(url)
    assert response.status_code == 302
    assert response["Location"].endswith(f"?next={url}")


def test_a_fragment_asked_for_after_the_session_ended_leads_the_whole_page_to_log_in(
    browse: Browse, lemoine: World
) -> None:
    page = f"http://testserver/cabinets/{lemoine.firm.slug}/dossiers/?q=x"
    headers = {"HX-Request": "true", "HX-Current-URL": page}
    response = browse().get(f"/cabinets/{lemoine.firm.slug}/lazy/", headers=headers)
    assert response["HX-Redirect"].startswith("/connexion/?next=")
    assert "dossiers" in response["HX-Redirect"]
    assert "lazy" not in response["HX-Redirect"]
