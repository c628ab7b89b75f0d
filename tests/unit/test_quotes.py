"""What somebody wrote, without what they answer: the mail programs of Colombia, answers between the lines, and what is never cut."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.quotes import reply_of

OWN = "Sigo sin agua desde el martes.\n\nAtentamente,\nAna Pérez\nCC 1.234.567\nCalle 5 # 4-3"
QUOTED = "> Su solicitud PQR-2026-000001\n> fue recibida.\n>\n> Acueducto"
HEADERS = "De: Acueducto <pqr@example.com>\nEnviado el: lunes, 13 de julio de 2026 10:12\nPara: Ana\nAsunto: Recibimos su solicitud"


@pytest.mark.parametrize(
    "tail",
    [
        f"El lun, 13 jul 2026 a las 10:12, Acueducto (<pqr@example.com>) escribió:\n\n{QUOTED}",
        f"El lun, 13 jul 2026 a las 10:12, Acueducto y Alcantarillado de Prueba S.A. E.S.P.\n(<pqr@example.com>) escribió:\n\n{QUOTED}",
        f"El lunes, 13 de julio de 2026, 10:12:45 a. m. GMT-5, Acueducto <pqr@example.com>\nescribió: \n\n{QUOTED}",
        "Enviado desde mi iPhone\n\n> El 13/07/2026, a la(s) 10:12 a.m., Acueducto <pqr@example.com> escribió:\n> \n> Hola",
        "Enviado desde mi Samsung Galaxy\n\n-------- Mensaje original --------\nDe: Acueducto\nFecha: 13/07/26\nHola",
        "Enviado desde Outlook para Android\n________________________________\n" + HEADERS + "\n\nSu solicitud fue recibida",
        f"________________________________\n{HEADERS}\n\nSu solicitud fue recibida",
        f"{HEADERS}\n\nSu solicitud fue recibida",
        "*De:* Acueducto <pqr@example.com>\n*Enviado:* lunes\n*Para:* Ana\n*Asunto:* Recibimos\n\nHola",
        "-----Mensaje original-----\nDe: pqr@example.com\nHola",
        f"On Mon, Jul 13, 2026 at 10:12 AM Acueducto <pqr@example.com> wrote:\n{QUOTED}",
        "From: Acueducto <pqr@example.com>\nSent: Monday\nTo: Ana\nSubject: We received\n\nYour request",
        f"2026-07-13 10:12 GMT-05:00 Acueducto <pqr@example.com>:\n\n{QUOTED}",
        QUOTED,
        "-- \nAna Pérez\nGerente",
        "Obtener Outlook para iOS",
        "AVISO DE CONFIDENCIALIDAD: este mensaje es para su destinatario\ny para nadie más.",
        "Este mensaje y sus anexos tienen información confidencial.\nSi no es para usted, bórrelo.\n\nLibre de virus. www.avast.com",
    ],
)
def test_what_a_program_adds_under_a_reply_is_cut_and_the_signature_of_the_petition_stays(tail: str) -> None:
    assert reply_of(f"{OWN}\n\n{tail}\n") == OWN


@pytest.mark.parametrize(
    "text",
    [
        "Respondo abajo:\n\nEl lun, 13 jul 2026, Acueducto (<p@e.com>) escribió:\n> ¿Qué día?\nDesde el martes\n> ¿A qué hora?\nA las 3",
        "Reclamo:\n- cobro doble\n- medidor dañado\n\nGracias,\nAna",
        "El señor que vino escribió: revisado. Pero no revisó nada.",
        "De: mi casa a la suya no llega agua.\nFecha: ayer.",
        "> Todo esto lo citó\n> su teléfono",
        "Enviado desde mi iPhone",
        "",
        "El funcionario me escribió:\nque no procede",
        "Mi caso es este --\nno hay agua",
    ],
)
def test_what_somebody_wrote_is_never_cut(text: str) -> None:
    assert reply_of(text) == text


def test_what_is_passed_on_is_what_has_to_be_read() -> None:
    text = f"Para su conocimiento\n\n---------- Forwarded message ---------\n{HEADERS}\n\nNo hay agua"

    assert reply_of(text) == text
    assert reply_of(f"Ver abajo\n\n{HEADERS}\n\nNo hay agua", is_forward=True).endswith("No hay agua")


@given(st.lists(st.sampled_from([
    "> cita", "Hola", "", "--", "El lun, 3 jul, X <a@b.co> escribió:", "De: a", "Para: b", "Asunto: c", "Enviado desde mi iPhone",
    "________________", "Este mensaje es confidencial y exclusivo", "El", "escribió:", "-----Mensaje original-----",
]), max_size=30).map("\n".join))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_a_reply_is_the_beginning_of_the_text_and_never_empty_when_the_text_is_not(text: str) -> None:
    kept = reply_of(text)

    assert text.strip().startswith(kept)
    assert bool(kept) == bool(text.strip())
    assert reply_of(kept) in kept


@pytest.mark.parametrize("line", ["El ", "El a\n", "De: x\n", ">\n", "-", "_", "a@b ", "aviso ", "este mensaje x\n", "* ", "\n", " "])
def test_a_text_made_to_be_slow_is_read_in_time(line: str) -> None:
    start = time.perf_counter()
    reply_of(line * (200_000 // len(line)))

    assert time.perf_counter() - start < 5
