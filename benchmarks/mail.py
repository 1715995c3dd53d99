"""2,000 invitations to a mail server: one task per mail, our delivery, and smtplib with mails made beforehand.

`python dev.py bench mail [mails] [rounds]`. The first two run in a real Celery worker behind a real broker, from the
moment when the mails are queued until the server has the last one. With `--delay 0.010` the server answers as one
that is 10 ms away.
"""

import argparse
import os
import smtplib
from typing import Any
from uuid import UUID

from benchmarks._runner import Run, compete, report, timed
from benchmarks._servers import worker
from benchmarks._sink import Sink


def main() -> None:
    options = argparse.ArgumentParser(prog="bench mail")
    options.add_argument("mails", nargs="?", type=int, default=2_000)
    options.add_argument("rounds", nargs="?", type=int, default=5)
    options.add_argument(
        "--delay", type=float, default=0.0, help="seconds before two of the answers that each mail gets"
    )
    options.add_argument("--processes", type=int, default=2, help="of the Celery worker")
    chosen = options.parse_args()
    with Sink() as sink:
        _lead_to(sink)
        race = Race(sink, chosen.mails, chosen.delay)
        with worker("benchmarks._mail_tasks", chosen.processes):
            race.one_task_per_mail()  # both ways once, so that every process has imported what it needs
            race.ours()
            results = compete(
                {
                    "one task per mail": race.one_task_per_mail,
                    "ours": race.ours,
                    "smtplib, mails made beforehand": race.smtplib_alone,
                },
                rounds=chosen.rounds,
            )
    for name, result in results.items():
        print(f"  {name}: {chosen.mails / result.seconds:,.0f} mails/s")
    per_task, ours, limit = (result.seconds for result in results.values())
    report("mail", {"vs_task_per_mail": per_task / ours, "vs_smtplib": limit / ours})


class Race:
    """The same mails three times."""

    def __init__(self, sink: Sink, mails: int, delay: float) -> None:
        from benchmarks._mail_world import made_messages, make_firm, make_invitations

        self.sink, self.mails, self.delay = sink, mails, delay
        self.firm_id = make_firm()
        self.invitations: list[tuple[UUID, str]] = make_invitations(self.firm_id, mails)
        self.messages = made_messages(self.firm_id, self.invitations)

    def one_task_per_mail(self) -> Run:
        from benchmarks._mail_tasks import send_invitation

        def work() -> None:
            for key, _address in self.invitations:
                send_invitation.delay(str(self.firm_id), str(key))
            self.sink.wait_for(self.mails)

        return self._timed(work)

    def ours(self) -> Run:
        from benchmarks._mail_world import queue

        def work() -> None:
            queue(self.firm_id, self.invitations)
            self.sink.wait_for(self.mails)

        return self._timed(work)

    def smtplib_alone(self) -> Run:
        def work() -> None:
            with smtplib.SMTP("127.0.0.1", self.sink.port) as server:
                for address, content in self.messages:
                    server.sendmail("portail@portail.test", [address], content)

        return self._timed(work)

    def _timed(self, work: Any) -> Run:
        self.sink.clear(delay=self.delay)
        return timed(work, self.sink.recipients)


def _lead_to(sink: Sink) -> None:
    """Django, here and in the worker, with that mail server."""
    os.environ["MAIL_CATCHER_DIR"] = ""
    os.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{sink.port}"
    os.environ["DEFAULT_FROM_EMAIL"] = "Firm Portal <portail@portail.test>"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "firm_portal.settings")
    import django

    django.setup()


if __name__ == "__main__":
    main()
