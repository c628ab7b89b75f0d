"""Scheduled reports and their runs, the files of the SUI as they were reported, interruptions of the network.

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-22 20:40:00

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

# What may not change any more, and from when. The text of a refusal begins with "frozen:".

_MONTH = 'format service_id month version reason is_draft n_rows sha256 file_id frozen_at frozen_by_id'
_TOLD = 'sent_on sent_by_id receipt receipt_file_id'
_BACK = "(OLD.status = 'SENT' AND NEW.status = 'FROZEN') OR (OLD.status = 'REPLACED' AND NEW.status <> 'REPLACED')"


def frozen():
    """Yield (name, table, event, condition, what a refusal says)."""
    differs = 'IS NOT' if op.get_bind().dialect.name == 'sqlite' else 'IS DISTINCT FROM'

    def changed(names, json=''):
        told = [f'NEW.{name} {differs} OLD.{name}' for name in names.split()]
        told += [f'CAST(NEW.{name} AS TEXT) {differs} CAST(OLD.{name} AS TEXT)' for name in json.split()]  # PostgreSQL compares no json
        return '(' + ' OR '.join(told) + ')'

    yield ('sui_load_keeps', 'sui_load', 'UPDATE',
           f"{changed(_MONTH, 'rules warnings')} OR (OLD.sent_on IS NOT NULL AND {changed(_TOLD)}) OR {_BACK}", 'frozen: sui_load')
    yield 'sui_load_stays', 'sui_load', 'DELETE', '1 = 1', 'frozen: sui_load'
    yield 'sui_load_row_keeps', 'sui_load_row', 'UPDATE', '1 = 1', 'frozen: sui_load_row'
    yield 'sui_load_row_stays', 'sui_load_row', 'DELETE', '1 = 1', 'frozen: sui_load_row'


def freeze():
    is_sqlite = op.get_bind().dialect.name == 'sqlite'
    for name, table, event, condition, said in frozen():
        if is_sqlite:
            op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN {condition} "
                       f"BEGIN SELECT RAISE(ABORT, '{said}'); END")
            continue
        refuse = f"RAISE EXCEPTION '{said}' USING ERRCODE = 'integrity_constraint_violation'"
        back = 'OLD' if event == 'DELETE' else 'NEW'
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger AS $$ BEGIN IF {condition} THEN {refuse}; END IF; RETURN {back}; END $$"
                   " LANGUAGE plpgsql")
        op.execute(f'CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()')


def thaw():
    is_sqlite = op.get_bind().dialect.name == 'sqlite'
    for name, table, _event, _condition, _said in frozen():
        op.execute(f'DROP TRIGGER {name}' + ('' if is_sqlite else f' ON {table}'))
        if not is_sqlite:
            op.execute(f'DROP FUNCTION {name}()')


def upgrade():
    op.create_table('interruption_cause',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('sui_code', sa.String(length=8), nullable=False, comment='Empty: no official table was at hand'),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_interruption_cause_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_interruption_cause_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_interruption_cause')),
    sa.UniqueConstraint('code', name=op.f('uq_interruption_cause_code')),
    sa.UniqueConstraint('name', name=op.f('uq_interruption_cause_name'))
    )
    op.create_table('report_favourite',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('report', sa.String(length=40), nullable=False, comment='Key of the catalogue of reports'),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_report_favourite_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'report', name=op.f('pk_report_favourite'))
    )
    op.create_table('report_schedule',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('report', sa.String(length=40), nullable=False, comment='Key of the catalogue of reports'),
    sa.Column('format', sa.Enum('XLSX', 'PDF', 'CSV', name='format_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('filters', sa.JSON(), nullable=False),
    sa.Column('words', sa.Text(), nullable=False, comment='The filter in words, in the language of the owner'),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('every', sa.Enum('DAY', 'WEEK', 'MONTH', 'QUARTER', name='every_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('weekday', sa.Integer(), nullable=True, comment='0 Monday to 6 Sunday'),
    sa.Column('month_day', sa.Integer(), nullable=True),
    sa.Column('hour', sa.Integer(), nullable=False, comment='Local hour'),
    sa.Column('sends_empty', sa.Boolean(), nullable=False, comment='Also when there is nothing to tell'),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('stopped_reason', sa.String(length=240), nullable=False, comment='Why the system itself stopped it'),
    sa.Column('owner_id', sa.Integer(), nullable=False),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(every = 'WEEK') = (weekday IS NOT NULL)", name=op.f('ck_report_schedule_week_has_its_day')),
    sa.CheckConstraint("(every IN ('MONTH', 'QUARTER')) = (month_day IS NOT NULL)", name=op.f('ck_report_schedule_month_has_its_day')),
    sa.CheckConstraint("(is_active AND stopped_reason = '') = (next_at IS NOT NULL)", name=op.f('ck_report_schedule_active_has_its_next')),
    sa.CheckConstraint('hour BETWEEN 0 AND 23', name=op.f('ck_report_schedule_hour_of_the_day')),
    sa.CheckConstraint('length(name) > 0', name=op.f('ck_report_schedule_has_name')),
    sa.CheckConstraint('month_day IS NULL OR month_day BETWEEN 1 AND 31', name=op.f('ck_report_schedule_day_of_the_month')),
    sa.CheckConstraint('weekday IS NULL OR weekday BETWEEN 0 AND 6', name=op.f('ck_report_schedule_weekday_of_the_week')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_report_schedule_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_report_schedule_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['owner_id'], ['ab_user.id'], name=op.f('fk_report_schedule_owner_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_schedule')),
    sa.UniqueConstraint('owner_id', 'name', name=op.f('uq_report_schedule_owner_id_name'))
    )
    with op.batch_alter_table('report_schedule', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_report_schedule_next_at'), ['next_at'], unique=False)

    op.create_table('sui_column',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('format', sa.Enum('CLAIMS', 'INTERRUPTIONS', name='format_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('heading', sa.String(length=120), nullable=False, comment='As it stands in the first row of the file'),
    sa.Column('field', sa.String(length=40), nullable=False, comment='Key of the value; see domain'),
    sa.Column('fixed', sa.String(length=120), nullable=False, comment='What stands there when the value is empty'),
    sa.Column('kind', sa.String(length=40), nullable=False, comment='How it is written, as the source says it'),
    sa.Column('rule', sa.String(length=240), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('confidence', sa.String(length=160), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(heading) > 0', name=op.f('ck_sui_column_has_heading')),
    sa.CheckConstraint('position BETWEEN 1 AND 60', name=op.f('ck_sui_column_position_sensible')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_sui_column_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_sui_column_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sui_column')),
    sa.UniqueConstraint('format', 'position', name=op.f('uq_sui_column_format_position'))
    )
    op.create_table('report_recipient',
    sa.Column('schedule_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['schedule_id'], ['report_schedule.id'], name=op.f('fk_report_recipient_schedule_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_report_recipient_user_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('schedule_id', 'user_id', name=op.f('pk_report_recipient'))
    )
    with op.batch_alter_table('report_recipient', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_report_recipient_user_id'), ['user_id'], unique=False)

    op.create_table('sui_map',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('PROCEDURE_OF_APPEAL', 'ANSWER_OF_OUTCOME', 'ANSWER_OF_STATE', 'NOTICE_OF_MEANS', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('member', sa.String(length=40), nullable=False, comment='Name of a member: of Outcome, PqrStatus, NoticeMeans, AppealKind'),
    sa.Column('service_id', sa.Integer(), nullable=True),
    sa.Column('code', sa.String(length=4), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('norm', sa.Text(), nullable=False),
    sa.Column('confidence', sa.String(length=160), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(code) > 0 AND length(member) > 0', name=op.f('ck_sui_map_has_both_sides')),
    sa.CheckConstraint('valid_until IS NULL OR valid_from <= valid_until', name=op.f('ck_sui_map_from_before_until')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_sui_map_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_sui_map_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_sui_map_service_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sui_map')),
    sa.UniqueConstraint('kind', 'member', 'service_id', 'valid_from', name=op.f('uq_sui_map_kind_member_service_id_valid_from'))
    )
    with op.batch_alter_table('sui_map', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sui_map_service_id'), ['service_id'], unique=False)
        batch_op.create_index('uq_sui_map_of_all', ['kind', 'member', 'valid_from'], unique=True, sqlite_where=sa.text('service_id IS NULL'), postgresql_where=sa.text('service_id IS NULL'))

    op.create_table('sui_rule',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.Enum('CODE_TABLE', 'PROCEDURES', 'ANSWERS', 'PENDING_ANSWERS', 'NOTICES', 'NO_NOTICE', 'GROUPS', 'SEAT_CODE', 'NO_ACCOUNT', 'NO_INVOICE', 'NO_TRANSFER', 'TRANSFERRED', 'PLACE_OF_ACCOUNT', 'RADICADO', 'CAUSE_OF_SERVICE', 'INVOICE_OF_GROUP', 'DATES_IN_ORDER', 'ANSWER_WHOLE', 'TRANSFER_OF_APPEAL', 'UNNOTIFIED', 'ENCODING', name='key_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('service_id', sa.Integer(), nullable=True),
    sa.Column('value', sa.String(length=240), nullable=False, comment='A code, several separated by commas, or nothing'),
    sa.Column('weight', sa.Enum('REFUSES', 'WARNS', name='weight_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('norm', sa.Text(), nullable=False),
    sa.Column('confidence', sa.String(length=160), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('valid_until IS NULL OR valid_from <= valid_until', name=op.f('ck_sui_rule_from_before_until')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_sui_rule_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_sui_rule_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_sui_rule_service_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sui_rule')),
    sa.UniqueConstraint('key', 'service_id', 'valid_from', name=op.f('uq_sui_rule_key_service_id_valid_from'))
    )
    with op.batch_alter_table('sui_rule', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sui_rule_service_id'), ['service_id'], unique=False)
        batch_op.create_index('uq_sui_rule_of_all', ['key', 'valid_from'], unique=True, sqlite_where=sa.text('service_id IS NULL'), postgresql_where=sa.text('service_id IS NULL'))

    op.create_table('interruption',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False, comment='INT-2026-0001'),
    sa.Column('kind', sa.Enum('PLANNED', 'UNPLANNED', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('cause_id', sa.Integer(), nullable=False),
    sa.Column('service_id', sa.Integer(), nullable=False),
    sa.Column('municipality_code', sa.String(length=5), nullable=False),
    sa.Column('settlement_code', sa.String(length=3), nullable=False, comment='DANE centro poblado; empty: the municipal seat'),
    sa.Column('sector', sa.String(length=200), nullable=False, comment='Sector or neighbourhood, as people call it'),
    sa.Column('zones', sa.JSON(), nullable=False, comment='Zones of accounts that it reaches'),
    sa.Column('what', sa.Text(), nullable=False, comment='What happened or will be done'),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False, comment='Local date of the start'),
    sa.Column('expected_end_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('n_subscribers', sa.Integer(), nullable=True),
    sa.Column('is_estimated', sa.Boolean(), nullable=False, comment='The subscribers were counted from the zones of accounts'),
    sa.Column('notice_on', sa.Date(), nullable=True, comment='When the users were told'),
    sa.Column('notice_means', sa.String(length=200), nullable=False),
    sa.Column('notice_file_id', sa.Integer(), nullable=True),
    sa.Column('has_alternative', sa.Boolean(), nullable=False),
    sa.Column('alternative', sa.String(length=200), nullable=False, comment='Which supply: tank trucks, where and when'),
    sa.Column('mass_event_id', sa.Integer(), nullable=True),
    sa.Column('voided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('voided_reason', sa.String(length=240), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(voided_at IS NULL) = (voided_reason = '')", name=op.f('ck_interruption_voided_has_reason')),
    sa.CheckConstraint('NOT has_alternative OR length(alternative) > 0', name=op.f('ck_interruption_alternative_says_which')),
    sa.CheckConstraint('ends_at IS NULL OR ends_at > starts_at', name=op.f('ck_interruption_starts_before_ends')),
    sa.CheckConstraint('expected_end_at IS NULL OR expected_end_at > starts_at', name=op.f('ck_interruption_starts_before_expected_end')),
    sa.CheckConstraint('length(sector) > 0 AND length(what) > 0', name=op.f('ck_interruption_says_where_and_what')),
    sa.CheckConstraint('n_subscribers IS NULL OR n_subscribers >= 0', name=op.f('ck_interruption_subscribers_not_negative')),
    sa.CheckConstraint('notice_on IS NULL OR length(notice_means) > 0', name=op.f('ck_interruption_notice_says_how')),
    sa.ForeignKeyConstraint(['cause_id'], ['interruption_cause.id'], name=op.f('fk_interruption_cause_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_interruption_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_interruption_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['mass_event_id'], ['mass_event.id'], name=op.f('fk_interruption_mass_event_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['municipality_code'], ['municipality.code'], name=op.f('fk_interruption_municipality_code'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['notice_file_id'], ['stored_file.id'], name=op.f('fk_interruption_notice_file_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_interruption_service_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_interruption')),
    sa.UniqueConstraint('notice_file_id', name=op.f('uq_interruption_notice_file_id')),
    sa.UniqueConstraint('number', name=op.f('uq_interruption_number'))
    )
    with op.batch_alter_table('interruption', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_interruption_cause_id'), ['cause_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_interruption_mass_event_id'), ['mass_event_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_interruption_service_id_starts_on'), ['service_id', 'starts_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_interruption_starts_on_id'), ['starts_on', 'id'], unique=False)

    op.create_table('sui_load',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('format', sa.Enum('CLAIMS', 'INTERRUPTIONS', name='format_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('service_id', sa.Integer(), nullable=False),
    sa.Column('month', sa.Date(), nullable=False, comment='Its first day'),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False, comment='Why the month is reported again'),
    sa.Column('status', sa.Enum('FROZEN', 'SENT', 'REPLACED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('is_draft', sa.Boolean(), nullable=False, comment='Of a form whose official text was not at hand'),
    sa.Column('n_rows', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('file_id', sa.Integer(), nullable=False),
    sa.Column('rules', sa.JSON(), nullable=False, comment='Rules, maps and headings it was written with'),
    sa.Column('warnings', sa.JSON(), nullable=False, comment='What was pointed out when it was frozen'),
    sa.Column('frozen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('frozen_by_id', sa.Integer(), nullable=True),
    sa.Column('sent_on', sa.Date(), nullable=True),
    sa.Column('sent_by_id', sa.Integer(), nullable=True),
    sa.Column('receipt', sa.String(length=60), nullable=False, comment='Number with which the SUI acknowledges it'),
    sa.Column('receipt_file_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(sent_on IS NULL) = (receipt = '')", name=op.f('ck_sui_load_sent_has_its_receipt')),
    sa.CheckConstraint("(status = 'FROZEN') = (sent_on IS NULL) OR status = 'REPLACED'", name=op.f('ck_sui_load_sent_has_its_day')),
    sa.CheckConstraint('length(sha256) = 64', name=op.f('ck_sui_load_hash_whole')),
    sa.CheckConstraint('n_rows >= 0', name=op.f('ck_sui_load_rows_not_negative')),
    sa.CheckConstraint('version = 1 OR length(reason) > 0', name=op.f('ck_sui_load_another_version_says_why')),
    sa.CheckConstraint('version >= 1', name=op.f('ck_sui_load_version_positive')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_sui_load_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_sui_load_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_sui_load_file_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['frozen_by_id'], ['ab_user.id'], name=op.f('fk_sui_load_frozen_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['receipt_file_id'], ['stored_file.id'], name=op.f('fk_sui_load_receipt_file_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['sent_by_id'], ['ab_user.id'], name=op.f('fk_sui_load_sent_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_sui_load_service_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sui_load')),
    sa.UniqueConstraint('file_id', name=op.f('uq_sui_load_file_id')),
    sa.UniqueConstraint('format', 'service_id', 'month', 'version', name=op.f('uq_sui_load_format_service_id_month_version')),
    sa.UniqueConstraint('receipt_file_id', name=op.f('uq_sui_load_receipt_file_id'))
    )
    with op.batch_alter_table('sui_load', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sui_load_month'), ['month'], unique=False)

    op.create_table('report_run',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('report', sa.String(length=40), nullable=False),
    sa.Column('format', sa.Enum('XLSX', 'PDF', 'CSV', name='format_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('filters', sa.JSON(), nullable=False),
    sa.Column('words', sa.Text(), nullable=False, comment='What was asked for, in words'),
    sa.Column('user_id', sa.Integer(), nullable=False, comment='For whom it was made'),
    sa.Column('schedule_id', sa.Integer(), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True, comment='Hour of the schedule that it serves'),
    sa.Column('job_id', sa.Integer(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.Enum('RUNNING', 'DONE', 'EMPTY', 'REFUSED', 'FAILED', 'CANCELLED', name='outcome_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('n_rows', sa.Integer(), nullable=False),
    sa.Column('n_bytes', sa.BigInteger(), nullable=False),
    sa.Column('error', sa.Text(), nullable=False, comment='What stopped it, in words'),
    sa.Column('file_id', sa.Integer(), nullable=True),
    sa.Column('expires_on', sa.Date(), nullable=True, comment='Last day on which the file may be downloaded'),
    sa.CheckConstraint("(outcome = 'RUNNING') = (ended_at IS NULL)", name=op.f('ck_report_run_ended_iff_over')),
    sa.CheckConstraint("outcome NOT IN ('FAILED', 'REFUSED') OR length(error) > 0", name=op.f('ck_report_run_failed_says_why')),
    sa.CheckConstraint('n_rows >= 0 AND n_bytes >= 0', name=op.f('ck_report_run_counts_not_negative')),
    sa.CheckConstraint('schedule_id IS NULL OR due_at IS NOT NULL', name=op.f('ck_report_run_scheduled_has_its_hour')),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_report_run_file_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['job_id'], ['job.id'], name=op.f('fk_report_run_job_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['schedule_id'], ['report_schedule.id'], name=op.f('fk_report_run_schedule_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_report_run_user_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_run')),
    sa.UniqueConstraint('file_id', name=op.f('uq_report_run_file_id')),
    sa.UniqueConstraint('job_id', name=op.f('uq_report_run_job_id')),
    sa.UniqueConstraint('schedule_id', 'due_at', 'user_id', name=op.f('uq_report_run_schedule_id_due_at_user_id'))
    )
    with op.batch_alter_table('report_run', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_report_run_report_started_at'), ['report', 'started_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_report_run_started_at_id'), ['started_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_report_run_user_id_started_at'), ['user_id', 'started_at'], unique=False)

    op.create_table('sui_load_row',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('load_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('pqr_id', sa.Integer(), nullable=True),
    sa.Column('interruption_id', sa.Integer(), nullable=True),
    sa.Column('cells', sa.JSON(), nullable=False, comment='As they stand in the file, in the order of its columns'),
    sa.CheckConstraint('(pqr_id IS NULL) <> (interruption_id IS NULL)', name=op.f('ck_sui_load_row_one_thing_behind_it')),
    sa.CheckConstraint('position >= 1', name=op.f('ck_sui_load_row_position_positive')),
    sa.ForeignKeyConstraint(['interruption_id'], ['interruption.id'], name=op.f('fk_sui_load_row_interruption_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['load_id'], ['sui_load.id'], name=op.f('fk_sui_load_row_load_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['pqr_id'], ['pqr.id'], name=op.f('fk_sui_load_row_pqr_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sui_load_row')),
    sa.UniqueConstraint('load_id', 'position', name=op.f('uq_sui_load_row_load_id_position'))
    )
    with op.batch_alter_table('sui_load_row', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sui_load_row_interruption_id'), ['interruption_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_sui_load_row_pqr_id'), ['pqr_id'], unique=False)

    op.add_column('account', sa.Column('settlement_code', sa.String(length=3), nullable=True, comment='DANE centro poblado; empty: the municipal seat'))
    with op.batch_alter_table('pqr', schema=None) as batch_op:  # boards count answers in time, of a year, from the index alone
        batch_op.drop_index('ix_pqr_answered_on')
        batch_op.create_index('ix_pqr_answered_on_due_on', ['answered_on', 'due_on'])

    freeze()


def downgrade():
    thaw()
    with op.batch_alter_table('pqr', schema=None) as batch_op:
        batch_op.drop_index('ix_pqr_answered_on_due_on')
        batch_op.create_index('ix_pqr_answered_on', ['answered_on'])

    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.drop_column('settlement_code')

    with op.batch_alter_table('sui_load_row', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sui_load_row_pqr_id'))
        batch_op.drop_index(batch_op.f('ix_sui_load_row_interruption_id'))

    op.drop_table('sui_load_row')
    with op.batch_alter_table('report_run', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_report_run_user_id_started_at'))
        batch_op.drop_index(batch_op.f('ix_report_run_started_at_id'))
        batch_op.drop_index(batch_op.f('ix_report_run_report_started_at'))

    op.drop_table('report_run')
    with op.batch_alter_table('sui_load', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sui_load_month'))

    op.drop_table('sui_load')
    with op.batch_alter_table('interruption', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_interruption_starts_on_id'))
        batch_op.drop_index(batch_op.f('ix_interruption_service_id_starts_on'))
        batch_op.drop_index(batch_op.f('ix_interruption_mass_event_id'))
        batch_op.drop_index(batch_op.f('ix_interruption_cause_id'))

    op.drop_table('interruption')
    with op.batch_alter_table('sui_rule', schema=None) as batch_op:
        batch_op.drop_index('uq_sui_rule_of_all', sqlite_where=sa.text('service_id IS NULL'), postgresql_where=sa.text('service_id IS NULL'))
        batch_op.drop_index(batch_op.f('ix_sui_rule_service_id'))

    op.drop_table('sui_rule')
    with op.batch_alter_table('sui_map', schema=None) as batch_op:
        batch_op.drop_index('uq_sui_map_of_all', sqlite_where=sa.text('service_id IS NULL'), postgresql_where=sa.text('service_id IS NULL'))
        batch_op.drop_index(batch_op.f('ix_sui_map_service_id'))

    op.drop_table('sui_map')
    with op.batch_alter_table('report_recipient', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_report_recipient_user_id'))

    op.drop_table('report_recipient')
    op.drop_table('sui_column')
    with op.batch_alter_table('report_schedule', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_report_schedule_next_at'))

    op.drop_table('report_schedule')
    op.drop_table('report_favourite')
    op.drop_table('interruption_cause')
