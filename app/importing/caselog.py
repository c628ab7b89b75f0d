"""
What an old PQR log is asked: its fields with the headers they go by, other words for what our catalogues name, and what whoever
imports says of all rows at once. The words are those of Colombian companies; accents, capitals and points are forgiven.
"""

from __future__ import annotations

from app.domain import N_
from app.domain.states import DocumentType, Outcome, PqrStatus
from app.importing.kinds import Ask, Field, Type


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a list: separated by commas, lines joined."""
    return tuple(word for part in text.split(",") if (word := " ".join(part.split())))


FIELDS = (
    Field("number", N_("Number"), is_required=True, most=60, example="2019-0123",
          synonyms=_words("""
        No, Nro, No PQR, Número PQR, Radicado, No radicado, Número de radicado, Consecutivo, Ticket, PQR No
    """)),
    Field("filed", N_("Filed"), Type.MOMENT, is_required=True, example="15/03/2019",
          synonyms=_words("""
        Fecha, Fecha de radicación, Fecha radicado, Fecha recibido, Fecha de recibo, Recibida, Fecha de ingreso, Fecha
        solicitud, Fecha PQR, Fecha de recepción, Recibo, Fechas Recibo, Fechas Recibido, Fechas Radicación
    """)),
    Field("request_type", N_("Type"), Type.CHOICE, is_required=True, example="Reclamo por la factura",
          synonyms=_words("""
        Tipo, Tipo de PQR, Tipo PQR, Tipo de solicitud, Tipo de trámite, Clase, Clase de PQR, Tipo de petición
    """)),
    Field("name", N_("Petitioner"), most=160, example="Luz Marina Rojas",
          synonyms=_words("""
        Nombre, Nombres y apellidos, Usuario, Suscriptor, Peticionario, Solicitante, Cliente, Nombre del usuario, Nombre del
        suscriptor, Reclamante
    """)),
    Field("document_type", N_("Type of document"), Type.CHOICE, synonyms=_words("Tipo de documento, Tipo doc, Tipo ID")),
    Field("document", N_("Document"), most=40, example="52345678",
          synonyms=_words("""
        Cédula, C.C., CC, NIT, Identificación, No identificación, Documento de identidad, Número de documento, Cédula o NIT,
        CC o NIT
    """)),
    Field("phone", N_("Telephone"), Type.PHONE, is_lenient=True, synonyms=_words("Teléfono, Celular, Tel, Contacto")),
    Field("email", N_("E-mail"), Type.EMAIL, is_lenient=True, synonyms=_words("Correo, Correo electrónico, Email")),
    Field("account", N_("Account"), most=30, example="104233",
          synonyms=_words("""
        Cuenta, No cuenta, Número de cuenta, Código, Código suscriptor, Código de usuario, NIU, Matrícula, Contrato, Póliza,
        Cuenta contrato
    """)),
    Field("service", N_("Service"), Type.CHOICE, synonyms=_words("Servicio, Tipo de servicio")),
    Field("channel", N_("Channel"), Type.CHOICE,
          synonyms=_words("Canal, Medio, Medio de recepción, Forma de recepción, Vía, Medio de ingreso")),
    Field("cause", N_("Cause"), most=120, synonyms=_words("Causal, Causa, Código causal, Causal SUI, Detalle causal")),
    Field("subject", N_("Subject"), most=400, synonyms=_words("Asunto, Motivo, Tema")),
    Field("body", N_("Text"), most=20_000, synonyms=_words("""
        Descripción, Detalle, Observación, Observaciones, Descripción de la PQR, Hechos, Solicitud, Petición
    """)),
    Field("process", N_("Process"), Type.CHOICE,
          synonyms=_words("""
        Proceso, Área, Área responsable, Dependencia, Responsable, Remitido a, Dirigido a, Trasladado a, Dueño de proceso,
        Área encargada
    """)),
    Field("routed_on", N_("Handed over"), Type.DATE,
          synonyms=_words("Fecha de traslado, Fecha remisión, Fecha de entrega al área, Fecha de envío, Fechas Traslado")),
    Field("solution", N_("Solution"), most=20_000, synonyms=_words("Solución, Respuesta, Trámite realizado, Gestión, Acción tomada")),
    Field("solved_on", N_("Solved"), Type.DATE, synonyms=_words("Fecha de solución, Fecha solución, Fechas Solución")),
    Field("answered_on", N_("Answered"), Type.DATE,
          synonyms=_words("Fecha de respuesta, Fecha respuesta, Respondida, Fecha de contestación, Fecha oficio, Fechas Respuesta")),
    Field("outcome", N_("Sense"), Type.CHOICE,
          synonyms=_words("Sentido, Sentido de la respuesta, Tipo de respuesta, Resultado, Favorabilidad, Decisión")),
    Field("notified_on", N_("Notified"), Type.DATE,
          synonyms=_words("""
        Fecha de notificación, Fecha notificación, Notificada, Fecha de entrega, Fecha entrega respuesta, Fechas Notificación
    """)),
    Field("closed_on", N_("Closed"), Type.DATE, synonyms=_words("Fecha de cierre, Fecha cierre, Cerrada, Fecha final, Fechas Cierre")),
    Field("due_on", N_("Due date of the log"), Type.DATE,
          synonyms=_words("""
        Fecha límite, Vence, Fecha de vencimiento, Vencimiento, Fecha máxima de respuesta
    """)),
    Field("state", N_("State"), Type.CHOICE, synonyms=_words("Estado, Estado PQR, Situación, Estado actual")),
    Field("invoice", N_("Invoice"), most=30, synonyms=_words("Factura, No factura, Número de factura")),
)  # fmt: skip
#: A state that the dates of the row tell better.
DATES_TELL_IT = "DATES"
#: Other words for what the catalogues of the house call theirs, by code.
TYPES = {
    "RECLAMO": _words("reclamo, reclamación, reclamo facturación, reclamo comercial, R"),
    "RECLAMO_SERVICIO": _words("reclamo técnico, reclamo operativo, daño, reclamo por prestación, falla en el servicio"),
    "INFORMACION": _words("información, solicitud de información, solicitud de documentos, certificado, copias"),
    "PETICION": _words("solicitud, derecho de petición, P, trámite"),
    "QUEJA": _words("Q"),
    "SUGERENCIA": _words("felicitación, S, sugerencias"),
    "RECURSO": _words("recurso, reposición, recurso de reposicion"),
    "RECURSO_APELACION": _words("reposición y apelación, recurso de reposición y subsidio apelación, apelación"),
}
CHANNELS = {
    "VENTANILLA": _words("presencial, personal, oficina, taquilla, punto de atención"),
    "WEB": _words("web, página, sitio web, internet, virtual, formulario web"),
    "TELEFONO": _words("telefónico, telefónica, llamada, call center, línea, celular"),
    "CORREO": _words("email, correo, mail, electrónico"),
    "ESCRITO": _words("escrita, carta, oficio, correspondencia, físico, escrito"),
    "VERBAL": _words("verbal"),
    "REDES": _words("whatsapp, facebook, redes, redes sociales, chat"),
}
OUTCOMES = {
    Outcome.GRANTED: _words("""
        accede, a favor, favorable, favorable al usuario, procede, procedente, concedido, positiva, sí, aceptada
    """),
    Outcome.PARTLY: _words("""
        accede parcialmente, parcial, parcialmente favorable, favorable parcial, procede parcialmente
    """),
    Outcome.DENIED: _words("""
        no accede, en contra, desfavorable, no favorable, no procede, improcedente, negado, negada, negativa, no, favorable a
        la empresa
    """),
    Outcome.INADMISSIBLE: _words("rechazada por improcedente, inadmitida"),
    Outcome.CONFIRMED: _words("confirma, confirmada"),
    Outcome.MODIFIED: _words("modifica, modificada"),
    Outcome.REVOKED: _words("revoca, revocada"),
    Outcome.REJECTED: _words("rechaza, rechazada, rechazado"),
}  # fmt: skip
STATES = {
    PqrStatus.WITHDRAWN: _words("desistida, desistido, desistimiento"),
    PqrStatus.TRANSFERRED: _words("trasladada, trasladado, remitida por competencia, traslado por competencia"),
    PqrStatus.VOIDED: _words("anulada, anulado, duplicada, duplicado, error de radicación"),
}
DATES_TELL = _words("""
        abierta, abierto, pendiente, en trámite, en proceso, radicada, recibida, respondida, respondido, contestada,
        notificada, notificado, cerrada, cerrado, finalizada, finalizado, resuelta, resuelto, solucionada, terminada, vencida,
        a tiempo, oportuna, extemporánea, activa
    """)  # fmt: skip
DOCUMENTS = {
    DocumentType.CC: _words("cédula, cédula de ciudadanía, C.C."),
    DocumentType.NIT: _words("N.I.T."),
    DocumentType.CE: _words("cédula de extranjería, C.E."),
    DocumentType.TI: _words("tarjeta de identidad, T.I."),
    DocumentType.PASSPORT: _words("pasaporte"),
}  # fmt: skip
NOBODY = frozenset({"anonimo", "anonima", "n.n.", "nn", "sin nombre", "no registra", "no informa", "desconocido"})
_SENSES = (Outcome.GRANTED, Outcome.PARTLY, Outcome.DENIED)
ASKS = (
    Ask("notice", N_("Answered rows that tell no notice"),
        (("LEAVE", N_("Leave them answered, to be notified")), ("ANSWER", N_("Take the day of the answer as the day of the notice"))),
        N_("What you choose is written in the history of each of those cases.")),
    Ask("outcome", N_("Answered rows that tell no sense"),
        (("TRAY", N_("Leave them in the tray of quality")), *((each.name, each.value) for each in _SENSES)),
        N_("What you choose is written in the history of each of those cases.")),
)  # fmt: skip
#: The facts by which a row is the same as the last time.
TOLD = _words("""
        filed, request_type, name, document, account, process, routed_on, solved_on, answered_on, outcome, notified_on,
        closed_on, due_on, state
    """)  # fmt: skip
