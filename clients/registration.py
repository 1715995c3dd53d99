"""Where the apps above hang what they do when a client is called otherwise."""

from collections.abc import Callable

from clients.models import ClientSpace

# A client's name has changed: called with the space, held, inside the action's transaction and in the space's scope.
SPACE_RENAMED: list[Callable[[ClientSpace], None]] = []
