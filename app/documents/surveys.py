"""The report of a campaign of surveys: what it measured and how, each question, groups and rounds, and what was done since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from babel.numbers import format_decimal
from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.documents import base
from app.domain.actions import TONES as ACTION_TONES
from app.domain.campaigns import AlarmEffect, AlarmStatus, CampaignMove
from app.domain.improvement import ActionStatus
from app.domain.questionnaires import SCALES, Audience, QuestionKind
from app.domain.states import DocumentKind, Visibility
from app.domain.surveys import Estimate, Measure, Verdict
from app.domain.tabulation import Bar, Change, Cross, Dimension, Figure, Group, Tabulated, Tabulation
from app.extensions import LANGUAGE, local
from app.models import Action, Document, Signature, SurveyCampaign
from app.operations import campaigns, survey_rounds
from app.operations.survey_audience import splits_of
from app.operations.tabulation import tabulate
from app.words import say_day, say_number

TEMPLATE = "survey_report"
#: Groups beside each other, and lines of the lists of what is best and worst.
MOST_GROUPS, N_EXTREMES = 5, 3
TONES = {Verdict.BETTER: "ok", Verdict.WORSE: "bad", Verdict.NO_CHANGE: "stop", Verdict.DIFFERS: "info", Verdict.TOO_FEW: "stop"}
_AUDIENCES = {
    Audience.CONTRACTS: "Clientes con contrato vigente", Audience.USERS: "Usuarios de los servicios",
    Audience.ANYBODY: "Quien llega y responde",
}  # fmt: skip
_DIMENSIONS = {
    Dimension.SERVICE: ("Por servicio", "Sin servicio"), Dimension.ZONE: ("Por zona", "Sin zona"),
    Dimension.STRATUM: ("Por estrato", "Sin estrato"), Dimension.PROCESS: ("Por proceso", "Sin proceso"),
}  # fmt: skip
_WAYS = (
    ("by_link", "enlace personal"), ("by_phone", "entrevista telefónica"), ("by_qr", "código impreso"),
    ("by_kiosk", "pantalla en la oficina"), ("by_paper", "papel"), ("by_file", "archivo"),
)  # fmt: skip
_READING = (
    "n: cuántos respondieron la pregunta. Satisfechos: quienes califican 4 o 5 de 5, o 6 o 7 de 7. NPS: el porcentaje "
    "que da 9 o 10 menos el que da de 0 a 6. Debajo, el intervalo de confianza del 95 %."
)
_CROSSES = (
    "Cada casilla es el porcentaje de satisfechos, o el que dice sí; en la recomendación, el NPS. «Difieren»: tal diferencia entre los "
    "grupos no se explica por el azar (prueba chi-cuadrado, 5 %). Los grupos con menos de cinco respuestas no se muestran."
)
_QUOTED = (
    "Algunas de las respuestas abiertas de cada tema, tal como se escribieron, sin teléfonos, documentos ni correos. Una respuesta puede "
    "hablar de varios temas."
)
_FOOTNOTE = "Las respuestas se guardan en el sistema, que conserva cada una y cómo llegó. Este informe no nombra a quien respondió."


def issue_report(session: Session, campaign: SurveyCampaign, issuer: User, at: datetime) -> Document:
    """
    Set and keep the report of *campaign*, which is over and concluded; return it, flushed. The caller commits.

    Raises:
        MoveRefused, DomainError: As `survey_rounds.check_issue`.
    """
    survey_rounds.check_issue(session, campaign)
    number = f"INF-{campaign.number}"
    with force_locale(LANGUAGE):
        data = _data(session, campaign, number, issuer, at, is_draft=False)
    what = base.Issue(DocumentKind.SURVEY_REPORT, TEMPLATE, at, issuer.id, None, Visibility.STAFF)
    campaign.document = base.issue(session, what, number, base.seal(data))
    campaigns.note(session, campaign, CampaignMove.REPORT, at=at, actor_id=issuer.id, came_from=campaign.status.name,
                   document=campaign.document.id)  # fmt: skip
    return campaign.document


def preview(session: Session, campaign: SurveyCampaign, reader: User, at: datetime) -> bytes:
    """Return the report as it would be on *at*, marked as a draft: without number, seal or effects. Nothing is kept."""
    with force_locale(LANGUAGE):
        data = _data(session, campaign, campaign.number, reader, at, is_draft=True)
    return base.rendered(TEMPLATE, data | {"qr": None, "sha256": "", "verify_url": None})


# ── What it says ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _data(session: Session, campaign: SurveyCampaign, number: str, issuer: User, at: datetime, *, is_draft: bool) -> dict[str, Any]:
    found, on, form = tabulate(session, campaign), local(at).date(), campaign.questionnaire
    crosses = [made for dimension in _DIMENSIONS if (made := _cross(session, campaign, dimension)) is not None]
    words = survey_rounds.words_of(session, campaign)
    control = [("Código", form.code), ("Versión", str(campaign.version.number)), ("Fecha", say_day(on)), ("Campaña", campaign.number)]
    return {
        "organisation": base.head(campaign.organisation, TEMPLATE),
        "document_number": number,
        "title": "Informe de la encuesta de satisfacción",
        "form_name": form.name,
        "campaign": f"{campaign.name} · del {say_day(campaign.period_from)} al {say_day(campaign.period_until)}",
        "issued_on": on.isoformat(),
        "is_draft": is_draft,
        "control": [list(pair) for pair in control],
        "cards": _cards(found),
        "summary": [list(line) for line in _summary(found)],
        "sheet": [list(pair) for pair in _sheet(campaign, found)],
        "channels": _channels(found),
        "strata": _strata(session, campaign),
        **_results(found),
        "crosses": crosses,
        "crosses_note": _CROSSES,
        "comparison": _comparison(found),
        "words": _words(words),
        "alarms": _alarms(survey_rounds.outcome_of(session, campaign)),
        "aftermath": _aftermath(survey_rounds.aftermath(session, campaign)),
        "conclusion": base.paragraphs(campaign.conclusion),
        "signer": _signer(session, issuer),
        "footnote": _FOOTNOTE,
    }


def _signer(session: Session, issuer: User) -> dict[str, Any]:
    signature = session.get(Signature, issuer.id)
    label = f"Elaboró, {signature.title}" if signature and signature.title else "Elaboró"
    return {"name": issuer.get_full_name(), "label": label} | base.picture_of(signature.image if signature else None)


# ── Numbers in words ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _say(value: float | None, digits: int = 1) -> str:
    """Return a figure with exactly so many decimals, as Colombian Spanish writes it."""
    if value is None:
        return "—"
    pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
    return str(format_decimal(round(value, digits) or 0, format=pattern, locale="es_CO")).replace("-", "−")


def _percent(value: float | None, digits: int = 0) -> str:
    return "—" if value is None else f"{_say(value, digits)} %"


def _signed(value: float | None, digits: int = 1) -> str:
    return "—" if value is None else f"{'+' if value > 0 else '−' if value < 0 else ''}{_say(abs(value), digits)}"


def _interval(estimate: Estimate | None, digits: int = 0) -> str:
    """Return «de 70 a 82», or nothing when there is nothing to tell it by."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    return f"de {_say(estimate.low, digits)} a {_say(estimate.high, digits)}"


