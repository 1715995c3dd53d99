"""What several files of these tests share."""

from tests.activity.done import done

__all__ = ["done"]
