"""Files of others, read: encodings, delimiters, headers, numbers, days, and what a column shows about its notation."""

from __future__ import annotations

import csv
import zipfile
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xlsxwriter import Workbook

from app.importing import reading
from app.importing.cells import BadCell, Evidence, Notation, decimal_of, integer_of, moment_of, read_code, text_of, yesno_of
from app.importing.engine import check_mapping, header_of, parse_all, suggested
from app.importing.headers import Header, canon, find_header, is_total, name_columns, suggest
from app.importing.kinds import Field, Kind, Option, Row, Type
from app.importing.reading import FileRefused, delimiter_of, open_book

COMMA, POINT = Notation(","), Notation(".")


class Readings(Kind):
    """A kind for these tests."""

    name, title = "readings", "Readings"
    fields = (
        Field("number", "Number", Type.CODE, is_required=True, synonyms=("No. cuenta", "NUIS", "matrícula"), most=12),
        Field("read_on", "Date", Type.DATE, synonyms=("fecha",)),
        Field("answered_on", "Answered", Type.DATE, is_lenient=True, synonyms=("respuesta",)),
        Field("amount", "Amount", Type.MONEY, synonyms=("valor",)),
        Field("unit", "Unit", Type.CHOICE, synonyms=("causa",)),
        Field("n", "Count", Type.INTEGER, synonyms=("cantidad",), least=0),
    )
    key = ("number",)
    keeps_rest = True


UNITS = {"unit": [Option("MAP", "Cartografía"), Option("MET", "Medidor", ("contador",))]}


def book(*rows: tuple[Any, ...], merge: str = "") -> BytesIO:
    out = BytesIO()
    workbook = Workbook(out)
    sheet = workbook.add_worksheet("Hoja 1")
    day = workbook.add_format({"num_format": "dd/mm/yyyy"})
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(r, c, datetime.combine(cell, datetime.min.time()), day)
            elif cell is not None:
                sheet.write(r, c, cell)
    if merge:
        sheet.merge_range(merge, "Fechas")
    workbook.close()
    out.seek(0)
    return out


def text(*lines: str, encoding: str = "utf-8") -> BytesIO:
    return BytesIO("\r\n".join(lines).encode(encoding))


def parsed(stream: BytesIO) -> list[Row]:
    return [row for rows in parse_all(stream, Readings(), options=UNITS) for row in rows]


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

SAMPLE = "Matrícula;Fecha;Causa\r\nA1;15/03/2023;Cartografía\r\nA2;16/03/2023;Año de la señal, ñandú\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1", "cp850", "mac_roman"])
def test_spanish_survives_every_usual_encoding(encoding):
    rows = list(open_book(BytesIO(SAMPLE.encode(encoding))).rows("CSV"))

    assert rows[0] == ["Matrícula", "Fecha", "Causa"]
    assert rows[2][2] == "Año de la señal, ñandú"


@given(
    rows=st.lists(
        st.tuples(*[st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=12)] * 3),
        min_size=3,
        max_size=8,
    ),
    delimiter=st.sampled_from(",;\t|"),
)
def test_whatever_a_program_quotes_comes_back_as_it_was(rows, delimiter):
    out = StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("uno", "dos", "tres"), *rows])
    found = list(csv.reader(StringIO(out.getvalue()), delimiter=delimiter_of(out.getvalue())))

    assert found[1:] == [list(row) for row in rows]


def test_line_breaks_and_delimiters_inside_quotes_stay_in_their_cell():
    rows = list(open_book(text('a,b', '"Cobros por\r\nconexión, corte",2')).rows("CSV"))

    assert rows[1] == ["Cobros por\r\nconexión, corte", "2"]


def test_the_hint_that_excel_leaves_for_itself_is_no_row():
    assert list(open_book(text("sep=|", "a|b", "1|2")).rows("CSV")) == [[], ["a", "b"], ["1", "2"]]


def test_a_cell_at_the_end_of_the_world_is_refused_before_it_is_held():
    out = BytesIO()
    workbook = Workbook(out)
    sheet = workbook.add_worksheet()
    sheet.write(0, 0, "a")
    sheet.write(1_048_575, 16_383, "b")
    workbook.close()
    with pytest.raises(FileRefused, match="row 1048576, column 16384"):
        open_book(out)


def test_a_book_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(reading, "MAX_UNPACKED", 1000)
    with pytest.raises(FileRefused, match="unpacks to more"):
        open_book(book(("a", "b"), *((f"fila {n}", n) for n in range(200))))


