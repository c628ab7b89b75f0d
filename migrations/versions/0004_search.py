"""The words that rows are found by: a table that the product keeps, indexed by GIN (PostgreSQL) or FTS5 (SQLite).

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-22 01:10:00

"""
import re
import unicodedata

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

#: The words of the rows that are there already, as app/search.py told them on the day of this revision.
ROWS = {
    'pqr': (
        'SELECT q.id, q.number, q.subject, q.invoice_number, a.number,'
        " CASE WHEN q.identity = 'NAMED' THEN p.name END, CASE WHEN q.identity = 'NAMED' THEN p.document_number END"
        ' FROM pqr q LEFT JOIN account a ON a.id = q.account_id LEFT JOIN party p ON p.id = q.party_id'
    ),
    'party': 'SELECT id, name, document_number, phone, email FROM party',
    'account': 'SELECT a.id, a.number, a.address, a.meter, p.name FROM account a LEFT JOIN party p ON p.id = a.party_id',
    'outbox_message': 'SELECT id, subject, to_address FROM outbox_message',
}
#: The FTS5 table reads `search_doc` and keeps only its index; the triggers are its only writers, so it cannot drift. Words are
#: folded before they get here, hence `ascii`: between blanks, every character is part of a word, exactly as on PostgreSQL.
SQLITE = (
    "CREATE VIRTUAL TABLE search_words USING fts5(words, content='search_doc', content_rowid='id', tokenize='ascii', prefix='2 3',"
    " detail='none', columnsize=0)",
    'CREATE TRIGGER search_doc_added AFTER INSERT ON search_doc BEGIN'
    ' INSERT INTO search_words(rowid, words) VALUES (new.id, new.words); END',
    'CREATE TRIGGER search_doc_removed AFTER DELETE ON search_doc BEGIN'
    " INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', old.id, old.words); END",
    'CREATE TRIGGER search_doc_changed AFTER UPDATE ON search_doc BEGIN'
    " INSERT INTO search_words(search_words, rowid, words) VALUES ('delete', old.id, old.words);"
    ' INSERT INTO search_words(rowid, words) VALUES (new.id, new.words); END',
    "INSERT INTO search_words(search_words) VALUES ('rebuild')",
)


def words_of(texts):
    text = ' '.join(text for text in texts if text)
    for _ in range(2):
        text = unicodedata.normalize('NFKD', text.casefold())
    text = ''.join(letter for letter in text if not unicodedata.combining(letter))
    text = re.sub(r'(?<=\d)[.,](?=\d{3}(?!\d))|(?<=\d{6})-(?=\d(?!\w))', '', text)
    found = {}
    for word in ''.join(letter if letter.isalnum() else ' ' for letter in text).split():
        word = word[:100]
        found[word] = None
        if re.fullmatch('0+[1-9][0-9]*', word):
            found[word.lstrip('0')] = None
        elif re.fullmatch('57[0-9]{10}', word):
            found[word[2:]] = None
    return ' '.join(found)


def upgrade():
    table = op.create_table('search_doc',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False, comment='Table of the row'),
    sa.Column('row_id', sa.Integer(), nullable=False),
    sa.Column('words', sa.Text().with_variant(postgresql.TSVECTOR(), 'postgresql'), nullable=False, comment='Folded, each once'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_search_doc')),
    sa.UniqueConstraint('kind', 'row_id', name=op.f('uq_search_doc_kind_row_id'))
    )
    if not context.is_offline_mode():  # printed SQL cannot fold: run `flask atiende reindex` after it
        fill(table)
    if op.get_context().dialect.name == 'sqlite':
        for statement in SQLITE:
            op.execute(statement)
        return
    for kind in ROWS:
        op.create_index(
            f'ix_search_doc_{kind}', 'search_doc', ['words'], postgresql_using='gin', postgresql_where=sa.text(f"kind = '{kind}'"),
            postgresql_with={'fastupdate': 'off'},
        )
    op.execute('ANALYZE search_doc')


def fill(table):
    connection = op.get_bind()
    for kind, statement in ROWS.items():
        rows = connection.execute(sa.text(statement))
        while block := rows.fetchmany(1000):
            connection.execute(table.insert(), [{'kind': kind, 'row_id': key, 'words': words_of(texts)} for key, *texts in block])


def downgrade():
    if op.get_context().dialect.name == 'sqlite':
        op.execute('DROP TABLE search_words')
    op.drop_table('search_doc')