def _count(n: int, one: str, many: str) -> str:
    return f"{say_number(n)} {one if n == 1 else many}"


# ── The head and how it was done ──────────────────────────────────────────────────────────────────────────────────────────


def _cards(found: Tabulation) -> list[dict[str, str]]:
    people, nps = found.people, found.nps
    score = nps.nps.score if nps and nps.nps else None
    answered = f"de {say_number(people.n_asked)} personas encuestadas" if people.n_asked else "de quien llegó y respondió"
    rate = "de las personas encuestadas respondió" if people.rate is not None else "no se preguntó a personas en particular"
    margin = f"margen de error ± {_say(found.margin)} puntos" if found.margin is not None else ""
    return [
        _card("Respuestas completas", say_number(found.n), answered),
        _card("Tasa de respuesta", _percent(people.rate, 1), rate),
        _card("Satisfechos (CSAT)", _percent(found.csat.value if found.csat else None, 1), _interval(found.csat) or margin,
              _newest(found.csat_changes)),
        _card("Recomendación (NPS)", _say(score.value if score else None, 0), _interval(score), _newest(nps.changes if nps else ())),
        _card("Margen de error", f"± {_say(found.margin)}" if found.margin is not None else "—", "puntos, con población finita"),
    ]  # fmt: skip


def _card(label: str, figure: str, note: str, change: Change | None = None) -> dict[str, str]:
    tone, word = _verdict(change)
    return {"label": label, "figure": figure, "note": note, "tone": tone, "word": word}


