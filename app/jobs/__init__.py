"""
What runs without anybody waiting for it: mail, reading, reminders and sweeping by the clock (`timetable`), and long work that
somebody asked for (`longwork`).

Every task may run twice, late, or on two machines at once, and the result is the same: the rows say what is left to do, the queue
only says when to look. So the queue may be lost, and is written without waiting for the disk
(docs/adr/0012-the-queue-only-says-when-to-look.md).
"""

from __future__ import annotations

from app.jobs.longwork import Cancelled, HandedBack, Progress, handler, reading, run_job
from app.jobs.post import deliver
from app.jobs.queue import connect, huey, init_app, storage_of
from app.jobs.timetable import NIGHTLY, TIMETABLE, Counts, Periodic, send_mail

__all__ = [
    "NIGHTLY", "TIMETABLE", "Cancelled", "Counts", "HandedBack", "Periodic", "Progress", "connect", "deliver", "handler", "huey",
    "init_app", "reading", "run_job", "send_mail", "storage_of",
]  # fmt: skip
