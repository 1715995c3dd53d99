"""What the product says where Django says nothing."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import resolve


class NotAllowedPage:
    """A page where a GET reaches an address that only takes what a form sends: a reloaded answer, a bookmark, the way
    back from logging in. Status and `Allow` stay; programs, which ask otherwise, get the bare answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            response.status_code != HTTPStatus.METHOD_NOT_ALLOWED
            or request.method != "GET"
            or _is_htmx(request)
        ):
            return response
        page = render(
            request, "405.html", {"back": page_above(request)}, status=HTTPStatus.METHOD_NOT_ALLOWED
        )
        page["Allow"] = response["Allow"]
        return page


def page_above(request: HttpRequest) -> str:
    """The nearest address above this one that a view answers; the start page at last."""
    parts = request.path_info.strip("/").split("/")
    above = ("/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
    return next((url for part in above if _leads_somewhere(url := f"/{part}/")), "/")


def _leads_somewhere(path: str) -> bool:
    try:
        resolve(path)
    except Http404:
        return False
    return True


def _is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))
