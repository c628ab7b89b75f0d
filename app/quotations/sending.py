"""Sending a quotation, and its paper: by mail with the paper attached, or recorded when it already went some other way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import DateField, StringField, TextAreaField
from wtforms.validators import InputRequired
from wtforms.validators import Optional as Empty

from app import mailer
from app.documents import quotations as papers
from app.domain.errors import DomainError
from app.domain.quotations import QuotationStatus, valid_until_of
from app.domain.states import MessageStatus
from app.downloads import send_stored, show_pdf
from app.extensions import db, now, today
from app.forms import Checked, UpTo, check_email
from app.intake import blame
from app.models import Quotation, QuotationVersion
from app.operations import quotation_mail, quotations
from app.words import say_instant, tidy

#: How a mail stands: the tone of its pill.
TONES = {MessageStatus.SENT: "ok", MessageStatus.FAILED: "bad", MessageStatus.DISCARDED: "bad"}


class MailForm(FlaskForm):
    to = StringField(
        _l("Address"), filters=[tidy], validators=[InputRequired(_l("Write the address that it goes to.")), UpTo(254), Checked(check_email)]
    )  # fmt: skip
    message = TextAreaField(
        _l("What you want to say besides"), filters=[tidy], validators=[Empty(), UpTo(4_000)],
        description=_l("It stands in the mail, after the total and the validity."),
    )  # fmt: skip


class HandForm(FlaskForm):
    sent_on = DateField(_l("Sent on"), validators=[InputRequired(_l("Write the day on which it was sent."))])
    how = StringField(
        _l("How it was sent"), filters=[tidy], description=_l("By hand, by courier, to which address, and who received it."),
        validators=[InputRequired(_l("Write how it was sent: by hand, by courier, to which address…")), UpTo(254)],
    )  # fmt: skip


class Sending:
    """What `QuotationView` inherits: the pages `send` and `pdf`."""

    route_names = frozenset({"send", "pdf"})

    @expose("/send/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("send")
    def send(self, pk: str) -> Any:
        """Send a draft by mail, or record that it went some other way; send once more by mail what waits for an answer."""
        item = self.item(pk)  # type: ignore[attr-defined]
        if item.status not in (QuotationStatus.DRAFT, QuotationStatus.SENT):
            abort(404)
        is_draft, do = item.status is QuotationStatus.DRAFT, request.form.get("do", "")
        mail = MailForm(prefix="mail-", formdata=request.form if do == "mail" else None, data={"to": self._address(item)})
        hand = HandForm(prefix="hand-", formdata=request.form if do == "hand" else None, data={"sent_on": today()})
        act = self._sent if is_draft else self._sent_again
        if do == "mail" and mail.validate() and self._done(item, mail, lambda: act(item, mail)):
            flash(_("%(number)s leaves by mail to %(to)s.", number=item.number, to=mail.to.data), "success")
            return redirect(url_for("QuotationView.show", pk=pk))
        if do == "hand" and is_draft and hand.validate() and self._done(item, hand, lambda: self._recorded(item, hand)):
            flash(_("%(number)s is recorded as sent.", number=item.number), "success")
            return redirect(url_for("QuotationView.show", pk=pk))
        version = quotations.current(item)
        page = self.render_template(  # type: ignore[attr-defined]
            "quotations/send.html", item=item, version=version, mail=mail, hand=hand, is_draft=is_draft, view=self,
            valid_until=item.valid_until or valid_until_of(today(), version.validity_days),
            has_server=mailer.is_configured(current_app.config),
        )  # fmt: skip
        return page, 422 if mail.errors or hand.errors else 200

    @staticmethod
    def _address(item: Quotation) -> str:
        return papers.email_of(item) or ""

    @staticmethod
    def _done(item: Quotation, form: FlaskForm, act: Callable[[], object]) -> bool:
        """Make the step and commit, or say in *form* why not."""
        try:
            act()
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            blame(form, error)
            return False
        return True

    @staticmethod
    def _sent(item: Quotation, form: MailForm) -> None:
        at, issuer = now(), current_user._get_current_object()
        document = papers.issue_quotation(db.session, item, issuer, sent_on=today(), at=at)
        quotation_mail.send_by_mail(
            db.session, item, document, to=form.to.data, message=form.message.data or "", at=at, actor_id=issuer.id
        )  # fmt: skip

    @staticmethod
    def _sent_again(item: Quotation, form: MailForm) -> None:
        said = {"to": form.to.data, "message": form.message.data or ""}
        quotation_mail.send_again(db.session, item, **said, at=now(), actor_id=current_user.id)

    @staticmethod
    def _recorded(item: Quotation, form: HandForm) -> None:
        at, issuer = now(), current_user._get_current_object()
        document = papers.issue_quotation(db.session, item, issuer, sent_on=form.sent_on.data, at=at)
        quotation_mail.record_sending(
            db.session, item, document, sent_on=form.sent_on.data, how=form.how.data, at=at, actor_id=issuer.id
        )  # fmt: skip

    @expose("/pdf/<pk>")
    @has_access
    @permission_name("download")
    def pdf(self, pk: str) -> Response:
        """The paper of `version`, else of the current one: as it was sent, or while it is a draft as it would be sent now, marked so."""
        item = self.item(pk)  # type: ignore[attr-defined]
        version = self._asked_version(item)
        if version.document is not None:
            return send_stored(version.document.file, inline=True)
        if version.number != item.version or item.status is not QuotationStatus.DRAFT:
            abort(404)
        reader = current_user._get_current_object()
        return show_pdf(papers.preview_quotation(db.session, item, reader, today()), _("Draft %(number)s.pdf", number=item.number))

    @staticmethod
    def _asked_version(item: Quotation) -> QuotationVersion:
        asked = request.args.get("version", "") or str(item.version)
        return next((version for version in item.versions if str(version.number) == asked), None) or abort(404)

    @staticmethod
    def mail_facts(item: Quotation) -> dict[str, Any] | None:
        """Return how the last mail of what was sent stands, for its page: its state in words, its tone, and why it did not leave."""
        mail = quotation_mail.mail_of(db.session, item)
        if mail is None:
            return None
        when = say_instant(mail.sent_at) if mail.sent_at else ""
        return {"state": _(mail.status.value), "tone": TONES.get(mail.status, "info"), "to": mail.to_address, "when": when,
                "why": mail.last_error or ""}  # fmt: skip
