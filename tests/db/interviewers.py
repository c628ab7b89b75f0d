"""
Six interviewers who call at once, started by `test_interviews.py`: `python -m tests.db.interviewers FOLDER CAMPAIGN`.

Processes, as in `writers.py`. One dies by its own hand with the first one on the line.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

N_INTERVIEWERS = 6
SUICIDAL = 4


def call(campaign_id: int, user_id: int, interviewer: int, book: int) -> None:
    """Call whoever comes until nobody is left; write down each: who was held, committed."""
    from app.domain.campaigns import CallOutcome
    from app.extensions import db, now
    from app.models import SurveyCampaign
    from app.operations import interviews

    while True:
        found = interviews.take_next(db.session(), db.session.get_one(SurveyCampaign, campaign_id), at=now(), user_id=user_id)
        if found is None:
            db.session.rollback()
            return
        line = f"{found.id} {user_id}\n"
        db.session.commit()
        os.write(book, line.encode())
        if interviewer == SUICIDAL:
            os.kill(os.getpid(), signal.SIGKILL)
        interviews.record(db.session(), found, interviews.Ended(CallOutcome.NO_ANSWER), at=now(), user_id=user_id)
        db.session.commit()


def main(folder: Path, campaign_id: int, users: list[int]) -> None:
    from app import create_app
    from app.extensions import db

    app = create_app()
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose(close=False)  # no connection may cross a fork
    waiting, go = os.pipe()
    children = []
    for interviewer, user_id in enumerate(users):
        if child := os.fork():
            children.append(child)
            continue
        status = 1
        try:
            os.read(waiting, 1)
            book = os.open(folder / "called", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            with app.app_context():
                call(campaign_id, user_id, interviewer, book)
            status = 0
        except BaseException:
            import traceback

            (folder / f"error.{interviewer}").write_text(traceback.format_exc())
        os._exit(status)
    os.write(go, b"x" * len(users))
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [int(each) for each in sys.argv[3:]])
