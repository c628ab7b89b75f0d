"""
What runs without anybody waiting for it: mail, reading, reminders and sweeping by the clock (`timetable`), and long work that
somebody asked for (`longwork`).

Every task may run twice, late, or on two machines at once, and the result is the same: the rows say what is left to do, the queue
only says when to look. So the queue may be lost, and is written without waiting for the disk
(docs/adr/0012-the-queue-only-says-when-to-look.md).
"""

from __future__ import annotations

from app.jobs.heart import Heart
from app.jobs.longwork import Cancelled, HandedBack, Progress, handler, reading, run_job, stop_with
from app.jobs.periodic import due, run_here, run_task, tick
from app.jobs.post import deliver
from app.jobs.queue import connect, huey, init_app, is_connected, storage_of
from app.jobs.timetable import NIGHTLY, TIMETABLE, Counts, Periodic, send_mail

__all__ = [
    "NIGHTLY", "TIMETABLE", "Cancelled", "Counts", "HandedBack", "Heart", "Periodic", "Progress", "connect", "deliver", "due", "handler",
    "huey", "init_app", "is_connected", "reading", "run_here", "run_job", "run_task", "send_mail", "stop_with", "storage_of", "tick",
]  # fmt: skip
