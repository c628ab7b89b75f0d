"""The words of rows: kept with the rows on both engines, and found however people write them."""

from __future__ import annotations

import threading

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import delete, func, insert, select, text, update

from app.domain.states import DocumentType, Identity
from app.models import Account, Municipality, OutboxMessage, Party, Pqr, SearchDoc
from app.search import SEARCHED, folded_contains, index_rows, matching, settle


def found(session, model, typed) -> set[int]:
    """Return the keys of the rows of *model* that a search box finds."""
    condition = matching(model, typed)
    assert condition is not None
    return set(session.scalars(select(model.id).where(condition)))


def documents(session) -> dict[tuple[str, int], set[str]]:
    """Return the words of every row that has some."""
    return {(doc.kind, doc.row_id): words(doc) for doc in session.execute(select(SearchDoc.kind, SearchDoc.row_id, SearchDoc.words))}


def words(doc) -> set[str]:
    """Return the words as either engine keeps them: PostgreSQL quotes and sorts."""
    return {word.strip("'") for word in doc.words.split()}


@pytest.fixture
def a_story(make):
    """A case of María José Ñáñez about the meter of her account."""
    party = make.party(name="María José Ñáñez Güiza", document_type=DocumentType.CC, document_number="52345678", phone="+573001234567",
                       email="maria.nanez@example.com")  # fmt: skip
    account = make.account(number="900123-4", party=party, address="Calle 7 # 12-34 Barrio Óbolo", meter="MED-77")
    return make.case(party=party, account=account, subject="Lectura del contador: cobro más alto", invoice_number="F-000981")


@pytest.mark.parametrize(
    "typed",
    [
        "maría", "MARIA", "Jose nanez", "ñáñez güiza", "nan", "52345678", "52.345.678", "52 345 678", "contador", "cobro mas alto",
        "lec cob gui", "900123-4", "9001234", "f-000981", "981", "ñañez contador 2026",
    ],
)  # fmt: skip
def test_a_case_is_found_by_the_beginnings_of_its_words(session, make, a_story, typed):
    make.case(subject="Otra cosa", party=make.party(name="Nadie Parecido", document_number="70707070"))

    assert found(session, Pqr, typed) == {a_story.id}


@pytest.mark.parametrize("typed", ["ontador", "mari jos cobro fuga", "300123", "maria.nanez@example.com", "obolo", "MED-77"])
def test_a_case_is_not_found_by_the_middle_of_a_word_or_by_what_only_its_party_or_account_has(session, a_story, typed):
    assert found(session, Pqr, typed) == set()


def test_a_case_is_found_by_its_number_and_by_its_bare_number(session, make):
    pqr = make.case()
    bare = str(int(pqr.number.rpartition("-")[2]))

    assert found(session, Pqr, pqr.number) == {pqr.id}
    assert pqr.id in found(session, Pqr, pqr.number.lower().replace("-", " "))
    assert pqr.id in found(session, Pqr, bare)


@pytest.mark.parametrize("typed", ["ñañez", "52.345", "300 123 4567", "3001234567", "+57 300 1234567", "maria.nanez@example.com"])
def test_a_party_is_found_by_name_document_phone_and_mail(session, a_story, typed):
    assert found(session, Party, typed) == {a_story.party_id}


@pytest.mark.parametrize("typed", ["900123-4", "calle 7 12", "óbolo", "med-77", "gui mar"])
def test_an_account_is_found_by_number_address_meter_and_whose_it_is(session, a_story, typed):
    assert found(session, Account, typed) == {a_story.account_id}


def test_a_message_is_found_by_its_subject_and_address(session, make, a_story):
    from app.extensions import now
    from app.operations.messages import tell_filed

    a_story.notice_email, a_story.is_e_notice = "maria.nanez@example.com", True
    tell_filed(session, a_story, now())
    session.flush()
    message = session.scalars(select(OutboxMessage)).one()

    assert found(session, OutboxMessage, f"{a_story.number} nanez") == {message.id}