def test_an_open_document_is_read_too():
    content = (
        '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
        'office:version="1.2"><office:body><office:spreadsheet><table:table table:name="Datos"><table:table-row>'
        '<table:table-cell office:value-type="string"><text:p>Cuenta</text:p></table:table-cell>'
        '<table:table-cell office:value-type="string"><text:p>Valor</text:p></table:table-cell></table:table-row><table:table-row>'
        '<table:table-cell office:value-type="string"><text:p>0012</text:p></table:table-cell>'
        '<table:table-cell office:value-type="float" office:value="12.5"><text:p>12,5</text:p></table:table-cell></table:table-row>'
        '<table:table-row table:number-rows-repeated="1048574"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
        archive.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{manifest}"/>')
        archive.writestr("content.xml", content)

    assert list(open_book(out).rows("Datos")) == [["Cuenta", "Valor"], ["0012", 12.5]]


# ── Headers ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_merged_headers_are_joined_and_repeated_names_numbered():
    rows = [("No.", "Fechas", "", "Causa", "Nombre", "Nombre"), ("", "Recibo", "Respuesta", "", "", "")]

    assert name_columns(rows) == ("No.", "Fechas / Recibo", "Fechas / Respuesta", "Causa", "Nombre", "Nombre (2)")


def test_a_log_with_titles_and_merged_headers_is_understood():
    stream = book(
        ("EMPRESA DE SERVICIOS PÚBLICOS",), ("Registro de PQR 2019",), (), ("NUIS", "Fechas", None, "Causa", "Observaciones"),
        (None, "Fecha", "Respuesta"), ("00012", date(2019, 3, 15), "15 de abril de 2019", "Cartografia", "Urgente"),
        ("00013", 43540, "no se sabe", "CARTOGRAFÍA ", "Otra"), (), ("Total", None, None, None, "2"), merge="B4:C4",
    )  # fmt: skip
    rows = parsed(stream)

    assert [(row.number, row["number"], row["read_on"], row["answered_on"], row["unit"]) for row in rows] == [
        (6, "00012", date(2019, 3, 15), date(2019, 4, 15), "MAP"),
        (7, "00013", date(2019, 3, 16), None, "MAP"),
    ]
    assert rows[0].rest == {"Observaciones": "Urgente"}
    assert [(doubt.name, doubt.code) for doubt in rows[1].doubts] == [("answered_on", "UNREADABLE")]
    assert rows[1].problems == ()


def test_columns_of_years_are_found_only_where_a_kind_has_them():
    names = ("MUNICIPIO", "2021", "2022")

    assert suggest(names, {"place": frozenset({"municipio"}), "n": frozenset({"n"})}, {"n": "year"}) == {
        0: "place", 1: "n@2021", 2: "n@2022"}  # fmt: skip
    assert suggest(names, {"place": frozenset({"municipio"})}, {}) == {0: "place"}


def test_the_fingerprint_forgives_spelling_and_nothing_else():
    one = Header(0, 1, ("No. Cuenta", "Dirección"))

    assert one.fingerprint == Header(4, 1, ("NO CUENTA", "DIRECCION")).fingerprint
    assert one.fingerprint != Header(0, 1, ("Dirección", "No. Cuenta")).fingerprint


def test_a_header_that_no_kind_knows_is_the_first_full_row_of_text():
    rows = [["Informe", "", ""], ["a1", "b1", "c1"], ["x", 2, 3]]

    assert find_header(rows, {}, {}) == Header(1, 1, ("a1", "b1", "c1"))


def test_synonyms_forgive_accents_capitals_and_dots():
    kind = Readings()
    for spelling in ("NO CUENTA", "no. cuenta", "Nuis", "MATRICULA", "Matrícula del predio"):
        assert suggested(Header(0, 1, (spelling,)), kind) == {0: "number"}, spelling


def test_a_mapping_names_each_field_once_and_what_every_row_needs():
    with pytest.raises(Exception, match="Two columns fill"):
        check_mapping(Readings(), {0: "number", 1: "number"})
    with pytest.raises(Exception, match="No column fills"):
        check_mapping(Readings(), {0: "amount"})


@pytest.mark.parametrize(("words", "is_sum"), [("Total", True), ("TOTAL GENERAL", True), ("Subtotal abril", True), ("Totalmente", False)])
def test_sums_under_a_table_are_known(words, is_sum):
    assert is_total(["", words, 3]) is is_sum


# ── Cells ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("15/03/2023", (2023, 3, 15)), ("5-3-23", (2023, 3, 5)), ("2023-03-15", (2023, 3, 15)), ("15.03.2023", (2023, 3, 15)),
        ("15 de marzo de 2023", (2023, 3, 15)), ("Miércoles, 15 de marzo de 2023", (2023, 3, 15)), ("15-mar-23", (2023, 3, 15)),
        ("marzo 15 de 2023", (2023, 3, 15)), ("20230315", (2023, 3, 15)), ("45000", (2023, 3, 15)), (45000.0, (2023, 3, 15)),
        (date(2023, 3, 15), (2023, 3, 15)), ("\xa015/03/2023 ", (2023, 3, 15)), ("1/2/99", (1999, 2, 1)), ("12/25/2023", (2023, 12, 25)),
    ],
)  # fmt: skip
def test_a_day_is_read_however_it_is_written(cell, day):
    assert moment_of(cell, COMMA) == datetime(*day)


@pytest.mark.parametrize(
    ("cell", "hour"),
    [("15/03/2023 2:05 p. m.", (14, 5)), ("15/03/2023 12:10 am", (0, 10)), ("2023-03-15T08:30:00", (8, 30)), (45000.5, (12, 0)),
     (datetime(2023, 3, 15, 9, 1), (9, 1))],
)  # fmt: skip
def test_the_hour_of_a_moment_is_kept(cell, hour):
    assert moment_of(cell, COMMA) == datetime(2023, 3, 15, *hour)


