"""Interested parties, quotations, contracts, annual verification, actions; what was signed is frozen by triggers.

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-22 10:50:00

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

KINDS_BEFORE = "kind IN ('RECEIPT', 'ANSWER', 'COMPLETION_REQUEST', 'CLARIFICATION_REQUEST', 'EVIDENCE_ORDER', 'EXTENSION', 'TRANSFER', 'WITHDRAWAL', 'ARCHIVE', 'SUMMONS', 'PERSONAL_NOTICE', 'AVISO', 'NOTICE_CERTIFICATE', 'RECOGNITION', 'SSPD_LETTER', 'SSPD_FILE', 'WORK_ORDER', 'PRIOR_REVIEW', 'SUSPENSION', 'CUT', 'REINSTALLATION', 'RECONNECTION', 'FINANCING', 'INVOICE_CHANGE')"
KINDS_AFTER = KINDS_BEFORE.replace("'INVOICE_CHANGE'", "'INVOICE_CHANGE', 'QUOTATION', 'CHECKLIST'")

SEARCHED = ('quotation', 'contract', 'party_contact', 'action')


def find_by_words():
    if op.get_context().dialect.name == 'postgresql':
        for kind in SEARCHED:
            op.create_index(
                f'ix_search_doc_{kind}', 'search_doc', ['words'], postgresql_using='gin', postgresql_where=sa.text(f"kind = '{kind}'"),
                postgresql_with={'fastupdate': 'off'},
            )


def find_no_longer():
    for kind in SEARCHED:
        op.execute(f"DELETE FROM search_doc WHERE kind = '{kind}'")
        if op.get_context().dialect.name == 'postgresql':
            op.drop_index(f'ix_search_doc_{kind}', 'search_doc')


def change_document_kinds(to):
    with op.batch_alter_table('document') as batch_op:
        batch_op.drop_constraint(op.f('ck_document_kind_known'), type_='check')
        batch_op.create_check_constraint(op.f('ck_document_kind_known'), sa.text(to))


# What may not change any more, and from when. The text of a refusal begins with "frozen:".

#: (table, when a row is frozen, columns that then keep their value; without columns none may change)
ROWS = (
    ('quotation', "OLD.status = 'ACCEPTED'", 'number status version party_id subject request requested_on total_cop sent_on valid_until decided_on'),
    ('quotation_version', 'OLD.sent_on IS NOT NULL',
     'quotation_id number validity_days delivery payment conditions subtotal_cop vat_cop total_cop sent_on valid_until document_id'),
    ('contract', 'OLD.signed_on IS NOT NULL', 'number party_id quotation_id object starts_on signed_on'),
    ('contract_requirement', 'OLD.is_frozen', 'contract_id position text quality clause verification evidence is_frozen amendment_id replaces_id'),
    ('amendment', "OLD.status = 'SIGNED'", 'contract_id number status reason signed_on effective_on new_ends_on value_change_cop'),
)
#: (table, column that names the row it hangs from, that table, when it is frozen): then nothing is added, changed or taken away
PARTS = (
    ('quotation_line', 'version_id', 'quotation_version', 'sent_on IS NOT NULL'),
    ('checklist_item', 'checklist_id', 'checklist', "status = 'CLOSED'"),
    ('amendment_ending', 'amendment_id', 'amendment', "status = 'SIGNED'"),
)
_SIGNED = 'EXISTS (SELECT 1 FROM contract WHERE id = {}.contract_id AND signed_on IS NOT NULL)'
_OF_ITS_PARTY = 'EXISTS (SELECT 1 FROM quotation WHERE id = NEW.quotation_id AND party_id <> NEW.party_id)'
#: (name, table, event, what is refused): a contract is of the party of its quotation; who signed stays; only an amendment brings what a
#: signed contract requires, and what ended stays ended
RULES = (
    ('contract_insert_kept', 'contract', 'INSERT', _OF_ITS_PARTY),
    ('contract_update_kept', 'contract', 'UPDATE', _OF_ITS_PARTY),
    ('contract_signatory_update_kept', 'contract_signatory', 'UPDATE', _SIGNED.format('OLD')),
    ('contract_signatory_delete_kept', 'contract_signatory', 'DELETE', _SIGNED.format('OLD')),
    ('contract_requirement_insert_kept', 'contract_requirement', 'INSERT',
     'NOT NEW.is_frozen AND NEW.amendment_id IS NULL AND ' + _SIGNED.format('NEW')),
    ('contract_requirement_update_kept', 'contract_requirement', 'UPDATE',
     'OLD.ended_by_id IS NOT NULL AND (NEW.ended_by_id IS NULL OR NEW.ended_by_id <> OLD.ended_by_id)'),
)


def frozen_rows(dialect):
    """Yield (name, table, event, condition) of the triggers of ROWS."""
    differs = 'IS NOT' if dialect == 'sqlite' else 'IS DISTINCT FROM'
    for table, when, columns in ROWS:
        changed = ' OR '.join(f'NEW.{name} {differs} OLD.{name}' for name in columns.split())
        yield f'{table}_keeps', table, 'UPDATE', f'({when}) AND ({changed})'
        yield f'{table}_stays', table, 'DELETE', when


def frozen_parts():
    """Yield (name, table, event, condition) of the triggers of PARTS and RULES; the condition may hold a subquery."""
    for table, key, parent, when in PARTS:
        for event, rows in (('INSERT', ('NEW',)), ('UPDATE', ('OLD', 'NEW')), ('DELETE', ('OLD',))):
            keys = ', '.join(f'{row}.{key}' for row in rows)
            yield (f'{table}_{event.lower()}_kept', table, event,
                   f'EXISTS (SELECT 1 FROM {parent} WHERE id IN ({keys}) AND {when})')
    yield from RULES


def freeze():
    dialect = op.get_bind().dialect.name
    if dialect == 'sqlite':
        for name, table, event, condition in (*frozen_rows(dialect), *frozen_parts()):
            op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN {condition} "
                       f"BEGIN SELECT RAISE(ABORT, 'frozen: {table}'); END")
        return
    refuse = "RAISE EXCEPTION 'frozen: %', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'"
    op.execute(f"CREATE FUNCTION refuse_frozen() RETURNS trigger AS $$ BEGIN {refuse}; END $$ LANGUAGE plpgsql")
    for name, table, event, condition in frozen_rows(dialect):
        op.execute(f'CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse_frozen()')
    for name, table, event, condition in frozen_parts():
        back = 'OLD' if event == 'DELETE' else 'NEW'
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger AS $$ BEGIN IF {condition} THEN {refuse}; END IF; RETURN {back}; END $$"
                   " LANGUAGE plpgsql")
        op.execute(f'CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()')


def thaw():
    dialect = op.get_bind().dialect.name
    for name, table, _event, _condition in (*frozen_rows(dialect), *frozen_parts()):
        op.execute(f'DROP TRIGGER {name}' + ('' if dialect == 'sqlite' else f' ON {table}'))
    if dialect != 'sqlite':
        op.execute('DROP FUNCTION refuse_frozen()')
        for name, *_rest in frozen_parts():
            op.execute(f'DROP FUNCTION {name}()')



def upgrade():
    op.create_table('contract_kind',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_contract_kind_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_contract_kind_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contract_kind')),
    sa.UniqueConstraint('code', name=op.f('uq_contract_kind_code')),
    sa.UniqueConstraint('name', name=op.f('uq_contract_kind_name'))
    )
    op.create_table('interest_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_interest_group_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_interest_group_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_interest_group')),
    sa.UniqueConstraint('code', name=op.f('uq_interest_group_code')),
    sa.UniqueConstraint('name', name=op.f('uq_interest_group_name'))
    )
    op.create_table('action',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False, comment='AC-2026-0001; gap-free'),
    sa.Column('kind', sa.Enum('CORRECTION', 'CORRECTIVE', 'PREVENTIVE', 'IMPROVEMENT', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('origin', sa.Enum('CHECKLIST', 'PQR', 'SURVEY', 'OTHER', name='origin_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('origin_key', sa.String(length=60), nullable=False, comment='Number of what asked for it'),
    sa.Column('origin_path', sa.String(length=200), nullable=False, comment='Where that opens'),
    sa.Column('party_id', sa.Integer(), nullable=True),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('process_id', sa.Integer(), nullable=False),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('status', sa.Enum('OPEN', 'DONE', 'CANCELLED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('asked_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('result', sa.Text(), nullable=False, comment='What was done, or why it was cancelled'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(status = 'OPEN') = (ended_on IS NULL)", name=op.f('ck_action_ended_iff_not_open')),
    sa.CheckConstraint("status = 'OPEN' OR length(result) > 0", name=op.f('ck_action_ended_says_how')),
    sa.CheckConstraint('due_on >= asked_on', name=op.f('ck_action_asked_before_due')),
    sa.CheckConstraint('ended_on IS NULL OR ended_on >= asked_on', name=op.f('ck_action_asked_before_ended')),
    sa.CheckConstraint('length(title) > 0', name=op.f('ck_action_has_title')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_action_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_action_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_action_organisation_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['party_id'], ['party.id'], name=op.f('fk_action_party_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_action_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_action_responsible_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_action')),
    sa.UniqueConstraint('organisation_id', 'number', name=op.f('uq_action_organisation_id_number'))
    )
    with op.batch_alter_table('action') as batch_op:
        batch_op.create_index(batch_op.f('ix_action_origin_origin_key'), ['origin', 'origin_key'], unique=False)
        batch_op.create_index(batch_op.f('ix_action_party_id'), ['party_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_action_process_id_status'), ['process_id', 'status'], unique=False)
        batch_op.create_index(batch_op.f('ix_action_status_due_on'), ['status', 'due_on'], unique=False)

    op.create_table('mechanism',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('group_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('evidence_source', sa.Enum('SURVEY', 'CONTRACT_REVIEW', 'PQR_REPORT', 'VISIT', 'QUOTATION', 'ATTACHED', name='evidence_source_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('months', sa.Integer(), nullable=False, comment='Every how many months'),
    sa.Column('process_id', sa.Integer(), nullable=True),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('starts_on', sa.Date(), nullable=False, comment='From when it is counted while there is no evidence'),
    sa.Column('last_on', sa.Date(), nullable=True),
    sa.Column('next_on', sa.Date(), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('NOT is_active OR next_on IS NOT NULL', name=op.f('ck_mechanism_active_has_next')),
    sa.CheckConstraint('last_on IS NULL OR next_on IS NULL OR next_on > last_on', name=op.f('ck_mechanism_next_after_last')),
    sa.CheckConstraint('months BETWEEN 1 AND 60', name=op.f('ck_mechanism_frequency_in_months')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_mechanism_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_mechanism_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['group_id'], ['interest_group.id'], name=op.f('fk_mechanism_group_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_mechanism_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_mechanism_responsible_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mechanism')),
    sa.UniqueConstraint('group_id', 'name', name=op.f('uq_mechanism_group_id_name'))
    )
    with op.batch_alter_table('mechanism') as batch_op:
        batch_op.create_index(batch_op.f('ix_mechanism_next_on'), ['next_on'], unique=False)

    op.create_table('party_contact',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('party_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('position', sa.String(length=120), nullable=False, comment='What this person is there'),
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('phone', sa.String(length=20), nullable=True, comment='E.164'),
    sa.Column('is_main', sa.Boolean(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('notes', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('NOT is_main OR is_active', name=op.f('ck_party_contact_main_is_active')),
    sa.CheckConstraint('email IS NOT NULL OR phone IS NOT NULL', name=op.f('ck_party_contact_can_be_reached')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_party_contact_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_party_contact_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['party_id'], ['party.id'], name=op.f('fk_party_contact_party_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_party_contact'))
    )
    with op.batch_alter_table('party_contact') as batch_op:
        batch_op.create_index(batch_op.f('ix_party_contact_party_id'), ['party_id'], unique=False)
        batch_op.create_index('uq_party_contact_main', ['party_id'], unique=True, sqlite_where=sa.text('is_main'), postgresql_where=sa.text('is_main'))

    op.create_table('party_group',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('party_id', sa.Integer(), nullable=False),
    sa.Column('group_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_party_group_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_party_group_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['group_id'], ['interest_group.id'], name=op.f('fk_party_group_group_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['party_id'], ['party.id'], name=op.f('fk_party_group_party_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_party_group')),
    sa.UniqueConstraint('party_id', 'group_id', name=op.f('uq_party_group_party_id_group_id'))
    )
    with op.batch_alter_table('party_group') as batch_op:
        batch_op.create_index(batch_op.f('ix_party_group_group_id'), ['group_id'], unique=False)

    op.create_table('requirement_template',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('kind_id', sa.Integer(), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_requirement_template_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_requirement_template_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['kind_id'], ['contract_kind.id'], name=op.f('fk_requirement_template_kind_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_requirement_template')),
    sa.UniqueConstraint('name', name=op.f('uq_requirement_template_name'))
    )
    op.create_table('need',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('group_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('NEED', 'EXPECTATION', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('quality', sa.Enum('REQUIRED', 'EXPECTED', 'POTENTIAL', name='quality_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('relevance', sa.Enum('HIGH', 'MEDIUM', 'LOW', name='relevance_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('how_met', sa.Text(), nullable=False, comment='What the company does about it'),
    sa.Column('source', sa.String(length=160), nullable=False, comment='Norm, contract or study it was taken from'),
    sa.Column('mechanism_id', sa.Integer(), nullable=True),
    sa.Column('process_id', sa.Integer(), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_need_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_need_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['group_id'], ['interest_group.id'], name=op.f('fk_need_group_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['mechanism_id'], ['mechanism.id'], name=op.f('fk_need_mechanism_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_need_process_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_need'))
    )
    with op.batch_alter_table('need') as batch_op:
        batch_op.create_index(batch_op.f('ix_need_group_id_position'), ['group_id', 'position'], unique=False)
        batch_op.create_index(batch_op.f('ix_need_mechanism_id'), ['mechanism_id'], unique=False)

    op.create_table('quotation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False, comment='COT-2026-0001; gap-free'),
    sa.Column('status', sa.Enum('DRAFT', 'SENT', 'ACCEPTED', 'REJECTED', 'EXPIRED', 'WITHDRAWN', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False, comment='The current one'),
    sa.Column('party_id', sa.Integer(), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=True),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('request', sa.Text(), nullable=False, comment='What the customer asked for'),
    sa.Column('requested_on', sa.Date(), nullable=False),
    sa.Column('process_id', sa.Integer(), nullable=True),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('total_cop', sa.Numeric(precision=16, scale=2), nullable=False),
    sa.Column('first_sent_on', sa.Date(), nullable=True),
    sa.Column('sent_on', sa.Date(), nullable=True, comment='Of the current version'),
    sa.Column('valid_until', sa.Date(), nullable=True, comment='Of the current version'),
    sa.Column('n_days_to_send', sa.Integer(), nullable=True, comment='Business days from the request to the first sending'),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('loss_reason', sa.Enum('PRICE', 'TERM', 'SCOPE', 'COMPETITOR', 'NO_BUDGET', 'POSTPONED', 'OTHER', name='loss_reason_known', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('decision_note', sa.Text(), nullable=False),
    sa.Column('next_follow_up_on', sa.Date(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(status = 'REJECTED') = (loss_reason IS NOT NULL)", name=op.f('ck_quotation_rejected_has_reason')),
    sa.CheckConstraint("(status IN ('DRAFT', 'SENT')) = (decided_on IS NULL)", name=op.f('ck_quotation_decided_iff_ended')),
    sa.CheckConstraint("status <> 'DRAFT' OR sent_on IS NULL", name=op.f('ck_quotation_draft_not_sent')),
    sa.CheckConstraint("status <> 'WITHDRAWN' OR length(decision_note) > 0", name=op.f('ck_quotation_withdrawn_has_reason')),
    sa.CheckConstraint("status NOT IN ('SENT', 'ACCEPTED', 'REJECTED', 'EXPIRED') OR sent_on IS NOT NULL", name=op.f('ck_quotation_sent_has_date')),
    sa.CheckConstraint('(sent_on IS NULL) = (valid_until IS NULL)', name=op.f('ck_quotation_sent_has_validity')),
    sa.CheckConstraint('decided_on IS NULL OR sent_on IS NULL OR decided_on >= sent_on', name=op.f('ck_quotation_sent_before_decided')),
    sa.CheckConstraint('first_sent_on IS NULL OR first_sent_on >= requested_on', name=op.f('ck_quotation_requested_before_sent')),
    sa.CheckConstraint('n_days_to_send IS NULL OR n_days_to_send >= 0', name=op.f('ck_quotation_days_not_negative')),
    sa.CheckConstraint('sent_on IS NULL OR (first_sent_on IS NOT NULL AND sent_on >= first_sent_on)', name=op.f('ck_quotation_first_sent_first')),
    sa.CheckConstraint('total_cop >= 0', name=op.f('ck_quotation_total_not_negative')),
    sa.CheckConstraint('valid_until IS NULL OR valid_until >= sent_on', name=op.f('ck_quotation_sent_before_validity_ends')),
    sa.CheckConstraint('version > 0', name=op.f('ck_quotation_version_counts_from_one')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_quotation_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['contact_id'], ['party_contact.id'], name=op.f('fk_quotation_contact_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_quotation_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_quotation_organisation_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['party_id'], ['party.id'], name=op.f('fk_quotation_party_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_quotation_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_quotation_responsible_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quotation')),
    sa.UniqueConstraint('organisation_id', 'number', name=op.f('uq_quotation_organisation_id_number'))
    )
    with op.batch_alter_table('quotation') as batch_op:
        batch_op.create_index(batch_op.f('ix_quotation_next_follow_up_on'), ['next_follow_up_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_quotation_party_id'), ['party_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_quotation_sent_on_id'), ['sent_on', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_quotation_status_sent_on'), ['status', 'sent_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_quotation_valid_until'), ['valid_until'], unique=False)

    op.create_table('requirement_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('template_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('quality', sa.Enum('REQUIRED', 'EXPECTED', 'POTENTIAL', name='quality_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('clause', sa.String(length=120), nullable=False, comment='Clause or norm it comes from'),
    sa.Column('verification', sa.String(length=240), nullable=False, comment='How it is verified'),
    sa.Column('evidence', sa.String(length=240), nullable=False, comment='Evidence that is expected'),
    sa.Column('process_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_requirement_item_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_requirement_item_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_requirement_item_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['template_id'], ['requirement_template.id'], name=op.f('fk_requirement_item_template_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_requirement_item')),
    sa.UniqueConstraint('template_id', 'position', name=op.f('uq_requirement_item_template_id_position'))
    )
    op.create_table('contract',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=40), nullable=False),
    sa.Column('stage', sa.Enum('DRAFT', 'SIGNED', 'TERMINATED', 'VOIDED', name='stage_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('kind_id', sa.Integer(), nullable=False),
    sa.Column('party_id', sa.Integer(), nullable=False),
    sa.Column('quotation_id', sa.Integer(), nullable=True),
    sa.Column('object', sa.Text(), nullable=False),
    sa.Column('process_id', sa.Integer(), nullable=True, comment='Who answers for it'),
    sa.Column('supervisor_id', sa.Integer(), nullable=True),
    sa.Column('starts_on', sa.Date(), nullable=True),
    sa.Column('ends_on', sa.Date(), nullable=True, comment='As amended; empty: without end'),
    sa.Column('value_cop', sa.Numeric(precision=16, scale=2), nullable=True, comment='As amended'),
    sa.Column('signed_on', sa.Date(), nullable=True, comment='Last signature'),
    sa.Column('terminated_on', sa.Date(), nullable=True),
    sa.Column('stage_reason', sa.Text(), nullable=False),
    sa.Column('source', sa.String(length=40), nullable=True, comment='Register it was imported from'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(stage = 'TERMINATED') = (terminated_on IS NOT NULL)", name=op.f('ck_contract_terminated_iff_dated')),
    sa.CheckConstraint("(stage IN ('SIGNED', 'TERMINATED')) = (signed_on IS NOT NULL)", name=op.f('ck_contract_signed_iff_dated')),
    sa.CheckConstraint("stage NOT IN ('SIGNED', 'TERMINATED') OR starts_on IS NOT NULL", name=op.f('ck_contract_signed_has_start')),
    sa.CheckConstraint("stage NOT IN ('TERMINATED', 'VOIDED') OR length(stage_reason) > 0", name=op.f('ck_contract_ended_has_reason')),
    sa.CheckConstraint('ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on', name=op.f('ck_contract_starts_before_it_ends')),
    sa.CheckConstraint('length(number) > 0', name=op.f('ck_contract_number_not_empty')),
    sa.CheckConstraint('terminated_on IS NULL OR terminated_on >= signed_on', name=op.f('ck_contract_signed_before_terminated')),
    sa.CheckConstraint('value_cop IS NULL OR value_cop >= 0', name=op.f('ck_contract_value_not_negative')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_contract_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_contract_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['kind_id'], ['contract_kind.id'], name=op.f('fk_contract_kind_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_contract_organisation_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['party_id'], ['party.id'], name=op.f('fk_contract_party_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_contract_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['quotation_id'], ['quotation.id'], name=op.f('fk_contract_quotation_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['supervisor_id'], ['ab_user.id'], name=op.f('fk_contract_supervisor_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contract')),
    sa.UniqueConstraint('organisation_id', 'number', name=op.f('uq_contract_organisation_id_number')),
    sa.UniqueConstraint('quotation_id', name=op.f('uq_contract_quotation_id'))
    )
    with op.batch_alter_table('contract') as batch_op:
        batch_op.create_index(batch_op.f('ix_contract_party_id'), ['party_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_contract_process_id'), ['process_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_contract_stage_ends_on'), ['stage', 'ends_on'], unique=False)

    op.create_table('quotation_follow_up',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('quotation_id', sa.Integer(), nullable=False),
    sa.Column('on_date', sa.Date(), nullable=False),
    sa.Column('means', sa.Enum('PHONE', 'EMAIL', 'VISIT', 'MEETING', 'OTHER', name='means_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('next_on', sa.Date(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(note) > 0', name=op.f('ck_quotation_follow_up_says_something')),
    sa.CheckConstraint('next_on IS NULL OR next_on > on_date', name=op.f('ck_quotation_follow_up_next_after_this')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_quotation_follow_up_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_quotation_follow_up_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['quotation_id'], ['quotation.id'], name=op.f('fk_quotation_follow_up_quotation_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quotation_follow_up'))
    )
    with op.batch_alter_table('quotation_follow_up') as batch_op:
        batch_op.create_index(batch_op.f('ix_quotation_follow_up_quotation_id_on_date'), ['quotation_id', 'on_date'], unique=False)

    op.create_table('amendment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('contract_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('DRAFT', 'SIGNED', 'VOIDED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False, comment='What changes and why'),
    sa.Column('signed_on', sa.Date(), nullable=True),
    sa.Column('effective_on', sa.Date(), nullable=True),
    sa.Column('new_ends_on', sa.Date(), nullable=True, comment='Empty: the end stays'),
    sa.Column('value_change_cop', sa.Numeric(precision=16, scale=2), nullable=True, comment='Added; negative when it takes away'),
    sa.Column('ends_on_before', sa.Date(), nullable=True),
    sa.Column('value_before_cop', sa.Numeric(precision=16, scale=2), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(status = 'SIGNED') = (signed_on IS NOT NULL)", name=op.f('ck_amendment_signed_iff_dated')),
    sa.CheckConstraint("status <> 'SIGNED' OR effective_on IS NOT NULL", name=op.f('ck_amendment_signed_has_effect')),
    sa.CheckConstraint('length(reason) > 0', name=op.f('ck_amendment_has_reason')),
    sa.CheckConstraint('number > 0', name=op.f('ck_amendment_counts_from_one')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_amendment_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_amendment_contract_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_amendment_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_amendment')),
    sa.UniqueConstraint('contract_id', 'number', name=op.f('uq_amendment_contract_id_number'))
    )
    with op.batch_alter_table('amendment') as batch_op:
        batch_op.create_index('uq_amendment_draft', ['contract_id'], unique=True, sqlite_where=sa.text("status = 'DRAFT'"), postgresql_where=sa.text("status = 'DRAFT'"))

    op.create_table('contract_signatory',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('contract_id', sa.Integer(), nullable=False),
    sa.Column('side', sa.Enum('OURS', 'THEIRS', name='side_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('position', sa.String(length=120), nullable=False),
    sa.Column('document_number', sa.String(length=20), nullable=False),
    sa.Column('signed_on', sa.Date(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_contract_signatory_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_contract_signatory_contract_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_contract_signatory_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contract_signatory'))
    )
    with op.batch_alter_table('contract_signatory') as batch_op:
        batch_op.create_index(batch_op.f('ix_contract_signatory_contract_id'), ['contract_id'], unique=False)

    op.create_table('guarantee',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('contract_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('PERFORMANCE', 'ADVANCE', 'QUALITY', 'WAGES', 'STABILITY', 'LIABILITY', 'OFFER', 'OTHER', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('insurer', sa.String(length=120), nullable=False),
    sa.Column('policy', sa.String(length=60), nullable=False, comment='Number of the policy'),
    sa.Column('insured_cop', sa.Numeric(precision=16, scale=2), nullable=True),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('approved_on', sa.Date(), nullable=True),
    sa.Column('replaced_by_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('ends_on >= starts_on', name=op.f('ck_guarantee_starts_before_it_ends')),
    sa.CheckConstraint('insured_cop IS NULL OR insured_cop > 0', name=op.f('ck_guarantee_insured_positive')),
    sa.CheckConstraint('replaced_by_id IS NULL OR replaced_by_id <> id', name=op.f('ck_guarantee_replaced_by_another')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_guarantee_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_guarantee_contract_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_guarantee_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['replaced_by_id'], ['guarantee.id'], name=op.f('fk_guarantee_replaced_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_guarantee')),
    sa.UniqueConstraint('contract_id', 'kind', 'policy', name=op.f('uq_guarantee_contract_id_kind_policy')),
    sa.UniqueConstraint('replaced_by_id', name=op.f('uq_guarantee_replaced_by_id'))
    )
    with op.batch_alter_table('guarantee') as batch_op:
        batch_op.create_index(batch_op.f('ix_guarantee_ends_on'), ['ends_on'], unique=False)

    op.create_table('contract_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('contract_id', sa.Integer(), nullable=False),
    sa.Column('file_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('CONTRACT', 'AMENDMENT', 'POLICY', 'ANNEX', 'MINUTES', 'OTHER', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('amendment_id', sa.Integer(), nullable=True),
    sa.Column('guarantee_id', sa.Integer(), nullable=True),
    sa.Column('description', sa.String(length=200), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['amendment_id'], ['amendment.id'], name=op.f('fk_contract_file_amendment_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_contract_file_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_contract_file_contract_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_contract_file_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_contract_file_file_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['guarantee_id'], ['guarantee.id'], name=op.f('fk_contract_file_guarantee_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contract_file')),
    sa.UniqueConstraint('file_id', name=op.f('uq_contract_file_file_id'))
    )
    with op.batch_alter_table('contract_file') as batch_op:
        batch_op.create_index(batch_op.f('ix_contract_file_contract_id'), ['contract_id'], unique=False)

    op.create_table('contract_requirement',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('contract_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('quality', sa.Enum('REQUIRED', 'EXPECTED', 'POTENTIAL', name='quality_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('clause', sa.String(length=120), nullable=False),
    sa.Column('verification', sa.String(length=240), nullable=False),
    sa.Column('evidence', sa.String(length=240), nullable=False),
    sa.Column('process_id', sa.Integer(), nullable=True),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('is_frozen', sa.Boolean(), nullable=False),
    sa.Column('amendment_id', sa.Integer(), nullable=True, comment='That added it'),
    sa.Column('ended_by_id', sa.Integer(), nullable=True, comment='That ended it'),
    sa.Column('replaces_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('ended_by_id IS NULL OR ended_by_id <> amendment_id OR amendment_id IS NULL', name=op.f('ck_contract_requirement_ended_by_another')),
    sa.CheckConstraint('is_frozen OR ended_by_id IS NULL', name=op.f('ck_contract_requirement_only_frozen_is_ended')),
    sa.CheckConstraint('length(text) > 0', name=op.f('ck_contract_requirement_says_something')),
    sa.ForeignKeyConstraint(['amendment_id'], ['amendment.id'], name=op.f('fk_contract_requirement_amendment_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_contract_requirement_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_contract_requirement_contract_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_contract_requirement_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['ended_by_id'], ['amendment.id'], name=op.f('fk_contract_requirement_ended_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_contract_requirement_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['replaces_id'], ['contract_requirement.id'], name=op.f('fk_contract_requirement_replaces_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_contract_requirement_responsible_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contract_requirement'))
    )
    with op.batch_alter_table('contract_requirement') as batch_op:
        batch_op.create_index(batch_op.f('ix_contract_requirement_contract_id_position'), ['contract_id', 'position'], unique=False)
        batch_op.create_index(batch_op.f('ix_contract_requirement_process_id'), ['process_id'], unique=False)

    op.create_table('evidence',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('mechanism_id', sa.Integer(), nullable=False),
    sa.Column('on_date', sa.Date(), nullable=False),
    sa.Column('source', sa.Enum('SURVEY', 'CONTRACT_REVIEW', 'PQR_REPORT', 'VISIT', 'QUOTATION', 'ATTACHED', name='source_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('source_key', sa.String(length=60), nullable=True, comment='Number or id of the record that was found'),
    sa.Column('title', sa.String(length=240), nullable=False),
    sa.Column('path', sa.String(length=200), nullable=False, comment='Where the record opens'),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('file_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(source = 'ATTACHED') = (source_key IS NULL)", name=op.f('ck_evidence_found_names_its_record')),
    sa.CheckConstraint("source <> 'ATTACHED' OR file_id IS NOT NULL OR length(note) > 0", name=op.f('ck_evidence_attached_says_something')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_evidence_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_evidence_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_evidence_file_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['mechanism_id'], ['mechanism.id'], name=op.f('fk_evidence_mechanism_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_evidence')),
    sa.UniqueConstraint('file_id', name=op.f('uq_evidence_file_id')),
    sa.UniqueConstraint('mechanism_id', 'source', 'source_key', name=op.f('uq_evidence_mechanism_id_source_source_key'))
    )
    with op.batch_alter_table('evidence') as batch_op:
        batch_op.create_index(batch_op.f('ix_evidence_mechanism_id_on_date'), ['mechanism_id', 'on_date'], unique=False)

    op.create_table('amendment_ending',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('amendment_id', sa.Integer(), nullable=False),
    sa.Column('requirement_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['amendment_id'], ['amendment.id'], name=op.f('fk_amendment_ending_amendment_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_amendment_ending_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_amendment_ending_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['requirement_id'], ['contract_requirement.id'], name=op.f('fk_amendment_ending_requirement_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_amendment_ending')),
    sa.UniqueConstraint('amendment_id', 'requirement_id', name=op.f('uq_amendment_ending_amendment_id_requirement_id'))
    )
    op.create_table('checklist',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False, comment='LVC-2026-0001; gap-free'),
    sa.Column('contract_id', sa.Integer(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False, comment='Of the anniversary on which it is due'),
    sa.Column('status', sa.Enum('OPEN', 'SUBMITTED', 'CLOSED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('period_from', sa.Date(), nullable=False, comment='The year of contract that is verified'),
    sa.Column('period_until', sa.Date(), nullable=False),
    sa.Column('opened_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('n_items', sa.Integer(), nullable=False),
    sa.Column('n_met', sa.Integer(), nullable=False),
    sa.Column('n_partly', sa.Integer(), nullable=False),
    sa.Column('n_not_met', sa.Integer(), nullable=False),
    sa.Column('n_not_applicable', sa.Integer(), nullable=False),
    sa.Column('compliance', sa.Numeric(precision=5, scale=2), nullable=True, comment='Percentage; empty while nothing applicable has a verdict'),
    sa.Column('conclusion', sa.Text(), nullable=False),
    sa.Column('signed_by_id', sa.Integer(), nullable=True),
    sa.Column('signed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('approved_by_id', sa.Integer(), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('n_reopened', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(status = 'CLOSED') = (approved_at IS NOT NULL)", name=op.f('ck_checklist_approved_iff_closed')),
    sa.CheckConstraint("(status = 'OPEN') = (signed_at IS NULL)", name=op.f('ck_checklist_signed_unless_open')),
    sa.CheckConstraint("status = 'OPEN' OR n_met + n_partly + n_not_met + n_not_applicable = n_items", name=op.f('ck_checklist_signed_has_every_verdict')),
    sa.CheckConstraint('(approved_by_id IS NULL) = (approved_at IS NULL)', name=op.f('ck_checklist_approval_whole')),
    sa.CheckConstraint('(signed_by_id IS NULL) = (signed_at IS NULL)', name=op.f('ck_checklist_signature_whole')),
    sa.CheckConstraint('compliance IS NULL OR compliance BETWEEN 0 AND 100', name=op.f('ck_checklist_compliance_is_a_percentage')),
    sa.CheckConstraint('due_on >= opened_on', name=op.f('ck_checklist_opened_before_due')),
    sa.CheckConstraint('n_items > 0', name=op.f('ck_checklist_not_empty')),
    sa.CheckConstraint('n_met >= 0 AND n_partly >= 0 AND n_not_met >= 0 AND n_not_applicable >= 0', name=op.f('ck_checklist_counts_not_negative')),
    sa.CheckConstraint('period_from <= period_until', name=op.f('ck_checklist_period_in_order')),
    sa.ForeignKeyConstraint(['approved_by_id'], ['ab_user.id'], name=op.f('fk_checklist_approved_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_checklist_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_checklist_contract_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_checklist_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_checklist_document_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_checklist_organisation_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['signed_by_id'], ['ab_user.id'], name=op.f('fk_checklist_signed_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_checklist')),
    sa.UniqueConstraint('contract_id', 'year', name=op.f('uq_checklist_contract_id_year')),
    sa.UniqueConstraint('document_id', name=op.f('uq_checklist_document_id')),
    sa.UniqueConstraint('organisation_id', 'number', name=op.f('uq_checklist_organisation_id_number'))
    )
    with op.batch_alter_table('checklist') as batch_op:
        batch_op.create_index(batch_op.f('ix_checklist_status_due_on'), ['status', 'due_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_checklist_year_contract_id'), ['year', 'contract_id'], unique=False)

    op.create_table('quotation_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('quotation_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False, comment='Why a new version was written'),
    sa.Column('validity_days', sa.Integer(), nullable=False, comment='Calendar days'),
    sa.Column('delivery', sa.String(length=200), nullable=False, comment='Time of delivery'),
    sa.Column('payment', sa.String(length=200), nullable=False, comment='Way of payment'),
    sa.Column('conditions', sa.Text(), nullable=False),
    sa.Column('subtotal_cop', sa.Numeric(precision=16, scale=2), nullable=False),
    sa.Column('vat_cop', sa.Numeric(precision=16, scale=2), nullable=False),
    sa.Column('total_cop', sa.Numeric(precision=16, scale=2), nullable=False),
    sa.Column('sent_on', sa.Date(), nullable=True),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('sent_to', sa.String(length=254), nullable=False, comment='Address, or how it was sent by hand'),
    sa.Column('document_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(sent_on IS NULL) = (valid_until IS NULL)', name=op.f('ck_quotation_version_sent_has_validity')),
    sa.CheckConstraint('number > 0', name=op.f('ck_quotation_version_counts_from_one')),
    sa.CheckConstraint('subtotal_cop >= 0 AND vat_cop >= 0', name=op.f('ck_quotation_version_amounts_not_negative')),
    sa.CheckConstraint('total_cop = subtotal_cop + vat_cop', name=op.f('ck_quotation_version_total_adds_up')),
    sa.CheckConstraint('valid_until IS NULL OR valid_until >= sent_on', name=op.f('ck_quotation_version_sent_before_validity_ends')),
    sa.CheckConstraint('validity_days BETWEEN 1 AND 365', name=op.f('ck_quotation_version_validity_sensible')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_quotation_version_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_quotation_version_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_quotation_version_document_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['quotation_id'], ['quotation.id'], name=op.f('fk_quotation_version_quotation_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quotation_version')),
    sa.UniqueConstraint('document_id', name=op.f('uq_quotation_version_document_id')),
    sa.UniqueConstraint('quotation_id', 'number', name=op.f('uq_quotation_version_quotation_id_number'))
    )
    op.create_table('checklist_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('checklist_id', sa.Integer(), nullable=False),
    sa.Column('requirement_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('verdict', sa.Enum('MET', 'PARTLY', 'NOT_MET', 'NOT_APPLICABLE', name='verdict_known', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('note', sa.Text(), nullable=False, comment='What was seen; the reason when it does not apply'),
    sa.Column('verified_by_id', sa.Integer(), nullable=True),
    sa.Column('verified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('action_id', sa.Integer(), nullable=True),
    sa.Column('no_action_reason', sa.Text(), nullable=False, comment='Why a finding asks for no action'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("verdict IS NULL OR verdict <> 'NOT_APPLICABLE' OR length(note) > 0", name=op.f('ck_checklist_item_not_applicable_has_reason')),
    sa.CheckConstraint('(verdict IS NULL) = (verified_at IS NULL)', name=op.f('ck_checklist_item_verdict_has_its_hour')),
    sa.CheckConstraint('action_id IS NULL OR length(no_action_reason) = 0', name=op.f('ck_checklist_item_action_or_reason')),
    sa.CheckConstraint('version >= 0', name=op.f('ck_checklist_item_version_not_negative')),
    sa.ForeignKeyConstraint(['action_id'], ['action.id'], name=op.f('fk_checklist_item_action_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_checklist_item_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['checklist_id'], ['checklist.id'], name=op.f('fk_checklist_item_checklist_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_checklist_item_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['requirement_id'], ['contract_requirement.id'], name=op.f('fk_checklist_item_requirement_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['verified_by_id'], ['ab_user.id'], name=op.f('fk_checklist_item_verified_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_checklist_item')),
    sa.UniqueConstraint('checklist_id', 'requirement_id', name=op.f('uq_checklist_item_checklist_id_requirement_id'))
    )
    with op.batch_alter_table('checklist_item') as batch_op:
        batch_op.create_index(batch_op.f('ix_checklist_item_action_id'), ['action_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_checklist_item_checklist_id_position'), ['checklist_id', 'position'], unique=False)
        batch_op.create_index(batch_op.f('ix_checklist_item_requirement_id'), ['requirement_id'], unique=False)

    op.create_table('commercial_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('quotation_id', sa.Integer(), nullable=True),
    sa.Column('contract_id', sa.Integer(), nullable=True),
    sa.Column('checklist_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('move', sa.String(length=24), nullable=False),
    sa.Column('from_status', sa.String(length=24), nullable=False),
    sa.Column('to_status', sa.String(length=24), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.CheckConstraint('(CASE WHEN quotation_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN contract_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN checklist_id IS NULL THEN 0 ELSE 1 END) = 1', name=op.f('ck_commercial_event_of_one_thing')),
    sa.CheckConstraint('length(move) > 0', name=op.f('ck_commercial_event_has_move')),
    sa.ForeignKeyConstraint(['actor_id'], ['ab_user.id'], name=op.f('fk_commercial_event_actor_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['checklist_id'], ['checklist.id'], name=op.f('fk_commercial_event_checklist_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_commercial_event_contract_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['quotation_id'], ['quotation.id'], name=op.f('fk_commercial_event_quotation_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_commercial_event'))
    )
    with op.batch_alter_table('commercial_event') as batch_op:
        batch_op.create_index(batch_op.f('ix_commercial_event_checklist_id_id'), ['checklist_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_commercial_event_contract_id_id'), ['contract_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_commercial_event_quotation_id_id'), ['quotation_id', 'id'], unique=False)

    op.create_table('quotation_line',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('description', sa.String(length=500), nullable=False),
    sa.Column('quantity', sa.Numeric(precision=14, scale=3), nullable=False),
    sa.Column('unit', sa.String(length=20), nullable=False),
    sa.Column('unit_price_cop', sa.Numeric(precision=16, scale=2), nullable=False),
    sa.Column('vat_percent', sa.Numeric(precision=5, scale=2), nullable=False),
    sa.Column('subtotal_cop', sa.Numeric(precision=16, scale=2), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_quotation_line_quantity_positive')),
    sa.CheckConstraint('unit_price_cop >= 0 AND subtotal_cop >= 0', name=op.f('ck_quotation_line_price_not_negative')),
    sa.CheckConstraint('vat_percent BETWEEN 0 AND 100', name=op.f('ck_quotation_line_vat_is_a_percentage')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_quotation_line_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_quotation_line_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['version_id'], ['quotation_version.id'], name=op.f('fk_quotation_line_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quotation_line')),
    sa.UniqueConstraint('version_id', 'position', name=op.f('uq_quotation_line_version_id_position'))
    )
    op.create_table('checklist_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('item_id', sa.Integer(), nullable=False),
    sa.Column('file_id', sa.Integer(), nullable=False),
    sa.Column('description', sa.String(length=200), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)', name=op.f('ck_checklist_file_withdrawal_whole')),
    sa.ForeignKeyConstraint(['withdrawn_by_id'], ['ab_user.id'], name=op.f('fk_checklist_file_withdrawn_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_checklist_file_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_checklist_file_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_checklist_file_file_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['item_id'], ['checklist_item.id'], name=op.f('fk_checklist_file_item_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_checklist_file')),
    sa.UniqueConstraint('file_id', name=op.f('uq_checklist_file_file_id'))
    )
    with op.batch_alter_table('checklist_file') as batch_op:
        batch_op.create_index(batch_op.f('ix_checklist_file_item_id'), ['item_id'], unique=False)

    change_document_kinds(KINDS_AFTER)
    with op.batch_alter_table('outbox_message') as batch_op:
        batch_op.add_column(sa.Column('reply_to', sa.String(length=254), nullable=True, comment='Where an answer goes, when not to the house'))
        batch_op.add_column(sa.Column('attachment_id', sa.Integer(), nullable=True, comment='File that goes with it'))
        batch_op.create_index(batch_op.f('ix_outbox_message_attachment_id'), ['attachment_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_outbox_message_attachment_id'), 'stored_file', ['attachment_id'], ['id'], ondelete='RESTRICT')
    find_by_words()
    freeze()


def downgrade():
    thaw()
    find_no_longer()
    with op.batch_alter_table('outbox_message') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_outbox_message_attachment_id'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_outbox_message_attachment_id'))
        batch_op.drop_column('attachment_id')
        batch_op.drop_column('reply_to')

    with op.batch_alter_table('checklist_file') as batch_op:
        batch_op.drop_index(batch_op.f('ix_checklist_file_item_id'))

    op.drop_table('checklist_file')
    op.drop_table('quotation_line')
    with op.batch_alter_table('commercial_event') as batch_op:
        batch_op.drop_index(batch_op.f('ix_commercial_event_quotation_id_id'))
        batch_op.drop_index(batch_op.f('ix_commercial_event_contract_id_id'))
        batch_op.drop_index(batch_op.f('ix_commercial_event_checklist_id_id'))

    op.drop_table('commercial_event')
    with op.batch_alter_table('checklist_item') as batch_op:
        batch_op.drop_index(batch_op.f('ix_checklist_item_requirement_id'))
        batch_op.drop_index(batch_op.f('ix_checklist_item_checklist_id_position'))
        batch_op.drop_index(batch_op.f('ix_checklist_item_action_id'))

    op.drop_table('checklist_item')
    op.drop_table('quotation_version')
    with op.batch_alter_table('checklist') as batch_op:
        batch_op.drop_index(batch_op.f('ix_checklist_year_contract_id'))
        batch_op.drop_index(batch_op.f('ix_checklist_status_due_on'))

    op.drop_table('checklist')
    op.drop_table('amendment_ending')
    with op.batch_alter_table('evidence') as batch_op:
        batch_op.drop_index(batch_op.f('ix_evidence_mechanism_id_on_date'))

    op.drop_table('evidence')
    with op.batch_alter_table('contract_requirement') as batch_op:
        batch_op.drop_index(batch_op.f('ix_contract_requirement_process_id'))
        batch_op.drop_index(batch_op.f('ix_contract_requirement_contract_id_position'))

    op.drop_table('contract_requirement')
    with op.batch_alter_table('contract_file') as batch_op:
        batch_op.drop_index(batch_op.f('ix_contract_file_contract_id'))

    op.drop_table('contract_file')
    with op.batch_alter_table('guarantee') as batch_op:
        batch_op.drop_index(batch_op.f('ix_guarantee_ends_on'))

    op.drop_table('guarantee')
    with op.batch_alter_table('contract_signatory') as batch_op:
        batch_op.drop_index(batch_op.f('ix_contract_signatory_contract_id'))

    op.drop_table('contract_signatory')
    with op.batch_alter_table('amendment') as batch_op:
        batch_op.drop_index('uq_amendment_draft', sqlite_where=sa.text("status = 'DRAFT'"), postgresql_where=sa.text("status = 'DRAFT'"))

    op.drop_table('amendment')
    with op.batch_alter_table('quotation_follow_up') as batch_op:
        batch_op.drop_index(batch_op.f('ix_quotation_follow_up_quotation_id_on_date'))

    op.drop_table('quotation_follow_up')
    with op.batch_alter_table('contract') as batch_op:
        batch_op.drop_index(batch_op.f('ix_contract_stage_ends_on'))
        batch_op.drop_index(batch_op.f('ix_contract_process_id'))
        batch_op.drop_index(batch_op.f('ix_contract_party_id'))

    op.drop_table('contract')
    op.drop_table('requirement_item')
    with op.batch_alter_table('quotation') as batch_op:
        batch_op.drop_index(batch_op.f('ix_quotation_valid_until'))
        batch_op.drop_index(batch_op.f('ix_quotation_status_sent_on'))
        batch_op.drop_index(batch_op.f('ix_quotation_sent_on_id'))
        batch_op.drop_index(batch_op.f('ix_quotation_party_id'))
        batch_op.drop_index(batch_op.f('ix_quotation_next_follow_up_on'))

    op.drop_table('quotation')
    with op.batch_alter_table('need') as batch_op:
        batch_op.drop_index(batch_op.f('ix_need_mechanism_id'))
        batch_op.drop_index(batch_op.f('ix_need_group_id_position'))

    op.drop_table('need')
    op.drop_table('requirement_template')
    with op.batch_alter_table('party_group') as batch_op:
        batch_op.drop_index(batch_op.f('ix_party_group_group_id'))

    op.drop_table('party_group')
    with op.batch_alter_table('party_contact') as batch_op:
        batch_op.drop_index('uq_party_contact_main', sqlite_where=sa.text('is_main'), postgresql_where=sa.text('is_main'))
        batch_op.drop_index(batch_op.f('ix_party_contact_party_id'))

    op.drop_table('party_contact')
    with op.batch_alter_table('mechanism') as batch_op:
        batch_op.drop_index(batch_op.f('ix_mechanism_next_on'))

    op.drop_table('mechanism')
    with op.batch_alter_table('action') as batch_op:
        batch_op.drop_index(batch_op.f('ix_action_status_due_on'))
        batch_op.drop_index(batch_op.f('ix_action_process_id_status'))
        batch_op.drop_index(batch_op.f('ix_action_party_id'))
        batch_op.drop_index(batch_op.f('ix_action_origin_origin_key'))

    op.drop_table('action')
    op.drop_table('interest_group')
    op.drop_table('contract_kind')
    op.execute("DELETE FROM document WHERE kind IN ('QUOTATION', 'CHECKLIST')")
    change_document_kinds(KINDS_BEFORE)