@pytest.mark.parametrize("typed", ["", "  ", '"', "*", "(", "&", ":", "'", "%", "\x00", "--", "\\", "_", "🙂", "\ud800"])
def test_signs_alone_are_no_search(session, typed):
    assert matching(Pqr, typed) is None
    assert folded_contains([Municipality.name], typed) is None


@pytest.mark.parametrize(
    "typed",
    [
        'zq"zq', "zq*", "(zq", "zq & zq", "zq:*", "zq'zq", "zq%", "zq\x00zq", "zq' OR '1'='1", 'zq" OR "lectura', "NOT zq", "NEAR(zq zq)",
        "zq AND", "words:zq", "zq\\", "zq <-> zq", "!zq", "zq|lectura", "{zq}", "^zq", "zq+zq", "ｚｑ", "zq" * 5_000, "zq " * 5_000,
        "\ud800zq", "١٢٣", "日本語", "𝔷𝔮", "ß", "z\u0301q" * 300, "-- zq", "/* zq */", "$1 zq", ":words zq", "%s zq", "zq;",
    ],
)  # fmt: skip
def test_whatever_is_typed_is_only_words(session, a_story, typed):
    contains = folded_contains([Municipality.name, Municipality.department], typed)

    assert found(session, Pqr, typed) == set()
    assert session.scalars(select(Municipality.code).where(contains)).all() == []


@pytest.mark.parametrize("word", ["日本語", "ελληνικά", "𝔞𝔟𝔠", "ⅷ", "ß", "x" * 150, "١٢٣", "not", "or", "and", "near", "é" * 120])
def test_a_word_of_any_alphabet_and_length_is_found(session, make, word):
    pqr = make.case(subject=f"Letras {word}")

    assert found(session, Pqr, word) == {pqr.id}


def test_small_tables_are_searched_inside_words_with_accents_forgiven(session, make):
    columns = [Municipality.name, Municipality.department]
    session.add_all(
        [
            Municipality(code="99998", name="PEÑÓN DE ÁBREGO", department="Prueba"),
            Municipality(code="99999", name="Cien%", department="x_y"),
        ]
    )
    session.flush()

    def codes(typed):
        return set(session.scalars(select(Municipality.code).where(folded_contains(columns, typed), Municipality.code > "99990")))

    assert codes("penon") == codes("ABREGO peñ") == codes("enó pruéba") == {"99998"}
    assert codes("cien") == {"99999"}
    assert codes("cien penon") == set()


# ── Kept with the rows ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_party_that_changes_its_name_or_document_is_found_by_the_new_one_with_its_cases_and_accounts(session, a_story):
    a_story.party.name = "Rosalba Peñuela"
    a_story.party.document_number = "41000111"
    session.flush()

    assert found(session, Party, "penuela") == found(session, Party, "41.000.111") == {a_story.party_id}
    assert found(session, Pqr, "penuela contador") == found(session, Pqr, "41000111") == {a_story.id}
    assert found(session, Account, "rosalba calle") == {a_story.account_id}
    assert found(session, Party, "guiza") == found(session, Pqr, "guiza") == found(session, Account, "guiza") == set()


def test_an_account_that_changes_its_number_or_hands_is_found_by_the_new_one(session, make, a_story):
    a_story.account.number = "555-1"
    a_story.account.party = make.party(name="Elkin Zárate")
    session.flush()

    assert found(session, Account, "555-1 zarate") == {a_story.account_id}
    assert found(session, Pqr, "555-1 nanez") == {a_story.id}
    assert found(session, Pqr, "900123") == found(session, Pqr, "zarate") == found(session, Account, "nanez") == set()


def test_a_corrected_case_is_found_by_what_it_says_now(session, make, a_story):
    a_story.subject = "Fuga en la acometida"
    a_story.account = None
    session.flush()

    assert found(session, Pqr, "fuga nanez") == {a_story.id}
    assert found(session, Pqr, "contador") == found(session, Pqr, "900123") == set()


