"""What the register of interruptions asks for, and its steps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateTimeLocalField, FileField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired
from wtforms.validators import Optional as Empty

from app.extensions import LOCAL_ZONE, local, now, today
from app.forms import LenientDateField, UpTo
from app.lookups import lookup
from app.operations.files import ACCEPT
from app.words import tidy

_SHAPES = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M", "%d-%m-%Y %H:%M"]


class InstantField(DateTimeLocalField):
    """A day and an hour of Colombia, as browsers send them or as people write them; its data is an aware instant."""

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(label, format=_SHAPES, **options)

    def _value(self) -> str:
        if self.raw_data:
            return " ".join(self.raw_data)
        return local(self.data).strftime(_SHAPES[0]) if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = " ".join(valuelist).strip()
        self.data = None
        if not typed:
            return
        for shape in _SHAPES:
            try:
                self.data = datetime.strptime(typed, shape).replace(tzinfo=LOCAL_ZONE).astimezone(UTC)
            except (ValueError, OverflowError):
                continue
            return
        raise ValueError(_("“%(typed)s” is no day and hour that exist. Write it like 10/07/2026 14:30.", typed=typed[:40]))


class ZonesField(TextAreaField):
    """Zones of accounts, one a line or parted by commas; its data is the list of them."""

    def _value(self) -> str:
        return "\n".join(self.data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        typed = "\n".join(valuelist).replace(",", "\n").splitlines()
        self.data = list(dict.fromkeys(zone for zone in (tidy(each) for each in typed) if zone))
        if any(len(zone) > 80 for zone in self.data) or len(self.data) > 60:
            raise ValueError(_("Write up to 60 zones, each as the accounts write it."))


class RestoreForm(FlaskForm):
    ends_at = InstantField(
        _l("The service came back"), default=now, validators=[InputRequired(_l("Write the day and the hour."))],
        description=_l("Hour of Colombia, for the last user who had it back."),
    )  # fmt: skip


class NoticeForm(FlaskForm):
    notice_on = LenientDateField(_l("The users were told on"), default=today, validators=[InputRequired(_l("Write the day."))])
    notice_means = StringField(
        _l("By which means"), filters=[tidy], validators=[DataRequired(_l("Write by which means they were told.")), UpTo(200)],
        description=_l("Radio, loudspeaker, posters, text messages, social networks…"),
    )  # fmt: skip
    proof = FileField(
        _l("Proof"), render_kw={"accept": ACCEPT}, validators=[Empty()],
        description=_l("The recording, the poster, the list of messages. An earlier one stays if you attach none."),
    )  # fmt: skip


class VoidForm(FlaskForm):
    reason = TextAreaField(_l("Why"), filters=[tidy], validators=[DataRequired(_l("Write why.")), UpTo(240)])


class EventForm(FlaskForm):
    name = StringField(
        _l("Name"), filters=[tidy], validators=[DataRequired(_l("Write how people will look for it.")), UpTo(120)],
        description=_l("Short, as people will look for it: “Cut of 14 July in La Floresta”."),
    )  # fmt: skip


class LinkForm(FlaskForm):
    event = lookup(_l("Mass event"), "event", optional=True, description=_l("Write its name. Empty: none is known."))