@pytest.mark.parametrize("cell", ["31/02/2023", "15/13/2023", "mañana", "15/03/202", "00/01/2023", 12.0, True, "1500-01-01"])
def test_what_is_no_day_is_said_and_not_guessed(cell):
    with pytest.raises(BadCell):
        moment_of(cell, COMMA)


@pytest.mark.parametrize("cell", ["", "  ", "\xa0", "-", "N/A", "s/d", "0000-00-00", None])
def test_nothing_is_nothing_however_it_is_written(cell):
    assert moment_of(cell, COMMA) is None and decimal_of(cell, COMMA) is None


@pytest.mark.parametrize(
    ("cell", "notation", "number"),
    [
        ("1.234,50", POINT, "1234.50"), ("1,234.50", COMMA, "1234.50"), ("4,112", POINT, "4112"), ("4.112", COMMA, "4112"),
        ("4,112", COMMA, "4.112"), ("$ 1.234.567", POINT, "1234567"), ("(1.200)", COMMA, "-1200"), ("350-", COMMA, "-350"),
        ("0,125", POINT, "0.125"), ("12 345", COMMA, "12345"),
        ("COP 3.000", COMMA, "3000"), (5.0, COMMA, "5"), (0.1, COMMA, "0.1"), ("1'234", COMMA, "1234"), ("14,5 m3", COMMA, "14.5"),
    ],
)  # fmt: skip
def test_an_amount_is_read_in_the_notation_of_its_column(cell, notation, number):
    assert decimal_of(cell, notation) == Decimal(number)


@pytest.mark.parametrize("cell", ["doce", "1.2.3,4,5", "12-3", True, float("nan"), "٣"])
def test_what_is_no_number_is_said(cell):
    with pytest.raises(BadCell):
        decimal_of(cell, COMMA)


def test_a_whole_number_has_no_part():
    assert integer_of("7,018", COMMA) == 7018
    with pytest.raises(BadCell):
        integer_of("3,5", COMMA)


@pytest.mark.parametrize(("cells", "decimal"), [(["684", "4,112", "5,809"], "."), (["4.112", "7"], ","), (["4,112", "1.000,5"], ","),
                                                (["4.112", "12.50"], "."), (["4,112", "0,125"], ",")])  # fmt: skip
def test_the_column_decides_what_one_cell_does_not_tell(cells, decimal):
    evidence = Evidence()
    evidence.of_numbers(cells)

    assert evidence.notation().decimal == decimal


def test_months_come_first_only_where_a_day_proves_it():
    proof, none = Evidence(), Evidence()
    proof.of_days(["03/04/2023", "03/25/2023"])
    none.of_days(["03/04/2023"])

    assert (proof.notation().day_first, none.notation().day_first) == (False, True)


def test_zeros_that_a_sheet_lost_come_back():
    assert read_code("5001", 5) == read_code(5001.0, 5) == "05001"
    with pytest.raises(BadCell):
        read_code("123456", 5)


@pytest.mark.parametrize(
    ("cell", "value"), [("Sí", True), ("X", True), ("ACTIVO", True), (1.0, True), ("no", False), ("Retirado", False), ("", None)]
)
def test_yes_and_no_have_many_names(cell, value):
    assert yesno_of(cell) is value


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none(), st.dates(), st.datetimes()))
def test_no_cell_breaks_a_reader(cell):
    for read in (lambda c: moment_of(c, COMMA), lambda c: decimal_of(c, POINT), lambda c: integer_of(c, COMMA), yesno_of, text_of):
        try:
            read(cell)
        except BadCell as error:
            assert error.msgid % error.facts


# ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_with_a_cell_too_many_is_not_shifted_in_silence():
    rows = parsed(text("NUIS;Valor", "1;2", "2;3;4", "3"))

    assert [bool(row.problems) for row in rows] == [False, True, False]
    assert "delimiter" in rows[1].problems[0].msgid


def test_a_repeated_header_and_empty_lines_are_left_out_and_a_repeated_key_is_refused():
    rows = parsed(text("NUIS;Valor;Cantidad", "1;2;3", ";;", "NUIS;Valor;Cantidad", "1;5;6"))

    assert [(row.number, bool(row.problems)) for row in rows] == [(2, False), (5, True)]
    assert rows[1].problems[0].facts == {"row": 2}


def test_a_value_that_is_in_no_list_is_a_problem_of_its_field():
    rows = parsed(text("NUIS;Causa", "1;CARTOGRAFIA", "2;Contador", "3;Otra cosa"))

    assert [row["unit"] for row in rows] == ["MAP", "MET", None]
    assert rows[2].problems[0].name == "unit"


def test_the_header_is_found_in_the_first_rows_only():
    assert header_of([["", ""], ["NUIS", "Valor"], ["1", "2"]], Readings()) == Header(1, 1, ("NUIS", "Valor"))
    assert canon(" No.  CUENTA_ñ ") == "no cuenta n"