def test_whoever_asks_for_reserve_is_never_found_by_name_or_document(session, make):
    party = make.party(name="Denunciante Discreta", document_number="98765432")
    reserved = make.case(party=party, identity=Identity.RESERVED, subject="Maltrato en ventanilla")
    named = make.case(party=party, subject="Cobro")

    assert found(session, Pqr, "denunciante") == found(session, Pqr, "98765432") == {named.id}
    assert found(session, Pqr, "maltrato ventanilla") == {reserved.id}
    party.name = "Denunciante Renombrada"
    named.identity = Identity.RESERVED
    session.flush()
    assert found(session, Pqr, "denunciante") == found(session, Pqr, "renombrada") == set()
    named.identity = Identity.NAMED
    session.flush()
    assert found(session, Pqr, "renombrada") == {named.id}


def test_an_anonymous_case_is_found_by_its_subject(session, make):
    pqr = make.case(identity=Identity.ANONYMOUS, subject="Vertimiento nocturno")

    assert found(session, Pqr, "vertim") == {pqr.id}


def test_a_row_that_is_deleted_leaves_no_words(session, make):
    party = make.party(name="Efímera Ficticia")
    session.delete(party)
    session.flush()

    assert found(session, Party, "efimera") == set()
    assert ("party", party.id) not in documents(session)


def test_what_is_undone_leaves_no_words(session, make):
    before = documents(session)
    with session.begin_nested() as savepoint:
        make.party(name="Arrepentida Ficticia")
        savepoint.rollback()

    assert documents(session) == before
    assert found(session, Party, "arrepentida") == set()


def test_a_change_of_anything_else_writes_no_words(session, a_story, count_statements):
    with count_statements() as statements:
        a_story.body = "Otro texto"
        a_story.party.address = "Calle 8"
        session.flush()

    assert not [statement for statement in statements if "search_doc" in statement]


def test_filing_costs_one_statement_to_read_the_words_and_one_to_keep_them(session, make, count_statements):
    filing = make.filing(account=make.account())
    from app.extensions import now
    from app.operations.pqr import file_pqr

    session.flush()
    with count_statements() as statements:
        file_pqr(session, filing, at=now())

    assert len([statement for statement in statements if "search_doc" in statement]) == 1
    assert len([statement for statement in statements if statement.startswith("SELECT pqr.id, pqr.number, pqr.subject")]) == 1


def test_a_new_name_costs_the_same_few_statements_however_many_cases_carry_it(session, make, count_statements):
    parties = [make.party(), make.party()]
    for n, party in zip((1, 12), parties, strict=True):
        for _ in range(n):
            make.case(party=party, account=make.account(party=party))
    counts = []
    for party in parties:
        party.name = "Nombre Nuevo"
        with count_statements() as statements:
            session.flush()
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 12  # one for each kind of rows that carry it
    assert len(found(session, Pqr, "nombre nuevo")) == 13


# ── Written unseen ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_bulk_rows_are_indexed_on_demand(session, make):
    from app.extensions import now

    common = {"created_at": now(), "changed_at": now()}
    session.execute(insert(Party.__table__), [{"kind": "PERSON", "name": f"Masiva Ficticia {i}", **common} for i in range(2500)])
    assert found(session, Party, "masiva") == set()
    keys = session.scalars(select(Party.id).where(Party.name.startswith("Masiva"))).all()

    assert index_rows(session, Party, keys[:3]) == 3
    assert found(session, Party, "masiva") == set(keys[:3])
    assert index_rows(session, Party) == session.scalar(select(func.count()).select_from(Party))
    assert found(session, Party, "masiva") == set(keys)
    session.execute(delete(Party.__table__).where(Party.id.in_(keys)))
    index_rows(session, Party)
    assert found(session, Party, "masiva") == set()


def test_reindexing_heals_what_was_written_behind_the_back(session, a_story):
    session.execute(update(Party.__table__).values(name="Torcida Ficticia"))
    session.execute(delete(SearchDoc.__table__).where(SearchDoc.kind == "account"))
    for model in SEARCHED:
        index_rows(session, model)
    settle(session)

    assert found(session, Party, "torcida") == {a_story.party_id}
    assert found(session, Pqr, "torcida") == {a_story.id}
    assert found(session, Account, "torcida 900123-4") == {a_story.account_id}


