"""
Take the pictures of the manual from a running demo: `make demo` in one terminal, `make screenshots` in another (URL, if not 8080).

Needs the system's Chromium. The pictures of the pages of the manual are in Spanish and light, 1280 pixels wide or 360 for a phone. The
gallery (`docs/manual/galeria.md`, written here too) shows every kind of page on both, in both languages, light and dark.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

URL = os.environ.get("URL", "http://127.0.0.1:8080")
PASSWORD = os.environ.get("ATIENDE_DEMO_PASSWORD", "AtiendeDemo-2026")
FOLDER = Path(__file__).parent / "manual" / "img"
GALLERY = FOLDER / "galeria"
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 360, "height": 740}
LANGUAGES = {"es": "es-CO", "en": "en-GB"}
#: name of the picture: title, user (none: a citizen), address. `{case}` is a case that waits for approval; `first …` is where the
#: first row of that list leads, and what stands behind ` + ` is put at its end.
PAGES: dict[str, tuple[str, str, str]] = {
    "mi-dia": ("Mi día", "auxiliar", "/"),
    "mi-dia-subgerente": ("Mi día de quien aprueba", "subgerente", "/"),
    "mostrador": ("Mostrador", "auxiliar", "/counter/"),
    "lista": ("La lista de PQR", "auxiliar", "/pqr/?light=late,silence,now,soon&order=due_on"),
    "correo-entrante": ("Correo que entra", "auxiliar", "/inbox/list/"),
    "cuarentena": ("Un mensaje en cuarentena", "auxiliar", "first /inbox/list/?status=QUARANTINED"),
    "filtro": ("Un filtro de fechas", "auxiliar", "/pqr/?open=1&facet=due_on"),
    "columnas": ("Elegir columnas", "auxiliar", "/lists/Pqr/columns"),
    "buscar": ("Buscar", "auxiliar", "/search?q=consumo"),
    "caso": ("El caso", "subgerente", "{case}"),
    "aprobar": ("Aprobar la respuesta", "subgerente", "{case}/move/issue_answer"),
    "requerimiento": ("Detener el plazo", "auxiliar", "first /pqr/?status=EVIDENCE,AWAITING_USER"),
    "notificacion": ("Notificar en papel", "auxiliar", "first /pqr/?status=ANSWERED&order=due_on"),
    "recurso": ("Un recurso y su expediente", "auxiliar", "first /pqr/?request_type=9&status=NOTIFIED"),
    "presentar-recurso": ("Registrar un recurso", "auxiliar", "first /pqr/?request_type=1&status=NOTIFIED + /move/appeal"),
    "por-aprobar": ("Por aprobar", "subgerente", "/approvals/"),
    "redactar": ("Redactar la respuesta, punto por punto", "dueno.facturacion", "first /pqr/?status=ROUTED + /draft"),
    "silencios": ("Silencios por reconocer", "subgerente", "/silence/list/"),
    "reconocer": ("Reconocer un silencio", "subgerente", "first /pqr/?light=silence + /move/recognise"),
    "evento-masivo": ("Un evento masivo", "subgerente", "first /massevent/list/"),
    "ordenes": ("Órdenes y actas", "dueno.tecnica", "/orden/list/"),
    "orden": ("Una orden", "dueno.tecnica", "first /orden/list/?status=DONE"),
    "mis-ordenes": ("Mis órdenes, en el teléfono", "tecnico", "/tecnico/"),
    "llenar-orden": ("Llenar el acta en el teléfono", "tecnico", "first /tecnico/"),
    "financiacion": ("Orden de financiación", "subgerente", "first /financing/list/"),
    "cambio-factura": ("Cambio en la factura", "subgerente", "first /invoice-change/list/"),
    "facturacion": ("Lotes para facturación", "auxiliar", "/billing/list/"),
    "lote": ("Un lote", "auxiliar", "first /billing/list/"),
    "columnas-facturacion": ("Las columnas del archivo para facturación", "admin", "/billing/columns/INVOICE_CHANGE"),
    "desviacion": ("Desviación significativa", "dueno.facturacion", "/desviacion/"),
    "importaciones": ("Archivos que entran", "admin", "/imports/list/"),
    "importacion": ("Un archivo revisado", "admin", "first /imports/list/?status=CHECKED"),
    "evaluacion": ("Evaluación en el mostrador", "auxiliar", "/evaluacion/"),
    "avisos": ("Avisos publicados", "", "/avisos"),
    "verificar": ("Comprobar un documento", "", "/verificar"),
    "registrar": ("Registrar una PQR", "auxiliar", "/pqr/register"),
    "partes": ("Partes interesadas", "comercial", "/party/list/"),
    "parte": ("La página de una parte interesada", "comercial", "first /party/list/?q=los nogales"),
    "acciones": ("Acciones", "calidad", "/action/list/"),
    "entrevistas": ("Entrevistas telefónicas", "auxiliar", "/interview/"),
    "formularios": ("Los formularios de encuesta", "calidad", "/questionnaire/list/"),
    "formulario-borrador": ("Un formulario en borrador", "calidad", "/survey-form/version/4"),
    "formulario-pregunta": ("Una pregunta de un formulario", "calidad", "/survey-form/question/53"),
    "formulario-publicar": ("Antes de publicar una versión", "calidad", "/survey-form/publish/4"),
    "campanas": ("Las campañas de encuestas", "comercial", "/surveycampaign/list/"),
    "campana-propuesta": ("A quién preguntaría una campaña", "comercial", "first /surveycampaign/list/?status=PROPOSED"),
    "campana": ("Cómo va una campaña", "comercial", "first /surveycampaign/list/?status=OPEN"),
    "campana-calculadora": ("Cuántas respuestas se necesitan", "comercial", "/surveycampaign/calculator"),
    "encuesta-quiosco": ("El quiosco de una encuesta", "comercial", "/survey-door/kiosk/6"),
    "resultados": ("Los resultados de una encuesta", "comercial", "/survey-results/"),
    "respuestas-abiertas": ("Lo que escribieron", "comercial", "/survey-words/list/"),
    "entrevistas-cola": ("A quién llamar", "auxiliar", "first /interview/"),
    "formulario": ("Un formulario", "comercial", "/party/add"),
    "graficos": ("Gráficos", "control", "/charts/cases/?chart=in-time"),
    "cotizaciones": ("Cotizaciones", "comercial", "/quotation/list/"),
    "cotizacion": ("Una cotización enviada", "comercial", "first /quotation/list/?status=SENT&order=sent_on"),
    "cotizacion-renglones": ("Escribir una cotización", "comercial", "/quotation/add"),
    "graficos-cotizaciones": ("Gráficos de cotizaciones", "comercial", "/charts/quotations/?chart=by-month"),
    "control-de-tiempos": ("Control de tiempos", "control", "/reports/response-times/"),
    "informe-comportamiento": ("Comportamiento de las PQR", "subgerente", "/report/behaviour/?period=LAST_MONTH"),
    "calendario": ("Calendario", "admin", "/calendar/"),
    "terminos": ("Términos legales", "admin", "/term/list/"),
    "bitacora": ("Registro de cambios", "admin", "/changelog/list/"),
    "roles": ("Roles", "admin", "/roles/list/"),
    "webhooks": ("Webhooks", "admin", "/webhook/list/"),
    "entregas": ("Entregas de webhooks", "admin", "/webhook-delivery/list/"),
    "mi-calendario": ("Mi calendario", "dueno.facturacion", "/my-calendar/"),
    "archivo": ("Archivo en formatos abiertos", "admin", "/archive/"),
    "archivo-persona": ("Los datos de una persona", "subgerente", "/archive/person"),
    "entrar": ("Entrar", "", "/login/"),
    "radicar": ("Radicar por internet", "", "/pqr/nueva"),
    "consultar": ("Consultar", "", "/pqr/consulta"),
    "calculadora": ("Calculadora de términos", "", "/calculadora?regime=ley142&type=RECLAMO&filed=2026-07-10"),
    "partes-interesadas": ("Matriz de partes interesadas", "calidad", "/interested/?relevance=HIGH"),
    "seguimiento-parte": ("Un seguimiento con su evidencia", "calidad", "first /mechanism/list/?due=soon"),
    "contratos": ("Contratos", "comercial", "/contract/list/"),
    "contrato": ("Un contrato", "comercial", "first /contract/list/?state=ACTIVE&order=number"),
    "garantias": ("Garantías", "comercial", "/guarantee/list/"),
    "plantilla-requisitos": ("Una plantilla de requisitos", "comercial", "first /requirementtemplate/list/"),
    "graficos-contratos": ("Gráficos de contratos", "comercial", "/charts/contracts/?chart=by-kind"),
    "listas-de-verificacion": ("Listas de verificación", "comercial", "/checklist/list/"),
    "lista-de-verificacion": ("Una lista de verificación a medio llenar", "comercial", "first /checklist/list/?status=OPEN&order=due_on"),
    "cumplimiento": ("Cumplimiento de contratos", "comercial", "/compliance/"),
    "matriz-cumplimiento": ("La matriz de un contrato", "comercial", "first /verifications/list/"),
    "indicadores": ("Tablero de indicadores", "calidad", "/indicators/"),
    "indicador": ("Ficha de un indicador", "calidad", "/indicator/show/1"),
    "paquete-auditoria": ("El paquete de auditoría", "calidad", "/audit-pack/"),
    "revision-direccion": ("Una revisión por la dirección", "calidad", "first /management-review/list/?status=SIGNED"),
    "informe-pqr": ("El informe de PQR", "subgerente", "/report/pqr_report/?period=LAST_MONTH"),
    "sui": ("El escritorio del SUI", "subgerente", "/sui/"),
    "sui-mes": ("Un mes del archivo de reclamaciones", "subgerente", "first /sui/"),
    "sui-congelado": ("Un mes congelado y reportado", "subgerente", "/sui/load/2"),
    "interrupciones": ("Interrupciones del servicio", "subgerente", "/interruption/list/"),
    "interrupcion": ("Una interrupción en curso", "subgerente", "first /interruption/list/?state=RUNNING"),
    "mapa-riesgos": ("El mapa de riesgos", "calidad", "/risk-map/"),
    "riesgo": ("Un riesgo, con su camino por el mapa", "calidad", "first /risk/list/?q=desviacion"),
    "matriz-legal": ("La matriz legal", "calidad", "/legalrequirement/list/"),
    "requisito-legal": ("Una obligación de la matriz legal", "calidad", "first /legalrequirement/list/?q=152-159"),
    "informacion-documentada": ("Información documentada", "calidad", "/controlled-document/list/?is_active=1"),
    "documento-controlado": ("Un documento con sus versiones", "calidad", "first /controlled-document/list/?q=R10-01-05"),
    "caracterizacion": ("La caracterización C10-01", "calidad", "first /process-sheet/list/"),
    "tablero-pqr": ("El tablero de PQRS", "subgerente", "/dashboard/cases/?period=LAST_MONTH"),
    "tablero-comercial": ("El tablero comercial", "comercial", "/dashboard/commercial/?period=THIS_YEAR"),
    "tablero-satisfaccion": ("El tablero de satisfacción", "calidad", "/dashboard/satisfaction/?period=THIS_YEAR"),
    "tablero-calidad": ("El tablero de calidad", "calidad", "/dashboard/quality/?period=THIS_YEAR"),
    "tablero-televisor": ("Un tablero en el televisor", "control", "/dashboard/cases/?tv=1&period=LAST_MONTH"),
    "acciones-tablero": ("El tablero de acciones", "calidad", "/action-board/list/"),
    "acciones-calendario": ("El calendario de acciones", "calidad", "/action-calendar/list/"),
    "accion": ("El camino de una acción", "calidad", "first /action/list/?status=RUNNING"),
    "accion-analisis": ("El análisis de una causa", "calidad", "first /action/list/?q=lectura+mal+tomada as analysis"),
    "accion-medida": ("Cómo se mide el efecto de una acción", "calidad", "first /action/list/?status=OPEN&kind=CORRECTIVE as measure"),
    "accion-eficacia": ("Antes y después de una acción", "subgerente", "first /action/list/?status=REVIEW&measure=CAUSE as judge"),
    "salidas-no-conformes": ("Salidas no conformes", "calidad", "/nonconformity/list/"),
    "salida-no-conforme": ("Una salida no conforme", "calidad", "first /nonconformity/list/?status=CLOSED"),
    "umbrales": ("Los umbrales de las encuestas", "calidad", "/survey-threshold/list/"),
    "alarma-encuesta": ("Un contacto que pide una encuesta", "comercial", "first /survey-alarm/list/?effect=CONTACT&status=OPEN"),
    "encuesta-archivo": ("Un archivo de respuestas", "comercial", "first /imports/list/?kind=survey_answers"),
    "encuesta-formulario-archivo": ("Un formulario a partir de un archivo", "comercial", "/survey-file/questions/3"),
    "informe-encuesta": ("El informe de una campaña", "calidad", "/survey-report/1"),
    "no-existe": ("Una página que no existe", "auxiliar", "/no-existe"),
    "correo-saliente": ("Correo que sale", "admin", "/outbox/list/"),
    "mensaje-como-llega": ("Un mensaje como llega", "admin", "/messagetemplate/preview/1"),
    "mis-avisos": ("Qué me avisan", "dueno.facturacion", "/mail/preferences/"),
    "bandeja": ("Mi bandeja", "auxiliar", "/work/"),
    "tareas-periodicas": ("Tareas periódicas", "admin", "/periodic/"),
    "reglas-recordatorio": ("Las reglas de recordatorio", "subgerente", "/reminderrule/list/"),
    "recordatorios": ("Los recordatorios dados", "subgerente", "/reminder/list/"),
    "catalogo-informes": ("El catálogo de informes", "subgerente", "/reports/"),
    "informe-por-correo": ("Un informe que se envía por correo", "subgerente", "/report-schedule/add?report=behaviour&period=LAST_MONTH"),
    "informes-por-correo": ("Los informes que se envían por correo", "subgerente", "/report-schedule/list/"),
    "informes-generados": ("Los informes que se generaron", "subgerente", "/report-run/list/"),
    "informe-notificaciones": ("Notificación de las respuestas", "subgerente", "/report/notices/?period=LAST_12_MONTHS"),
    "informe-transparencia": ("Solicitudes de información pública", "subgerente", "/report/transparency/?period=LAST_QUARTER"),
}


#: Pages of the gallery that the manual shows too, whole.
IN_THE_MANUAL = (
    "requerimiento", "notificacion", "recurso", "por-aprobar", "redactar", "silencios", "evento-masivo", "ordenes", "orden", "mis-ordenes",
    "llenar-orden", "financiacion", "cambio-factura", "desviacion", "evaluacion", "avisos", "verificar", "correo-saliente",
    "correo-entrante", "mensaje-como-llega", "facturacion",
    "catalogo-informes", "informe-por-correo", "informes-por-correo", "informes-generados",
    "informe-notificaciones", "informe-transparencia",
    "bandeja", "tareas-periodicas", "reglas-recordatorio", "recordatorios", "webhooks", "mi-calendario", "archivo-persona",
    "importaciones", "importacion",
    "partes-interesadas", "seguimiento-parte",
    "contratos", "contrato", "lista-de-verificacion", "cumplimiento", "matriz-cumplimiento", "graficos-cotizaciones",
    "cotizaciones", "cotizacion", "cotizacion-renglones",
    "garantias", "plantilla-requisitos", "graficos-contratos",
    "interrupciones", "interrupcion", "sui", "sui-congelado",
    "mapa-riesgos", "riesgo", "matriz-legal", "requisito-legal", "informacion-documentada", "caracterizacion", "paquete-auditoria",
    "revision-direccion", "indicadores", "indicador",
    "tablero-pqr", "tablero-comercial", "tablero-satisfaccion", "tablero-calidad", "tablero-televisor",
    "acciones-tablero", "acciones-calendario", "accion", "accion-analisis", "accion-medida", "accion-eficacia", "salidas-no-conformes",
    "parte", "acciones", "entrevistas-cola", "resultados", "respuestas-abiertas", "campanas", "campana-propuesta", "campana",
    "campana-calculadora", "formularios", "formulario-borrador", "formulario-pregunta", "formulario-publicar",
    "umbrales", "alarma-encuesta", "encuesta-quiosco", "informe-encuesta", "encuesta-archivo", "encuesta-formulario-archivo",
)  # fmt: skip


@cache
def session_of(browser: Browser, username: str) -> Any:
    """Return the cookies of *username*, signed in once: the door takes few attempts from one place."""
    context = browser.new_context(base_url=URL)
    if username:
        page = context.new_page()
        page.goto("/login/")
        page.fill("#username", username)
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url(lambda url: "/login" not in url)
    return context.storage_state()


def sign_in(browser: Browser, username: str) -> Any:
    state = session_of(browser, username)
    return browser.new_context(base_url=URL, viewport=DESKTOP, locale="es-CO", timezone_id="America/Bogota", storage_state=state).new_page()


def go(page: Any, path: str) -> None:
    """Open *path*: an address, or where the first row of a list leads; `first LIST as effect` is another page of that row."""
    if not path.startswith("first "):
        page.goto(path)
        return
    path, _as, door = path.removeprefix("first ").partition(" as ")
    seen_in, _plus, rest = path.partition(" + ")
    page.goto(seen_in)
    rows = page.locator("main tbody a[href], main li > a.card")
    address = (rows.first.get_attribute("href") if rows.count() else seen_in) + rest
    page.goto(address.replace("/show/", f"/{door}/") if door else address)


def shoot(page: Any, path: str, name: str, *, whole: bool = False) -> None:
    go(page, path)
    keep(page, FOLDER / f"{name}.webp", whole=whole)
    print(name, page.url)


def keep(page: Any, path: Path, *, whole: bool = False, quality: int = 80) -> None:
    """Write what *page* shows to *path*, as WebP: a third of the weight."""
    Image.open(BytesIO(page.screenshot(full_page=whole))).convert("RGB").save(path, quality=quality, method=6)


def shoot_counter(page: Any) -> None:
    """Attend somebody at the counter by the keyboard, and register what they say."""
    page.goto("/counter/")
    page.keyboard.type("carlos")
    page.wait_for_selector("#who-options [role=option]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#registration")
    page.fill("#body", "La factura de junio cobra 62 metros y siempre gasta entre 14 y 18. Pide revisar el medidor.")
    page.locator("#request_type label").first.click()
    keep(page, FOLDER / "mostrador.webp")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".counter-number")
    keep(page, FOLDER / "mostrador-radicado.webp")
    print("mostrador", page.url)


def shoot_interview(page: Any) -> None:
    """Take the next one to be called, agree on another hour without recording it, and ask the first questions."""
    page.goto("/interview/")
    page.locator("main .btn-go").first.click()
    page.wait_for_selector(".call.scripted")
    page.keyboard.press("3")
    keep(page, FOLDER / "entrevista.webp")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_selector(".ask.now")
    keep(page, FOLDER / "entrevista-pregunta.webp")
    page.locator(".page-head form button").click()
    print("entrevista", page.url)


def shoot_forms(page: Any) -> None:
    """Add a customer from within an account, leave it half written, and find the draft again."""
    page.goto("/account/add")
    page.fill("#number", "104220199")
    page.fill("#address", "Carrera 7 # 12-40")
    page.fill("#party", "Rosalba Ficticia")
    page.click("a[data-create]")
    page.wait_for_selector("dialog.sheet[open]")
    keep(page, FOLDER / "crear-sin-salir.webp")
    page.keyboard.press("Escape")
    page.wait_for_selector("form[data-kept]")
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.wait_for_selector("form .draft")
    keep(page, FOLDER / "borrador.webp")
    page.click("a[data-cancel]")
    print("borrador", page.url)


def gallery(browser: Browser, case: str) -> Iterator[tuple[str, str]]:
    """Take every page of `PAGES` on both devices, in both languages, light and dark; yield (name of the file, address)."""
    states = {}
    for user, language in product(dict.fromkeys(row[1] for row in PAGES.values()), LANGUAGES):
        context = browser.new_context(base_url=URL, locale=LANGUAGES[language], storage_state=session_of(browser, user))
        page = context.new_page()
        page.goto(f"/lang/{language}")
        states[user, language] = context.storage_state()
        context.close()
    devices = {"pantalla": DESKTOP, "celular": PHONE}
    for (user, language), state in states.items():
        for (device, viewport), theme in product(devices.items(), ("light", "dark")):
            context = browser.new_context(
                base_url=URL,
                viewport=viewport,
                locale=LANGUAGES[language],
                timezone_id="America/Bogota",
                color_scheme=theme,
                storage_state=state,
            )
            page = context.new_page()
            for name, (_title, _user, path) in ((name, row) for name, row in PAGES.items() if row[1] == user):
                go(page, path.format(case=case))
                file = f"{name}-{device}-{language}-{theme}.webp"
                keep(page, GALLERY / file, quality=60)
                yield file, page.url
            context.close()


def write_gallery() -> None:
    """Write the page that shows the gallery."""
    about = "Cada clase de página en pantalla y en celular, en español y en inglés, clara y oscura. La hace `make screenshots`."
    lines = ["# Galería", "", about, ""]
    for name, (title, _user, _path) in PAGES.items():
        lines += [f"## {title}", "", "| | Español, clara | Español, oscura | Inglés, clara | Inglés, oscura |", "|" + "---|" * 5]
        for device in ("pantalla", "celular"):
            cells = [
                f"![{title}, {device}](img/galeria/{name}-{device}-{language}-{theme}.webp)"
                for language, theme in product(LANGUAGES, ("light", "dark"))
            ]
            lines.append(f"| {device} | {' | '.join(cells)} |")
        lines.append("")
    (FOLDER.parent / "galeria.md").write_text("\n".join(lines))


def main() -> None:
    GALLERY.mkdir(parents=True, exist_ok=True)
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        clerk = sign_in(browser, "auxiliar")
        shoot(clerk, "/", "mi-dia")
        shoot(clerk, "/pqr/", "lista")
        shoot(clerk, "/search?q=consumo", "buscar")
        shoot(clerk, "/pqr/register", "registrar", whole=True)
        shoot_counter(clerk)
        shoot_forms(clerk)
        shoot_interview(clerk)
        owner = sign_in(browser, "dueno.facturacion")
        owner.goto("/pqr/?status=SOLVED")
        link = owner.locator("a[href^='/pqr/PQR-']").first.get_attribute("href")
        shoot(owner, link, "caso", whole=True)
        manager = sign_in(browser, "subgerente")
        shoot(manager, f"{link}/move/issue_answer", "aprobar", whole=True)
        shoot(manager, "/", "mi-dia-subgerente")
        shoot(sign_in(browser, "control"), "/reports/response-times/", "control-de-tiempos")
        for name in ("informe-comportamiento", "informe-pqr", "sui-mes"):
            shoot(manager, PAGES[name][2], name)
        shoot(sign_in(browser, "control"), "/charts/cases/?chart=in-time", "graficos")
        admin = sign_in(browser, "admin")
        shoot(admin, "/", "primeros-pasos")
        shoot(admin, "/calendar/", "calendario", whole=True)
        owner.set_viewport_size(PHONE)
        shoot(owner, "/", "mi-dia-celular")
        phone = browser.new_context(base_url=URL, viewport=PHONE, locale="es-CO").new_page()
        shoot(phone, "/pqr/nueva", "radicar-celular")
        shoot(phone, "/calculadora?regime=ley142&type=RECLAMO&filed=2026-07-10", "calculadora-celular", whole=True)
        for name in IN_THE_MANUAL:
            _title, user, path = PAGES[name]
            page = sign_in(browser, user)
            if name in ("mis-ordenes", "llenar-orden", "avisos"):
                page.set_viewport_size(PHONE)
            shoot(page, path, name, whole=name != "llenar-orden")
            page.context.close()
        for file, url in gallery(browser, link):
            print(file, url)
        write_gallery()
        browser.close()


if __name__ == "__main__":
    main()