def _newest(changes: Sequence[Change]) -> Change | None:
    return changes[0] if changes else None


def _verdict(change: Change | None) -> tuple[str, str]:
    return ("stop", "") if change is None else (TONES[change.verdict], _(change.verdict.value))


def _summary(found: Tabulation) -> Iterator[tuple[str, str]]:
    """Yield what a manager reads first: the best and the worst, what changed, and what cannot be said."""
    if found.is_hidden:
        yield "Pocas respuestas.", "Con menos de cinco no se muestran cifras, para no señalar a nadie."
        return
    rated = [asked for asked in found.questions if asked.kind is not QuestionKind.YES_NO]  # what happened is not how well it went
    lines = sorted(((line.csat.value, text) for asked in rated for text, line in _lines(asked) if line.csat), reverse=True)
    if len(lines) > N_EXTREMES:
        best, worst = lines[:N_EXTREMES], lines[: -N_EXTREMES - 1 : -1]
        yield "Lo mejor calificado:", "; ".join(f"{text} ({_percent(value)})" for value, text in best) + "."
        yield "Lo que más hay que mejorar:", "; ".join(f"{text} ({_percent(value)})" for value, text in worst) + "."
    for verdict, head in ((Verdict.BETTER, "Mejoró de forma significativa:"), (Verdict.WORSE, "Empeoró de forma significativa:")):
        its = [text for asked in rated for text, line in _lines(asked) if (c := _newest(line.changes)) and c.verdict is verdict]
        if its:
            yield head, "; ".join(its) + "."
    if found.empty_strata:
        left = _count(found.empty_strata, "estrato quedó", "estratos quedaron")
        yield "Qué falta:", f"{left} sin respuestas; las cifras no hablan por ellos."