def test_reindexing_what_is_right_changes_nothing(session, a_story):
    before = documents(session)
    for model in SEARCHED:
        index_rows(session, model)

    assert documents(session) == before


def test_every_kind_has_its_index():
    """On PostgreSQL each kind has a partial index, named in the model and built by a revision."""
    assert set(SearchDoc.KINDS) == {model.__tablename__ for model in SEARCHED}


def test_the_command_indexes_everything(fresh_app):
    from app.extensions import db
    from tests.factories import Factory

    with fresh_app.app_context():
        key = Factory(db.session()).party(name="Perdida Ficticia").id
        db.session.execute(delete(SearchDoc.__table__))
        db.session.commit()
    result = fresh_app.test_cli_runner().invoke(args=["atiende", "reindex"])

    assert result.exit_code == 0, result.output
    with fresh_app.app_context():
        assert found(db.session, Party, "perdida") == {key}


def test_the_revision_indexes_the_rows_that_are_there_and_goes_back(fresh_app):
    """What the revision writes is what the product would: the same words, and kept from then on."""
    from app.extensions import db
    from tests.factories import Factory

    with fresh_app.app_context():
        make = Factory(db.session())
        party = make.party(name="Antigua Ñáñez", phone="+573001234567", document_type=DocumentType.NIT, document_number="8909039388")
        account = make.account(party=party, number="007-7", meter="M 1.234.567")
        make.case(party=party, account=account, subject="Único: 12,500 pesos — ½")
        make.case(party=party, identity=Identity.RESERVED)
        db.session.commit()
        later = {"legal_requirement", "controlled_document"}  # seeds of tables that go with the downgrade
        kept = {key: words for key, words in documents(db.session).items() if key[0] not in later}
        db.session.remove()
        downgrade(revision="0003")
        with db.engine.connect() as connection:
            tables = connection.dialect.get_table_names(connection)
        upgrade()

        assert not [name for name in tables if name.startswith("search")]
        assert documents(db.session) == kept != {}
        Factory(db.session()).party(name="Nueva Ficticia")
        assert len(found(db.session, Party, "nueva ficticia")) == len(found(db.session, Party, "antigua")) == 1
        db.session.rollback()


def test_two_writers_at_once_leave_the_words_of_both(fresh_app, engine):
    """One renames a party while another corrects a case and a third files one: PostgreSQL lets them run at once."""
    from app.extensions import db
    from tests.factories import Factory

    if engine != "postgresql":
        return  # writers queue
    with fresh_app.app_context():
        make = Factory(db.session())
        party = make.party(name="Nombre Viejo")
        pqr_id, party_id = make.case(party=party, subject="Asunto viejo").id, party.id
        db.session.commit()
        db.session.remove()
    errors = []

    def rename():
        with fresh_app.app_context():
            try:
                db.session.get_one(Party, party_id).name = "Nombre Nuevo"
                db.session.flush()
                db.session.commit()
            except Exception as error:
                errors.append(error)
            finally:
                db.session.remove()

    with fresh_app.app_context():
        make = Factory(db.session())
        db.session.get_one(Pqr, pqr_id).subject = "Asunto nuevo"
        filed_id = make.case(party=db.session.get_one(Party, party_id), subject="Recién radicado").id  # with the old name in hand
        thread = threading.Thread(target=rename)
        thread.start()
        wait_for_a_lock(db)
        db.session.commit()
        thread.join(20)

        assert errors == []
        assert found(db.session, Pqr, "nombre nuevo") == {pqr_id, filed_id}
        assert found(db.session, Pqr, "asunto nuevo") == {pqr_id}
        assert found(db.session, Pqr, "viejo") == set()
        db.session.rollback()


def wait_for_a_lock(db) -> None:
    """Return as soon as somebody waits for a lock of this database."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    with db.engine.connect() as connection:
        for _ in range(100_000):
            if connection.execute(waiting).scalar():
                return
            connection.rollback()
    raise AssertionError("nobody waits")