def _lines(asked: Tabulated) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of a question, or of each row of a matrix, with what was asked in short."""
    if asked.rows:
        yield from ((f"{_short(asked.text_es, 60)} · {row.text_es}", row) for row in asked.rows)
    else:
        yield _short(asked.text_es, 110), asked.figure


def _short(text: str, most: int) -> str:
    """Return what was asked as a statement of a list: without the marks around a whole question, and not too long."""
    text = " ".join(text.split()).strip(".: ")
    if text.startswith("¿") and text.endswith("?") and text.count("¿") == 1:
        text = text[1:-1]
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _sheet(campaign: SurveyCampaign, found: Tabulation) -> Iterator[tuple[str, str]]:
    people, form = found.people, campaign.questionnaire
    yield "Formulario", f"{form.code} {form.name}, versión {campaign.version.number}"
    yield "Período que mide", f"del {say_day(campaign.period_from)} al {say_day(campaign.period_until)}"
    last = local(campaign.closed_at).date() if campaign.closed_at else campaign.closes_on
    yield "Respuestas recibidas", f"del {say_day(campaign.opens_on)} al {say_day(last)}"
    yield "A quién se le preguntó", _AUDIENCES[campaign.audience]
    if campaign.population is not None and campaign.audience is not Audience.ANYBODY:
        words = ("contrato", "contratos") if campaign.audience is Audience.CONTRACTS else ("usuario", "usuarios")
        yield "Población", _count(campaign.population, *words)
    yield "Muestra", _sampling(campaign)
    if found.margin is not None:
        told = f"± {_say(found.margin)} puntos porcentuales con el {campaign.confidence} % de confianza"
        yield "Error alcanzado", f"{told} (se buscaba ± {_say(float(campaign.error_percent))})" if campaign.is_sampled else told
    yield "Medios", ", ".join(words for name, words in _WAYS if getattr(campaign, name))
    yield "Respuestas", _counted(found)
    if people.screened:
        yield "Excluidas del conteo", "; ".join(f"{reason}: {say_number(n)}" for reason, n in people.screened)
    if found.is_weighted:
        effect = f"; efecto de diseño {_say(found.design_effect, 2)}"
        yield "Ponderación", f"cada respuesta pesa según lo que su estrato pesa en la población{effect}"
    if form.process or campaign.process:
        yield "Proceso responsable", (campaign.process or form.process).name


def _sampling(campaign: SurveyCampaign) -> str:
    if campaign.audience is Audience.ANYBODY:
        return "quien quiso responder; no es aleatoria"
    if not campaign.is_sampled:
        return "todos los que se podían encuestar (censo)"
    by = [word for name, word in (("by_zone", "zona"), ("by_stratum", "estrato"), ("by_service", "servicio")) if getattr(campaign, name)]
    strata = f", estratificada por {' y '.join(by)}, proporcional" if by else ""
    return f"aleatoria de {say_number(campaign.sample_size or 0)}{strata} (semilla del sorteo {campaign.seed})"


def _counted(found: Tabulation) -> str:
    people = found.people
    parts = [_count(people.n_complete, "completa", "completas")]
    parts += [f"{say_number(people.n_partial)} a medias, que se guardan y no se cuentan"] if people.n_partial else []
    parts += [_count(people.n_screened, "excluida", "excluidas")] if people.n_screened else []
    return "; ".join(parts)


def _channels(found: Tabulation) -> list[dict[str, str]]:
    return [
        {
            "name": _(each.via.value), "asked": "—" if each.n_asked is None else say_number(each.n_asked), "n": say_number(each.n_complete),
            "rate": _percent(each.rate, 1) if each.n_asked is not None else "—",
        }
        for each in found.people.channels
        if each.n_asked or each.n_complete
    ]  # fmt: skip


def _strata(session: Session, campaign: SurveyCampaign) -> list[dict[str, str]]:
    if not (campaign.is_sampled and splits_of(campaign)):
        return []
    return [
        {
            "name": share.name, "population": say_number(share.population), "target": say_number(share.target),
            "n": say_number(share.answered),
            "percent": _percent(100 * share.answered / share.target) if share.target else "—",
            "tone": "ok" if share.answered >= share.target else "warn" if share.answered else "bad",
        }
        for share in campaigns.progress(session, campaign).strata
    ]  # fmt: skip


# ── Each question ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _results(found: Tabulation) -> dict[str, Any]:
    kinds = {_steps(asked.kind) for asked in found.questions if asked.kind in SCALES}
    reading = _READING
    if any(asked.is_reversed for asked in found.questions):
        reading += " Las preguntas al revés (↺) se giraron: más siempre es mejor."
    if found.is_weighted:
        reading += " Los porcentajes están ponderados por estrato; n es el número de respuestas."
    sections = [{"title": section.title_es, "blocks": _blocks(section.questions)} for section in found.sections]
    return {"reading": reading, "legends": [_LEGENDS[each] for each in ("5", "7", "3", "2") if each in kinds], "sections": sections}


def _legend(steps: str, *words: str) -> list[dict[str, Any]]:
    return [{"steps": steps, "step": n, "word": word} for n, word in enumerate(words)]


_LEGENDS = {
    "5": _legend("5", "1", "2", "3", "4", "5 (la mejor)"), "7": _legend("7", "1", "2", "3", "4", "5", "6", "7 (la mejor)"),
    "3": _legend("3", "Detractores (0 a 6)", "Neutros (7 y 8)", "Promotores (9 y 10)"),
    "2": _legend("2", "La respuesta menos favorable", "La más favorable (sí o no)"),
}  # fmt: skip


def _steps(kind: QuestionKind) -> str:
    return {QuestionKind.SCALE7: "7", QuestionKind.NPS: "3", QuestionKind.YES_NO: "2"}.get(kind, "5")


def _blocks(questions: Iterable[Tabulated]) -> list[dict[str, Any]]:
    """Return what a section shows: scored questions that follow each other in one table, the others each by itself."""
    blocks: list[dict[str, Any]] = []
    for asked in questions:
        if asked.kind in SCALES:
            if not blocks or blocks[-1]["kind"] != "scales":
                blocks.append({"kind": "scales", "rows": []})
            blocks[-1]["rows"] += _scored(asked)
        else:
            blocks.append(_listed(asked))
    return blocks


def _scored(asked: Tabulated) -> Iterator[dict[str, Any]]:
    mark = " ↺" if asked.is_reversed else ""
    if asked.rows:
        yield {"is_head": True, "text": asked.text_es + mark}
        yield from (_row(asked, row, row.text_es) for row in asked.rows)
    else:
        yield _row(asked, asked.figure, asked.text_es + mark)


def _row(asked: Tabulated, line: Figure, text: str) -> dict[str, Any]:
    nps, change = line.nps, _newest(line.changes)
    measured = _measured(asked, line)
    tone, word = _verdict(change)
    then = _as_yes(asked, change.before) if change else None
    is_yes, digits = asked.kind is QuestionKind.YES_NO, 0 if nps or asked.kind is QuestionKind.YES_NO else 2
    difference = f"{_signed(_change(asked, change), digits)} · antes {_say(then.value, digits)}" if change and then else ""
    return {
        "is_head": False, "is_row": bool(asked.rows), "is_hidden": line.is_hidden, "text": text, "ends": _ends(asked, line),
        "note": f"No sabe o no aplica: {say_number(line.n_na)}" if line.n_na else "", "parts": list(_parts(asked, line)),
        "n": say_number(line.n),
        "mean": "—" if line.mean is None or nps or is_yes else _say(line.mean.value, 2),
        "satisfied": "—" if measured is None else f"NPS {_say(measured.value, 0)}" if nps else _percent(measured.value) + " sí" * is_yes,
        "interval": _interval(measured), "tone": tone, "word": word, "difference": difference,
    }  # fmt: skip


def _measured(asked: Tabulated, line: Figure) -> Estimate | None:
    """Return what a line is read by: its recommendation, how many are satisfied, or how many say yes."""
    return line.nps.score if line.nps else _as_yes(asked, line.csat)


def _as_yes(asked: Tabulated, estimate: Estimate | None) -> Estimate | None:
    """Return the share that says yes, where a question of yes or no was turned round to count the favourable answer."""
    if estimate is None or not (asked.kind is QuestionKind.YES_NO and asked.is_reversed):
        return estimate
    low, high = (None if end is None else 100 - end for end in (estimate.high, estimate.low))
    return replace(estimate, value=100 - estimate.value, low=low, high=high)


def _change(asked: Tabulated, change: Change) -> float | None:
    turned = asked.kind is QuestionKind.YES_NO and asked.is_reversed and change.difference is not None
    return -change.difference if turned and change.difference is not None else change.difference


def _ends(asked: Tabulated, line: Figure) -> str:
    """Return what the ends of the scale mean, where the question says it."""
    if line.option_id is not None or not (asked.low_es and asked.high_es):
        return ""
    least, most = SCALES[asked.kind]
    return f"{least}: {asked.low_es} · {most}: {asked.high_es}"


def _parts(asked: Tabulated, line: Figure) -> Iterator[dict[str, Any]]:
    """Yield the parts of the bar of a line, from the worst to the best."""
    said = ("Sí ", "No ") if asked.is_reversed else ("No ", "Sí ")
    shares = [line.nps.detractors, line.nps.passives, line.nps.promoters] if line.nps else [bar.percent for bar in line.bars]
    for step, share in enumerate(shares):
        head = said[step] if asked.kind is QuestionKind.YES_NO else ""
        label = head + _percent(share) if share >= 9 + 3 * len(head) else ""  # a narrow part has no room for its words
        yield {"steps": _steps(asked.kind), "step": step, "share": round(share, 2), "label": label}


def _listed(asked: Tabulated) -> dict[str, Any]:
    """Return a list with its bars, a number with its figures, or how many wrote something."""
    figure, n = asked.figure, _count(asked.figure.n, "respuesta", "respuestas")
    if asked.kind is QuestionKind.TEXT:
        note = f"{n}, más adelante por tema." if figure.n else "Nadie escribió aquí."
        return {"kind": "text", "text": asked.text_es, "note": note}
    several = "; se podían marcar varias" if asked.kind is QuestionKind.MANY else ""
    numbers = figure.numbers
    if numbers is not None and figure.mean is not None:
        several = f"; media {_say(figure.mean.value, 2)}, mediana {say_number(numbers.median)}, de {say_number(numbers.least)} a " \
                  f"{say_number(numbers.greatest)}"  # fmt: skip
    bars = [
        {"label": _bar(bar), "share": round(bar.percent, 2), "percent": _percent(bar.percent), "n": say_number(bar.n)}
        for bar in figure.bars
    ]
    return {"kind": "listed", "text": asked.text_es, "note": n + several, "is_hidden": figure.is_hidden, "bars": bars}


def _bar(bar: Bar) -> str:
    if bar.text_es:
        return bar.text_es
    value = say_number(bar.value)
    return value if bar.until is None else f"de {value} a {say_number(bar.until)}"


# ── Groups and rounds ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _cross(session: Session, campaign: SurveyCampaign, dimension: Dimension) -> dict[str, Any] | None:
    """Return the scored questions by groups, or None where there are no two groups that may be shown."""
    found = tabulate(session, campaign, by=dimension, n_rounds=0)
    cross = found.cross
    groups = [group for group in cross.groups if not group.is_hidden][:MOST_GROUPS] if cross else []
    if cross is None or len(groups) < 2:
        return None
    if dimension is Dimension.STRATUM:
        groups.sort(key=lambda group: group.key or 0)
    title, none = _DIMENSIONS[dimension]
    names = [{"name": _group(group, dimension, none), "n": say_number(group.n)} for group in groups]
    n_left = sum(1 for group in cross.groups if group not in groups)
    rows = [
        _crossed(asked, text, line, cross, groups)
        for asked in found.questions
        if asked.kind in SCALES
        for text, line in _lines(asked)
    ]
    left = f" ({_count(n_left, 'grupo más no se muestra', 'grupos más no se muestran')})" if n_left else ""
    return {"title": title + left, "groups": names, "rows": rows}


def _group(group: Group, dimension: Dimension, none: str) -> str:
    if group.key in (None, ""):
        return none
    return group.label or (f"Estrato {group.key}" if dimension is Dimension.STRATUM else str(group.key))


def _crossed(asked: Tabulated, text: str, line: Figure, cross: Cross, groups: list[Group]) -> dict[str, Any]:
    """Return a line of a cross; the best and the worst of the groups stand out where chance alone does not explain the difference."""
    key, is_yes = (asked.id, line.option_id), asked.kind is QuestionKind.YES_NO
    p_value = cross.p_values.get(key)
    differs = p_value is not None and p_value < 0.05
    values = []
    for group in groups:
        cell = group.cells.get(key)
        estimate = (cell.nps or _as_yes(asked, cell.csat)) if cell and not cell.is_hidden else None
        values.append((estimate.value if estimate else None, cell is not None and cell.nps is not None))
    known = [value for value, _is_nps in values if value is not None]
    cells = []
    for value, is_nps in values:
        tone = "" if not differs or is_yes or value is None else "ok" if value == max(known) else "bad" if value == min(known) else ""
        cells.append({"text": "—" if value is None else _say(value, 0) if is_nps else _percent(value) + " sí" * is_yes, "tone": tone})
    return {"text": text, "differs": differs, "cells": cells}


def _comparison(found: Tabulation) -> dict[str, Any] | None:
    """Return each question that did not change since the round before, then and now."""
    if not found.rounds:
        return None
    before = found.rounds[0]
    rows = [
        _compared(asked, text, line, change)
        for asked in found.questions
        for text, line in _lines(asked)
        if (change := _newest(line.changes)) is not None and change.before is not None
    ]
    if not rows:
        return None
    note = (
        f"Con {before.number}, {before.name} ({_count(before.n, 'respuesta', 'respuestas')}). Solo las preguntas que no cambiaron. Una "
        "diferencia es significativa cuando el azar solo la daría menos de una vez de cada veinte (valor p menor que 0,05)."
    )
    return {"note": note, "before": before.number, "now": "Ahora", "rows": rows}


def _compared(asked: Tabulated, text: str, line: Figure, change: Change) -> dict[str, str]:
    now = line.mean if change.measure is Measure.MEAN else _measured(asked, line)
    then, (tone, word) = _as_yes(asked, change.before), _verdict(change)
    digits = 2 if change.measure is Measure.MEAN else 0
    unit = {Measure.NPS: " (NPS)", Measure.CSAT: " (% que dice sí)" if asked.kind is QuestionKind.YES_NO else " (% satisfechos)"}
    p_value = "—" if change.p_value is None else "< 0,001" if change.p_value < 0.001 else _say(change.p_value, 3)
    return {
        "text": text + unit.get(change.measure, ""), "before": _say(then.value if then else None, digits),
        "now": _say(now.value if now else None, digits), "difference": _signed(_change(asked, change), digits), "p": p_value, "tone": tone,
        "word": word,
    }  # fmt: skip


# ── Words, and what is done ───────────────────────────────────────────────────────────────────────────────────────────────


def _words(found: Sequence[survey_rounds.Said]) -> dict[str, Any]:
    n = sum(said.n for said in found)
    tags = [
        {"name": said.tag or "Sin tema asignado", "n": _count(said.n, "respuesta", "respuestas"), "quotes": list(said.quotes)}
        for said in found
    ]
    return {"n": str(n), "tags": tags, "note": _QUOTED}


def _alarms(outcome: survey_rounds.Outcome) -> dict[str, Any]:
    rows = [
        {
            "what": alarm.what, "action": alarm.action.number if alarm.action else "Por pedir",
            "process": alarm.process.name if alarm.process else "—", "due": say_day(alarm.due_on),
        }
        for alarm in outcome.figures
    ]  # fmt: skip
    first = "Estos resultados están en el umbral que la empresa fijó, o por debajo, y piden una acción:" if rows else (
        "Ningún resultado llegó al umbral desde el cual se pide una acción."
    )  # fmt: skip
    return {"rows": rows, "sentences": [*_contacted(outcome), first]}


def _contacted(outcome: survey_rounds.Outcome) -> Iterator[str]:
    """Yield how many people were to be contacted and were, and how many cases were opened, in sentences."""
    n, waiting = outcome.n(AlarmEffect.CONTACT), outcome.n(AlarmEffect.CONTACT, AlarmStatus.OPEN)
    done, aside = outcome.n(AlarmEffect.CONTACT, AlarmStatus.SETTLED), outcome.n(AlarmEffect.CONTACT, AlarmStatus.DISMISSED)
    if n:
        told = ((done, "con lo conversado y acordado"), (aside, "que se dejaron de lado, con su razón"), (waiting, "por hacer"))
        parts = ", ".join(f"{say_number(its)} {words}" for its, words in told if its)
        yield f"Las respuestas pidieron {_count(n, 'contacto', 'contactos')} con quien respondió: {parts}."
    cases = outcome.n(AlarmEffect.CASE, AlarmStatus.SETTLED)
    if cases:
        yield f"{_count(cases, 'persona pidió', 'personas pidieron')} abrir una PQR con lo que contó, y se radicó con su término legal."


def _aftermath(outcome: survey_rounds.Outcome | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    campaign, actions = outcome.campaign, outcome.actions
    done = sum(1 for action in actions if action.status is ActionStatus.DONE)
    head = f"La ronda anterior es {campaign.number}, {campaign.name}."
    if actions:
        asked = "De ella salió una acción" if len(actions) == 1 else f"De ella salieron {say_number(len(actions))} acciones"
        head += f" {asked}; {_count(done, 'está terminada', 'están terminadas')}."
    else:
        head += " De ella no salieron acciones."
    return {"sentences": [head, *_contacted(outcome)], "actions": [_action(action) for action in actions]}


def _action(action: Action) -> dict[str, str]:
    ended = f"el {say_day(action.ended_on)}" if action.ended_on else f"para el {say_day(action.due_on)}"
    return {
        "number": action.number, "title": action.title, "process": action.process.name, "state": _(action.status.value),
        "tone": ACTION_TONES[action.status], "day": ended, "result": action.result,
    }  # fmt: skip
