"""Actions with cause, plan, review and gates; non-conforming outputs, risks, legal matrix, indicators, documented information, reviews.

Revision ID: 0012
Revises: 0011
Create Date: 2026-11-22 17:50:00

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

DOCUMENTS_BEFORE = "kind IN ('RECEIPT', 'ANSWER', 'COMPLETION_REQUEST', 'CLARIFICATION_REQUEST', 'EVIDENCE_ORDER', 'EXTENSION', 'TRANSFER', 'WITHDRAWAL', 'ARCHIVE', 'SUMMONS', 'PERSONAL_NOTICE', 'AVISO', 'NOTICE_CERTIFICATE', 'RECOGNITION', 'SSPD_LETTER', 'SSPD_FILE', 'WORK_ORDER', 'PRIOR_REVIEW', 'SUSPENSION', 'CUT', 'REINSTALLATION', 'RECONNECTION', 'FINANCING', 'INVOICE_CHANGE', 'QUOTATION', 'CHECKLIST', 'SURVEY_REPORT')"
DOCUMENTS_AFTER = DOCUMENTS_BEFORE.replace("'SURVEY_REPORT'", "'SURVEY_REPORT', 'MANAGEMENT_REVIEW'")
ORIGINS_BEFORE = "origin IN ('CHECKLIST', 'PQR', 'SURVEY', 'OTHER')"
ORIGINS_AFTER = "origin IN ('CHECKLIST', 'PQR', 'MASS_EVENT', 'SURVEY', 'RISK', 'AUDIT', 'INDICATOR', 'NONCONFORMITY', 'LEGAL', 'REVIEW', 'OTHER')"
STATES_BEFORE = "status IN ('OPEN', 'DONE', 'CANCELLED')"
STATES_AFTER = "status IN ('OPEN', 'PLANNED', 'RUNNING', 'REVIEW', 'DONE', 'CANCELLED')"
MEASURES = "measure IN ('CAUSE', 'REQUEST_TYPE', 'PROCESS', 'AREA', 'LATE', 'SURVEY', 'INDICATOR', 'JUDGED')"
_GATED = "status IN ('OPEN', 'CANCELLED') OR kind = 'CORRECTION' OR is_of_before OR "
#: The CHECKs of an action, by name: those that go, and those that come
RULES_BEFORE = {
    'ended_iff_not_open': "(status = 'OPEN') = (ended_on IS NULL)",
    'ended_says_how': "status = 'OPEN' OR length(result) > 0",
    'origin_known': ORIGINS_BEFORE,
    'status_known': STATES_BEFORE,
}
RULES_AFTER = {
    'ended_iff_over': "(status IN ('DONE', 'CANCELLED')) = (ended_on IS NOT NULL)",
    'ended_says_how': 'ended_on IS NULL OR length(result) > 0',
    'origin_known': ORIGINS_AFTER,
    'status_known': STATES_AFTER,
    'measure_known': MEASURES,
    'verdict_known': "verdict IN ('EFFECTIVE', 'NOT_EFFECTIVE')",
    'plan_has_cause': _GATED + 'length(cause) > 0',
    'plan_says_how_it_is_measured': _GATED + '(measure IS NOT NULL AND review_on IS NOT NULL)',
    'ended_was_effective': "status <> 'DONE' OR kind = 'CORRECTION' OR is_of_before OR (verdict IS NOT NULL AND verdict = 'EFFECTIVE')",
    'measure_has_its_window': '(measure IS NULL) = (window_days IS NULL)',
    'window_sensible': 'window_days IS NULL OR window_days BETWEEN 7 AND 731',
    'goal_of_a_measure': 'goal IS NULL OR measure IS NOT NULL',
    'measure_has_its_goal': "measure IS NULL OR measure = 'JUDGED' OR goal IS NOT NULL",
    'approval_whole': '(approved_by_id IS NULL) = (approved_on IS NULL)',
    'round_counts': 'round >= 1',
}
ADDED = ('cause', 'measure', 'measure_key', 'window_days', 'goal', 'baseline_on', 'carried_out_on', 'review_on', 'approved_by_id',
         'approved_on', 'round', 'verdict', 'is_of_before')
SEARCHED = ('action_task', 'nonconformity', 'risk', 'legal_requirement', 'controlled_document')


def gate_actions():
    """Give actions their new columns and gates. What ended before there were gates keeps its ending, and says so."""
    with op.batch_alter_table('action') as batch_op:
        for name in RULES_BEFORE:
            batch_op.drop_constraint(op.f(f'ck_action_{name}'), type_='check')
        batch_op.add_column(sa.Column('cause', sa.Text(), nullable=False, server_default='', comment='The root cause, in a sentence'))
        batch_op.add_column(sa.Column('measure', sa.String(length=24), nullable=True))
        batch_op.add_column(sa.Column('measure_key', sa.String(length=80), nullable=False, server_default='', comment='Which cause, type, process, area, question or indicator'))
        batch_op.add_column(sa.Column('window_days', sa.Integer(), nullable=True, comment='Calendar days looked at before, and as many after'))
        batch_op.add_column(sa.Column('goal', sa.Numeric(precision=10, scale=2), nullable=True, comment='Percentage of change, or the figure to reach: see domain'))
        batch_op.add_column(sa.Column('baseline_on', sa.Date(), nullable=True, comment='The window before ends the day before it; empty: when it was asked'))
        batch_op.add_column(sa.Column('carried_out_on', sa.Date(), nullable=True, comment='The window after begins the day after it'))
        batch_op.add_column(sa.Column('review_on', sa.Date(), nullable=True, comment='Day on which the effect is to be reviewed'))
        batch_op.add_column(sa.Column('approved_by_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('approved_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('round', sa.Integer(), nullable=False, server_default='1', comment='Counts the times it was taken up again because it did not work'))
        batch_op.add_column(sa.Column('verdict', sa.String(length=24), nullable=True, comment='Of the last review'))
        batch_op.add_column(sa.Column('is_of_before', sa.Boolean(), nullable=False, server_default=sa.false(), comment='Ended before there were gates'))
    op.execute(sa.table('action', sa.column('status'), sa.column('is_of_before')).update().where(sa.column('status') == 'DONE').values(is_of_before=True))
    with op.batch_alter_table('action') as batch_op:
        for name in ('cause', 'measure_key', 'round', 'is_of_before'):
            batch_op.alter_column(name, server_default=None)
        batch_op.alter_column('due_on', existing_type=sa.Date(), existing_nullable=False, comment='Last day of the plan; the review of its effect comes after')
        for name, rule in RULES_AFTER.items():
            batch_op.create_check_constraint(op.f(f'ck_action_{name}'), sa.text(rule))
        batch_op.create_index(batch_op.f('ix_action_status_review_on'), ['status', 'review_on'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_action_approved_by_id'), 'ab_user', ['approved_by_id'], ['id'], ondelete='RESTRICT')


def free_actions():
    """Take the gates away again: what is under way is open, what came from a room that is no longer has another origin."""
    with op.batch_alter_table('action') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_action_approved_by_id'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_action_status_review_on'))
        for name in RULES_AFTER:
            batch_op.drop_constraint(op.f(f'ck_action_{name}'), type_='check')
        for name in ADDED:
            batch_op.drop_column(name)
    op.execute("UPDATE action SET status = 'OPEN' WHERE status IN ('PLANNED', 'RUNNING', 'REVIEW')")
    op.execute(f"UPDATE action SET origin = 'OTHER' WHERE NOT ({ORIGINS_BEFORE})")
    with op.batch_alter_table('action') as batch_op:
        batch_op.alter_column('due_on', existing_type=sa.Date(), existing_nullable=False, comment=None)
        for name, rule in RULES_BEFORE.items():
            batch_op.create_check_constraint(op.f(f'ck_action_{name}'), sa.text(rule))


def change_document_kinds(to):
    with op.batch_alter_table('document') as batch_op:
        batch_op.drop_constraint(op.f('ck_document_kind_known'), type_='check')
        batch_op.create_check_constraint(op.f('ck_document_kind_known'), sa.text(to))


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


TRIGGERS = "trigger IN ('AT_START', 'AT_PERCENT', 'DAYS_BEFORE', 'EACH_DAY', 'OVERDUE'{})"
TOLD_AS = "told_as IN ('OWNER', 'SUBSTITUTE', 'CHIEF'{})"
TELLS = 'to_owner OR to_substitute OR to_chief'
LATE = "trigger <> 'DAYS_LATE' OR value >= 1"


def _remind_as(triggers, told_as, tells):
    """Put these CHECKs of what was told and of the rules."""
    with op.batch_alter_table('reminder') as batch_op:
        batch_op.drop_constraint(op.f('ck_reminder_told_as_known'), type_='check')
        batch_op.create_check_constraint(op.f('ck_reminder_told_as_known'), sa.text(told_as))
    with op.batch_alter_table('reminder_rule') as batch_op:
        for name, rule in (('trigger_known', triggers), ('tells_somebody', tells)):
            batch_op.drop_constraint(op.f(f'ck_reminder_rule_{name}'), type_='check')
            batch_op.create_check_constraint(op.f(f'ck_reminder_rule_{name}'), sa.text(rule))


def tell_those_above():
    """What is late goes up: rules so many days after the last one, and to the management."""
    with op.batch_alter_table('reminder_rule') as batch_op:
        batch_op.add_column(sa.Column('to_management', sa.Boolean(), nullable=False, server_default=sa.false(), comment='Whoever reviews the effect of actions: Calidad and the manager'))
    with op.batch_alter_table('reminder_rule') as batch_op:
        batch_op.alter_column('to_management', server_default=None)
        batch_op.create_check_constraint(op.f('ck_reminder_rule_late_by_a_day_or_more'), sa.text(LATE))
    _remind_as(TRIGGERS.format(", 'DAYS_LATE'"), TOLD_AS.format(", 'MANAGEMENT'"), f'{TELLS} OR to_management')


def tell_nobody_above():
    op.execute("UPDATE reminder_rule SET trigger = 'OVERDUE', value = 0 WHERE trigger = 'DAYS_LATE'")
    op.execute(sa.table('reminder_rule', sa.column('to_management'), sa.column('to_chief')).update().where(sa.column('to_management')).values(to_chief=True))
    op.execute("UPDATE reminder SET told_as = 'CHIEF' WHERE told_as = 'MANAGEMENT'")
    _remind_as(TRIGGERS.format(''), TOLD_AS.format(''), TELLS)
    with op.batch_alter_table('reminder_rule') as batch_op:
        batch_op.drop_constraint(op.f('ck_reminder_rule_late_by_a_day_or_more'), type_='check')
        batch_op.drop_column('to_management')


# What may not change any more, and from when. The text of a refusal begins with "frozen:" or "gate:".

_RESTS = "EXISTS (SELECT 1 FROM action WHERE id = {}.action_id AND status IN ('REVIEW', 'DONE', 'CANCELLED'))"
_OPEN_TASK = "EXISTS (SELECT 1 FROM action_task WHERE action_id = NEW.id AND status = 'OPEN')"
_SIGNED = "EXISTS (SELECT 1 FROM management_review WHERE id = {}.review_id AND status = 'SIGNED')"
_FIGURES = 'indicator_id period_from period_until numerator denominator value n_excluded goal fair standing analysis'
_FIGURES += ' reported_at reported_by_id'
_EDITION = 'document_id version changed_on change in_force_on file_id approved_by_id approved_at'
_MINUTES = 'number held_on period_from period_until attendees changes resources conclusion status signed_by_id signed_at document_id'
_DECISION = 'review_id position topic text process_id responsible_id due_on'


def frozen():
    """Yield (name, table, event, condition, what a refusal says)."""
    differs = 'IS NOT' if op.get_bind().dialect.name == 'sqlite' else 'IS DISTINCT FROM'

    def changed(names, json=''):
        told = [f'NEW.{name} {differs} OLD.{name}' for name in names.split()]
        told += [f'CAST(NEW.{name} AS TEXT) {differs} CAST(OLD.{name} AS TEXT)' for name in json.split()]  # PostgreSQL compares no json
        return '(' + ' OR '.join(told) + ')'

    yield 'action_has_no_open_task', 'action', 'UPDATE', f"NEW.status IN ('REVIEW', 'DONE') AND {_OPEN_TASK}", 'gate: open task'
    yield 'action_task_insert_kept', 'action_task', 'INSERT', _RESTS.format('NEW'), 'frozen: action_task'
    yield 'action_task_update_kept', 'action_task', 'UPDATE', f"{_RESTS.format('OLD')} OR {_RESTS.format('NEW')}", 'frozen: action_task'
    yield 'action_task_delete_kept', 'action_task', 'DELETE', _RESTS.format('OLD'), 'frozen: action_task'
    yield ('indicator_value_keeps', 'indicator_value', 'UPDATE', f'OLD.reported_at IS NOT NULL AND {changed(_FIGURES)}',
           'frozen: indicator_value')
    yield 'indicator_value_stays', 'indicator_value', 'DELETE', 'OLD.reported_at IS NOT NULL', 'frozen: indicator_value'
    yield ('document_edition_keeps', 'document_edition', 'UPDATE',
           f"(OLD.status <> 'DRAFT' AND {changed(_EDITION)}) OR (OLD.status = 'RETIRED' AND NEW.status <> 'RETIRED')"
           " OR (OLD.status = 'IN_FORCE' AND NEW.status = 'DRAFT')", 'frozen: document_edition')
    yield 'document_edition_stays', 'document_edition', 'DELETE', "OLD.status <> 'DRAFT'", 'frozen: document_edition'
    yield ('management_review_keeps', 'management_review', 'UPDATE', f"OLD.status = 'SIGNED' AND {changed(_MINUTES, 'facts remarks')}",
           'frozen: management_review')
    yield 'management_review_stays', 'management_review', 'DELETE', "OLD.status = 'SIGNED'", 'frozen: management_review'
    yield 'review_decision_insert_kept', 'review_decision', 'INSERT', _SIGNED.format('NEW'), 'frozen: review_decision'
    yield ('review_decision_update_kept', 'review_decision', 'UPDATE', f"{_SIGNED.format('OLD')} AND {changed(_DECISION)}",
           'frozen: review_decision')
    yield 'review_decision_delete_kept', 'review_decision', 'DELETE', _SIGNED.format('OLD'), 'frozen: review_decision'


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
    op.create_table('risk_band',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('least_score', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('tone', sa.Enum('LOW', 'MODERATE', 'HIGH', 'EXTREME', name='tone_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('what_to_do', sa.Text(), nullable=False),
    sa.Column('review_months', sa.Integer(), nullable=False),
    sa.Column('needs_action', sa.Boolean(), nullable=False, comment='A risk that stays here without an action under way is a gap'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('least_score BETWEEN 1 AND 100', name=op.f('ck_risk_band_score_in_scale')),
    sa.CheckConstraint('length(name) > 0', name=op.f('ck_risk_band_has_name')),
    sa.CheckConstraint('review_months BETWEEN 1 AND 60', name=op.f('ck_risk_band_review_sensible')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_risk_band_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_risk_band_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_risk_band')),
    sa.UniqueConstraint('least_score', name=op.f('uq_risk_band_least_score')),
    sa.UniqueConstraint('name', name=op.f('uq_risk_band_name'))
    )
    op.create_table('risk_impact',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('meaning', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(name) > 0', name=op.f('ck_risk_impact_has_name')),
    sa.CheckConstraint('level BETWEEN 1 AND 10', name=op.f('ck_risk_impact_level_in_scale')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_risk_impact_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_risk_impact_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_risk_impact')),
    sa.UniqueConstraint('level', name=op.f('uq_risk_impact_level')),
    sa.UniqueConstraint('name', name=op.f('uq_risk_impact_name'))
    )
    op.create_table('risk_probability',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('meaning', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(name) > 0', name=op.f('ck_risk_probability_has_name')),
    sa.CheckConstraint('level BETWEEN 1 AND 10', name=op.f('ck_risk_probability_level_in_scale')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_risk_probability_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_risk_probability_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_risk_probability')),
    sa.UniqueConstraint('level', name=op.f('uq_risk_probability_level')),
    sa.UniqueConstraint('name', name=op.f('uq_risk_probability_name'))
    )
    op.create_table('controlled_document',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False, comment='P10-01, R10-01-01'),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('kind', sa.Enum('PROCEDURE', 'CHARACTERISATION', 'RECORD', 'FORMAT', 'MANUAL', 'EXTERNAL', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('issuer', sa.String(length=120), nullable=False, comment='As it stands in its head'),
    sa.Column('process_id', sa.Integer(), nullable=True),
    sa.Column('issued_on', sa.Date(), nullable=True, comment='First issue'),
    sa.Column('place', sa.String(length=200), nullable=False, comment='Where it is kept'),
    sa.Column('path', sa.String(length=200), nullable=False, comment='Page of the system that holds it; empty: none'),
    sa.Column('retention_years', sa.Integer(), nullable=True),
    sa.Column('disposal', sa.String(length=120), nullable=False, comment='What becomes of it then'),
    sa.Column('confidence', sa.String(length=160), nullable=False, comment='How sure the seed is'),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(code) > 0 AND length(name) > 0', name=op.f('ck_controlled_document_has_code_and_name')),
    sa.CheckConstraint('retention_years IS NULL OR retention_years BETWEEN 0 AND 100', name=op.f('ck_controlled_document_retention_sensible')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_controlled_document_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_controlled_document_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_controlled_document_process_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_controlled_document')),
    sa.UniqueConstraint('code', name=op.f('uq_controlled_document_code'))
    )
    with op.batch_alter_table('controlled_document') as batch_op:
        batch_op.create_index(batch_op.f('ix_controlled_document_process_id'), ['process_id'], unique=False)

    op.create_table('indicator',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False, comment='IND-01'),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('definition', sa.Text(), nullable=False, comment='What it is for, and what it leaves out'),
    sa.Column('formula', sa.Text(), nullable=False, comment='In words'),
    sa.Column('measure', sa.String(length=40), nullable=False, comment='Key of the catalogue of measures; empty: somebody types it in'),
    sa.Column('scale', sa.Enum('PERCENT', 'MEAN', 'PER_THOUSAND', 'COUNT', name='scale_known', native_enum=False, create_constraint=True, length=24), nullable=False, comment='How two numbers become one'),
    sa.Column('unit', sa.String(length=30), nullable=False),
    sa.Column('decimals', sa.Integer(), nullable=False),
    sa.Column('direction', sa.Enum('MORE', 'LESS', name='direction_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('goal', sa.Numeric(precision=16, scale=4), nullable=True, comment='Empty: only watched'),
    sa.Column('fair', sa.Numeric(precision=16, scale=4), nullable=True, comment='Between this and the goal it is near; beyond, it misses'),
    sa.Column('months', sa.Integer(), nullable=False, comment='Length of a period'),
    sa.Column('source', sa.Text(), nullable=False, comment='Where the figures come from'),
    sa.Column('norm', sa.String(length=240), nullable=False, comment='What asks for it'),
    sa.Column('confidence', sa.String(length=160), nullable=False, comment='How sure its rule is'),
    sa.Column('process_id', sa.Integer(), nullable=True, comment='Whose it is'),
    sa.Column('responsible_id', sa.Integer(), nullable=True, comment='Who analyses it'),
    sa.Column('starts_on', sa.Date(), nullable=False, comment='First day of its first period'),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("fair IS NULL OR (direction = 'MORE' AND fair <= goal) OR (direction = 'LESS' AND fair >= goal)", name=op.f('ck_indicator_fair_on_its_side')),
    sa.CheckConstraint('decimals BETWEEN 0 AND 4', name=op.f('ck_indicator_decimals_sensible')),
    sa.CheckConstraint('goal IS NOT NULL OR fair IS NULL', name=op.f('ck_indicator_fair_needs_goal')),
    sa.CheckConstraint('length(code) > 0 AND length(name) > 0', name=op.f('ck_indicator_has_code_and_name')),
    sa.CheckConstraint('months IN (1, 2, 3, 6, 12)', name=op.f('ck_indicator_frequency_known')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_indicator_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_indicator_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_indicator_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_indicator_responsible_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_indicator')),
    sa.UniqueConstraint('code', name=op.f('uq_indicator_code')),
    sa.UniqueConstraint('name', name=op.f('uq_indicator_name'))
    )
    with op.batch_alter_table('indicator') as batch_op:
        batch_op.create_index(batch_op.f('ix_indicator_process_id'), ['process_id'], unique=False)

    op.create_table('legal_requirement',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('norm', sa.String(length=160), nullable=False),
    sa.Column('articles', sa.String(length=120), nullable=False),
    sa.Column('topic', sa.String(length=160), nullable=False),
    sa.Column('obligation', sa.Text(), nullable=False),
    sa.Column('applies_to', sa.String(length=200), nullable=False),
    sa.Column('how_met', sa.Text(), nullable=False, comment='How the house meets it, and what shows it'),
    sa.Column('source', sa.String(length=240), nullable=False),
    sa.Column('confidence', sa.String(length=160), nullable=False),
    sa.Column('process_id', sa.Integer(), nullable=True),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('every_months', sa.Integer(), nullable=False),
    sa.Column('next_on', sa.Date(), nullable=True, comment='Next evaluation; empty: never evaluated and not planned'),
    sa.Column('standing', sa.Enum('COMPLIES', 'PARTLY', 'FAILS', 'NOT_APPLICABLE', name='standing_known', native_enum=False, create_constraint=True, length=24), nullable=True, comment='Of the last evaluation'),
    sa.Column('evaluated_on', sa.Date(), nullable=True, comment='Of the last evaluation'),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('every_months BETWEEN 1 AND 60', name=op.f('ck_legal_requirement_frequency_sensible')),
    sa.CheckConstraint('length(norm) > 0 AND length(obligation) > 0', name=op.f('ck_legal_requirement_has_norm_and_obligation')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_legal_requirement_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_legal_requirement_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_legal_requirement_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_legal_requirement_responsible_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_legal_requirement')),
    sa.UniqueConstraint('norm', 'articles', name=op.f('uq_legal_requirement_norm_articles'))
    )
    with op.batch_alter_table('legal_requirement') as batch_op:
        batch_op.create_index(batch_op.f('ix_legal_requirement_is_active_next_on'), ['is_active', 'next_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_legal_requirement_process_id'), ['process_id'], unique=False)

    op.create_table('risk',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False, comment='RG-2026-0001; gap-free'),
    sa.Column('process_id', sa.Integer(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('consequence', sa.Text(), nullable=False),
    sa.Column('probability', sa.Integer(), nullable=False, comment='Without controls'),
    sa.Column('impact', sa.Integer(), nullable=False),
    sa.Column('residual_probability', sa.Integer(), nullable=False),
    sa.Column('residual_impact', sa.Integer(), nullable=False),
    sa.Column('treatment', sa.Enum('REDUCE', 'AVOID', 'SHARE', 'ACCEPT', name='treatment_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('treatment_note', sa.Text(), nullable=False),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('identified_on', sa.Date(), nullable=False),
    sa.Column('review_on', sa.Date(), nullable=False, comment='Next look at it'),
    sa.Column('reviewed_on', sa.Date(), nullable=True),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('close_reason', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(closed_on IS NULL) = (length(close_reason) = 0)', name=op.f('ck_risk_closed_says_why')),
    sa.CheckConstraint('length(cause) > 0 AND length(event) > 0 AND length(consequence) > 0', name=op.f('ck_risk_says_cause_event_consequence')),
    sa.CheckConstraint('residual_probability <= probability AND residual_impact <= impact', name=op.f('ck_risk_controls_only_lower')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_risk_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_risk_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['impact'], ['risk_impact.level'], name=op.f('fk_risk_impact'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_risk_organisation_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['probability'], ['risk_probability.level'], name=op.f('fk_risk_probability'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_risk_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['residual_impact'], ['risk_impact.level'], name=op.f('fk_risk_residual_impact'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['residual_probability'], ['risk_probability.level'], name=op.f('fk_risk_residual_probability'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_risk_responsible_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_risk')),
    sa.UniqueConstraint('organisation_id', 'number', name=op.f('uq_risk_organisation_id_number'))
    )
    with op.batch_alter_table('risk') as batch_op:
        batch_op.create_index(batch_op.f('ix_risk_closed_on_review_on'), ['closed_on', 'review_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_risk_process_id'), ['process_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_risk_residual_probability_residual_impact'), ['residual_probability', 'residual_impact'], unique=False)

    op.create_table('action_cause',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('action_id', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('way', sa.Enum('WHY', 'ISHIKAWA', name='way_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('category', sa.Enum('METHOD', 'PEOPLE', 'EQUIPMENT', 'MATERIAL', 'MEASUREMENT', 'SURROUNDINGS', name='category_known', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('is_root', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(way = 'ISHIKAWA') = (category IS NOT NULL)", name=op.f('ck_action_cause_bone_iff_ishikawa')),
    sa.CheckConstraint("way <> 'WHY' OR position BETWEEN 1 AND 7", name=op.f('ck_action_cause_whys_end')),
    sa.CheckConstraint('length(text) > 0', name=op.f('ck_action_cause_has_text')),
    sa.CheckConstraint('round >= 1', name=op.f('ck_action_cause_round_counts')),
    sa.ForeignKeyConstraint(['action_id'], ['action.id'], name=op.f('fk_action_cause_action_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_action_cause_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_action_cause_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_action_cause')),
    sa.UniqueConstraint('action_id', 'round', 'way', 'position', name=op.f('uq_action_cause_action_id_round_way_position'))
    )
    op.create_table('action_review',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('action_id', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('measure', sa.Enum('CAUSE', 'REQUEST_TYPE', 'PROCESS', 'AREA', 'LATE', 'SURVEY', 'INDICATOR', 'JUDGED', name='measure_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('measure_key', sa.String(length=80), nullable=False),
    sa.Column('goal', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('before_from', sa.Date(), nullable=False),
    sa.Column('before_until', sa.Date(), nullable=False),
    sa.Column('before_n', sa.Numeric(precision=16, scale=4), nullable=True, comment='Cases counted, or the sum behind a mean'),
    sa.Column('before_of', sa.Numeric(precision=16, scale=4), nullable=True, comment='Out of how many'),
    sa.Column('before_value', sa.Numeric(precision=16, scale=4), nullable=True, comment='The figure compared'),
    sa.Column('after_from', sa.Date(), nullable=False),
    sa.Column('after_until', sa.Date(), nullable=False),
    sa.Column('after_n', sa.Numeric(precision=16, scale=4), nullable=True),
    sa.Column('after_of', sa.Numeric(precision=16, scale=4), nullable=True),
    sa.Column('after_value', sa.Numeric(precision=16, scale=4), nullable=True),
    sa.Column('facts', sa.JSON(), nullable=False, comment='What else was shown: significance, notes'),
    sa.Column('proposed', sa.Enum('EFFECTIVE', 'NOT_EFFECTIVE', name='proposed_known', native_enum=False, create_constraint=True, length=24), nullable=True, comment='Empty: the figures do not say'),
    sa.Column('verdict', sa.Enum('EFFECTIVE', 'NOT_EFFECTIVE', name='verdict_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('reviewed_on', sa.Date(), nullable=False),
    sa.Column('reviewed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('after_of IS NULL OR after_of >= 0', name=op.f('ck_action_review_after_not_negative')),
    sa.CheckConstraint('before_from <= before_until AND after_from <= after_until AND before_until < after_from', name=op.f('ck_action_review_windows_in_order')),
    sa.CheckConstraint('before_of IS NULL OR before_of >= 0', name=op.f('ck_action_review_before_not_negative')),
    sa.CheckConstraint('length(reason) > 0', name=op.f('ck_action_review_says_why')),
    sa.ForeignKeyConstraint(['action_id'], ['action.id'], name=op.f('fk_action_review_action_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['reviewed_by_id'], ['ab_user.id'], name=op.f('fk_action_review_reviewed_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_action_review')),
    sa.UniqueConstraint('action_id', 'round', name=op.f('uq_action_review_action_id_round'))
    )
    op.create_table('action_task',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('action_id', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False, comment='Round of the action whose plan it belongs to'),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('status', sa.Enum('OPEN', 'DONE', 'DROPPED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('said', sa.Text(), nullable=False, comment='What shows that it was done, or why it is not done'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(status = 'OPEN') = (ended_on IS NULL)", name=op.f('ck_action_task_ended_iff_not_open')),
    sa.CheckConstraint("status = 'OPEN' OR length(said) > 0", name=op.f('ck_action_task_ended_says_how')),
    sa.CheckConstraint('length(what) > 0', name=op.f('ck_action_task_has_text')),
    sa.CheckConstraint('round >= 1', name=op.f('ck_action_task_round_counts')),
    sa.ForeignKeyConstraint(['action_id'], ['action.id'], name=op.f('fk_action_task_action_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_action_task_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_action_task_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_action_task_responsible_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_action_task')),
    sa.UniqueConstraint('action_id', 'position', name=op.f('uq_action_task_action_id_position'))
    )
    with op.batch_alter_table('action_task') as batch_op:
        batch_op.create_index(batch_op.f('ix_action_task_responsible_id_status_due_on'), ['responsible_id', 'status', 'due_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_action_task_status_due_on'), ['status', 'due_on'], unique=False)

    op.create_table('controlled_print',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=40), nullable=False, comment='Of the catalogue of prints: domain.controlled'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(key) > 0', name=op.f('ck_controlled_print_has_key')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_controlled_print_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_controlled_print_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['document_id'], ['controlled_document.id'], name=op.f('fk_controlled_print_document_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_controlled_print')),
    sa.UniqueConstraint('key', name=op.f('uq_controlled_print_key'))
    )
    with op.batch_alter_table('controlled_print') as batch_op:
        batch_op.create_index(batch_op.f('ix_controlled_print_document_id'), ['document_id'], unique=False)

    op.create_table('indicator_value',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('indicator_id', sa.Integer(), nullable=False),
    sa.Column('period_from', sa.Date(), nullable=False),
    sa.Column('period_until', sa.Date(), nullable=False),
    sa.Column('numerator', sa.Numeric(precision=18, scale=4), nullable=True),
    sa.Column('denominator', sa.Numeric(precision=18, scale=4), nullable=True, comment='Empty: the value is a count'),
    sa.Column('value', sa.Numeric(precision=16, scale=4), nullable=True),
    sa.Column('n_excluded', sa.Integer(), nullable=False, comment='Cases that the formula leaves out, which the page lists'),
    sa.Column('goal', sa.Numeric(precision=16, scale=4), nullable=True, comment='As it was then'),
    sa.Column('fair', sa.Numeric(precision=16, scale=4), nullable=True),
    sa.Column('standing', sa.Enum('GOOD', 'FAIR', 'BAD', 'WATCHED', 'EMPTY', name='standing_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('analysis', sa.Text(), nullable=False),
    sa.Column('reported_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reported_by_id', sa.Integer(), nullable=True),
    sa.Column('action_id', sa.Integer(), nullable=True, comment='What its misses asked for'),
    sa.Column('no_action_reason', sa.Text(), nullable=False, comment='Why two misses ask for no action'),
    sa.Column('later_numerator', sa.Numeric(precision=18, scale=4), nullable=True, comment='What a reckoning after the report gives'),
    sa.Column('later_denominator', sa.Numeric(precision=18, scale=4), nullable=True),
    sa.Column('later_value', sa.Numeric(precision=16, scale=4), nullable=True),
    sa.Column('differs_since', sa.Date(), nullable=True, comment='First day on which it gave another figure than the one reported'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(value IS NULL) = (standing = 'EMPTY')", name=op.f('ck_indicator_value_standing_of_a_value')),
    sa.CheckConstraint('(reported_at IS NULL) = (reported_by_id IS NULL)', name=op.f('ck_indicator_value_report_whole')),
    sa.CheckConstraint("action_id IS NULL OR no_action_reason = ''", name=op.f('ck_indicator_value_action_or_reason')),
    sa.CheckConstraint('differs_since IS NULL OR reported_at IS NOT NULL', name=op.f('ck_indicator_value_differs_from_a_report')),
    sa.CheckConstraint('denominator IS NULL OR denominator <> 0 OR value IS NULL', name=op.f('ck_indicator_value_nothing_divided_by_zero')),
    sa.CheckConstraint('period_from <= period_until', name=op.f('ck_indicator_value_period_in_order')),
    sa.ForeignKeyConstraint(['action_id'], ['action.id'], name=op.f('fk_indicator_value_action_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_indicator_value_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_indicator_value_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['indicator_id'], ['indicator.id'], name=op.f('fk_indicator_value_indicator_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['reported_by_id'], ['ab_user.id'], name=op.f('fk_indicator_value_reported_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_indicator_value')),
    sa.UniqueConstraint('indicator_id', 'period_from', name=op.f('uq_indicator_value_indicator_id_period_from'))
    )
    with op.batch_alter_table('indicator_value') as batch_op:
        batch_op.create_index(batch_op.f('ix_indicator_value_action_id'), ['action_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_indicator_value_period_from'), ['period_from'], unique=False)

    op.create_table('indicator_note',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('value_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('author_id', sa.Integer(), nullable=True),
    sa.Column('right_value', sa.Numeric(precision=16, scale=4), nullable=True, comment='What should have been reported; empty: a remark'),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.CheckConstraint('length(reason) > 0', name=op.f('ck_indicator_note_says_why')),
    sa.ForeignKeyConstraint(['author_id'], ['ab_user.id'], name=op.f('fk_indicator_note_author_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['value_id'], ['indicator_value.id'], name=op.f('fk_indicator_note_value_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_indicator_note'))
    )
    with op.batch_alter_table('indicator_note') as batch_op:
        batch_op.create_index(batch_op.f('ix_indicator_note_value_id_id'), ['value_id', 'id'], unique=False)

    op.create_table('process_sheet',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('process_id', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('objective', sa.Text(), nullable=False),
    sa.Column('follow_up', sa.Text(), nullable=False, comment='Methods of follow-up and measurement'),
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('responsible', sa.Text(), nullable=False),
    sa.Column('resources', sa.Text(), nullable=False),
    sa.Column('interacts', sa.Text(), nullable=False, comment='Processes it interacts with'),
    sa.Column('documents', sa.Text(), nullable=False, comment='Documented information'),
    sa.Column('clauses', sa.Text(), nullable=False, comment='Requirements of the management system: clauses'),
    sa.Column('requirements', sa.Text(), nullable=False, comment='Other requirements: norms'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_process_sheet_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_process_sheet_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['document_id'], ['controlled_document.id'], name=op.f('fk_process_sheet_document_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_process_sheet_process_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_process_sheet')),
    sa.UniqueConstraint('document_id', name=op.f('uq_process_sheet_document_id')),
    sa.UniqueConstraint('process_id', name=op.f('uq_process_sheet_process_id'))
    )
    op.create_table('risk_control',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('risk_id', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('kind', sa.Enum('PREVENTIVE', 'DETECTIVE', 'CORRECTIVE', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('lowers_probability', sa.Integer(), nullable=False),
    sa.Column('lowers_impact', sa.Integer(), nullable=False),
    sa.Column('is_working', sa.Boolean(), nullable=False, comment='One that is not applied lowers nothing'),
    sa.Column('evidence', sa.Text(), nullable=False),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(text) > 0', name=op.f('ck_risk_control_has_text')),
    sa.CheckConstraint('lowers_probability BETWEEN 0 AND 9 AND lowers_impact BETWEEN 0 AND 9', name=op.f('ck_risk_control_effect_in_scale')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_risk_control_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_risk_control_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_risk_control_responsible_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['risk_id'], ['risk.id'], name=op.f('fk_risk_control_risk_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_risk_control'))
    )
    with op.batch_alter_table('risk_control') as batch_op:
        batch_op.create_index(batch_op.f('ix_risk_control_risk_id'), ['risk_id'], unique=False)

    op.create_table('risk_move',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('risk_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('move', sa.String(length=24), nullable=False, comment='Name of the verb'),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('probability', sa.Integer(), nullable=False, comment='As it stood after the move, with the scale of that day'),
    sa.Column('impact', sa.Integer(), nullable=False),
    sa.Column('residual_probability', sa.Integer(), nullable=False),
    sa.Column('residual_impact', sa.Integer(), nullable=False),
    sa.CheckConstraint('length(reason) > 0', name=op.f('ck_risk_move_says_why')),
    sa.ForeignKeyConstraint(['actor_id'], ['ab_user.id'], name=op.f('fk_risk_move_actor_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['risk_id'], ['risk.id'], name=op.f('fk_risk_move_risk_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_risk_move'))
    )
    with op.batch_alter_table('risk_move') as batch_op:
        batch_op.create_index(batch_op.f('ix_risk_move_risk_id_id'), ['risk_id', 'id'], unique=False)

    op.create_table('legal_rest',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('requirement_id', sa.Integer(), nullable=False),
    sa.Column('legal_term_id', sa.Integer(), nullable=True),
    sa.Column('answer_template_id', sa.Integer(), nullable=True),
    sa.Column('parameter_key', sa.String(length=60), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(CASE WHEN legal_term_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN answer_template_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN parameter_key IS NULL THEN 0 ELSE 1 END) = 1', name=op.f('ck_legal_rest_of_one_thing')),
    sa.ForeignKeyConstraint(['answer_template_id'], ['answer_template.id'], name=op.f('fk_legal_rest_answer_template_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_legal_rest_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_legal_rest_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['legal_term_id'], ['legal_term.id'], name=op.f('fk_legal_rest_legal_term_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['parameter_key'], ['parameter.key'], name=op.f('fk_legal_rest_parameter_key'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['requirement_id'], ['legal_requirement.id'], name=op.f('fk_legal_rest_requirement_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_legal_rest')),
    sa.UniqueConstraint('requirement_id', 'answer_template_id', name=op.f('uq_legal_rest_requirement_id_answer_template_id')),
    sa.UniqueConstraint('requirement_id', 'legal_term_id', name=op.f('uq_legal_rest_requirement_id_legal_term_id')),
    sa.UniqueConstraint('requirement_id', 'parameter_key', name=op.f('uq_legal_rest_requirement_id_parameter_key'))
    )
    with op.batch_alter_table('legal_rest') as batch_op:
        batch_op.create_index(batch_op.f('ix_legal_rest_answer_template_id'), ['answer_template_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_legal_rest_legal_term_id'), ['legal_term_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_legal_rest_parameter_key'), ['parameter_key'], unique=False)

    op.create_table('process_sheet_row',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('sheet_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('phase', sa.Enum('PLAN', 'DO', 'CHECK', 'ACT', name='phase_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('supplier', sa.Text(), nullable=False),
    sa.Column('input', sa.Text(), nullable=False),
    sa.Column('output', sa.Text(), nullable=False),
    sa.Column('client', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_process_sheet_row_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_process_sheet_row_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['sheet_id'], ['process_sheet.id'], name=op.f('fk_process_sheet_row_sheet_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_process_sheet_row')),
    sa.UniqueConstraint('sheet_id', 'position', name=op.f('uq_process_sheet_row_sheet_id_position'))
    )
    op.create_table('nonconformity',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False, comment='SNC-2026-0001; gap-free'),
    sa.Column('found_on', sa.Date(), nullable=False),
    sa.Column('process_id', sa.Integer(), nullable=False),
    sa.Column('service_id', sa.Integer(), nullable=True),
    sa.Column('pqr_id', sa.Integer(), nullable=True, comment='The case in which it showed'),
    sa.Column('what', sa.Text(), nullable=False, comment='The output, and the requirement that it does not meet'),
    sa.Column('requirement', sa.Text(), nullable=False, comment='Which requirement: law, contract, own'),
    sa.Column('containment', sa.Text(), nullable=False, comment='What was done at once'),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('status', sa.Enum('OPEN', 'TREATED', 'CLOSED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('disposition', sa.Enum('CORRECT', 'HOLD', 'INFORM', 'CONCESSION', name='disposition_known', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('treatment', sa.Text(), nullable=False),
    sa.Column('treated_on', sa.Date(), nullable=True),
    sa.Column('authorised_by_id', sa.Integer(), nullable=True),
    sa.Column('cost_cop', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('verification', sa.Text(), nullable=False, comment='How conformity was verified after the treatment'),
    sa.Column('verified_on', sa.Date(), nullable=True),
    sa.Column('verified_by_id', sa.Integer(), nullable=True),
    sa.Column('action_id', sa.Integer(), nullable=True),
    sa.Column('no_action_reason', sa.Text(), nullable=False, comment='Why it asks for no action'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(status = 'CLOSED') = (verified_on IS NOT NULL)", name=op.f('ck_nonconformity_closed_iff_verified')),
    sa.CheckConstraint("(status = 'OPEN') = (disposition IS NULL)", name=op.f('ck_nonconformity_treated_has_disposition')),
    sa.CheckConstraint("status <> 'CLOSED' OR (length(verification) > 0 AND verified_by_id IS NOT NULL)", name=op.f('ck_nonconformity_verification_whole')),
    sa.CheckConstraint("status <> 'CLOSED' OR action_id IS NOT NULL OR length(no_action_reason) > 0", name=op.f('ck_nonconformity_closed_says_of_action')),
    sa.CheckConstraint("status = 'OPEN' OR authorised_by_id IS NOT NULL", name=op.f('ck_nonconformity_treated_was_authorised')),
    sa.CheckConstraint("status = 'OPEN' OR length(treatment) > 0", name=op.f('ck_nonconformity_treated_says_how')),
    sa.CheckConstraint('(disposition IS NULL) = (treated_on IS NULL)', name=op.f('ck_nonconformity_treatment_has_its_day')),
    sa.CheckConstraint('action_id IS NULL OR length(no_action_reason) = 0', name=op.f('ck_nonconformity_action_or_reason')),
    sa.CheckConstraint('cost_cop IS NULL OR cost_cop >= 0', name=op.f('ck_nonconformity_cost_not_negative')),
    sa.CheckConstraint('found_on <= treated_on AND treated_on <= verified_on', name=op.f('ck_nonconformity_days_in_order')),
    sa.CheckConstraint('length(what) > 0', name=op.f('ck_nonconformity_says_what')),
    sa.ForeignKeyConstraint(['action_id'], ['action.id'], name=op.f('fk_nonconformity_action_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['authorised_by_id'], ['ab_user.id'], name=op.f('fk_nonconformity_authorised_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_nonconformity_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_nonconformity_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_nonconformity_organisation_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['pqr_id'], ['pqr.id'], name=op.f('fk_nonconformity_pqr_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_nonconformity_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_nonconformity_responsible_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_nonconformity_service_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['verified_by_id'], ['ab_user.id'], name=op.f('fk_nonconformity_verified_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_nonconformity')),
    sa.UniqueConstraint('organisation_id', 'number', name=op.f('uq_nonconformity_organisation_id_number'))
    )
    with op.batch_alter_table('nonconformity') as batch_op:
        batch_op.create_index(batch_op.f('ix_nonconformity_pqr_id'), ['pqr_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_nonconformity_process_id_status'), ['process_id', 'status'], unique=False)
        batch_op.create_index(batch_op.f('ix_nonconformity_status_found_on'), ['status', 'found_on'], unique=False)

    op.create_table('process_activity',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('row_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('path', sa.String(length=200), nullable=False, comment='Where it happens; empty: outside of the system'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(text) > 0', name=op.f('ck_process_activity_has_text')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_process_activity_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_process_activity_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['row_id'], ['process_sheet_row.id'], name=op.f('fk_process_activity_row_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_process_activity')),
    sa.UniqueConstraint('row_id', 'position', name=op.f('uq_process_activity_row_id_position'))
    )
    op.create_table('action_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('action_id', sa.Integer(), nullable=True),
    sa.Column('nonconformity_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('move', sa.String(length=24), nullable=False),
    sa.Column('from_status', sa.String(length=24), nullable=False),
    sa.Column('to_status', sa.String(length=24), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.CheckConstraint('(action_id IS NULL) <> (nonconformity_id IS NULL)', name=op.f('ck_action_event_of_one_thing')),
    sa.CheckConstraint('length(move) > 0', name=op.f('ck_action_event_has_move')),
    sa.ForeignKeyConstraint(['action_id'], ['action.id'], name=op.f('fk_action_event_action_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['actor_id'], ['ab_user.id'], name=op.f('fk_action_event_actor_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['nonconformity_id'], ['nonconformity.id'], name=op.f('fk_action_event_nonconformity_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_action_event'))
    )
    with op.batch_alter_table('action_event') as batch_op:
        batch_op.create_index(batch_op.f('ix_action_event_action_id_id'), ['action_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_action_event_nonconformity_id_id'), ['nonconformity_id', 'id'], unique=False)

    op.create_table('action_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('action_id', sa.Integer(), nullable=False),
    sa.Column('task_id', sa.Integer(), nullable=True),
    sa.Column('file_id', sa.Integer(), nullable=False),
    sa.Column('description', sa.String(length=200), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_by_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)', name=op.f('ck_action_file_withdrawal_whole')),
    sa.ForeignKeyConstraint(['action_id'], ['action.id'], name=op.f('fk_action_file_action_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_action_file_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_action_file_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_action_file_file_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['task_id'], ['action_task.id'], name=op.f('fk_action_file_task_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['withdrawn_by_id'], ['ab_user.id'], name=op.f('fk_action_file_withdrawn_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_action_file')),
    sa.UniqueConstraint('file_id', name=op.f('uq_action_file_file_id'))
    )
    with op.batch_alter_table('action_file') as batch_op:
        batch_op.create_index(batch_op.f('ix_action_file_action_id_id'), ['action_id', 'id'], unique=False)

    op.create_table('document_edition',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.String(length=12), nullable=False),
    sa.Column('status', sa.Enum('DRAFT', 'IN_FORCE', 'RETIRED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('changed_on', sa.Date(), nullable=False, comment='Last change, as it stands in the head'),
    sa.Column('change', sa.Text(), nullable=False, comment='What changed from the edition before'),
    sa.Column('in_force_on', sa.Date(), nullable=True),
    sa.Column('retired_on', sa.Date(), nullable=True),
    sa.Column('approved_by_id', sa.Integer(), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_of_before', sa.Boolean(), nullable=False, comment='Approved on paper, before this register'),
    sa.Column('file_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(status = 'DRAFT') = (in_force_on IS NULL)", name=op.f('ck_document_edition_in_force_unless_draft')),
    sa.CheckConstraint("(status = 'RETIRED') = (retired_on IS NOT NULL)", name=op.f('ck_document_edition_retired_iff_replaced')),
    sa.CheckConstraint("status = 'DRAFT' OR approved_by_id IS NOT NULL OR is_of_before", name=op.f('ck_document_edition_in_force_was_approved')),
    sa.CheckConstraint("status = 'DRAFT' OR length(change) > 0", name=op.f('ck_document_edition_approved_says_what_changed')),
    sa.CheckConstraint('(approved_by_id IS NULL) = (approved_at IS NULL)', name=op.f('ck_document_edition_approval_whole')),
    sa.CheckConstraint('length(version) > 0', name=op.f('ck_document_edition_has_version')),
    sa.CheckConstraint('retired_on IS NULL OR retired_on >= in_force_on', name=op.f('ck_document_edition_days_in_order')),
    sa.ForeignKeyConstraint(['approved_by_id'], ['ab_user.id'], name=op.f('fk_document_edition_approved_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_document_edition_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_document_edition_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['document_id'], ['controlled_document.id'], name=op.f('fk_document_edition_document_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_document_edition_file_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_document_edition')),
    sa.UniqueConstraint('document_id', 'version', name=op.f('uq_document_edition_document_id_version')),
    sa.UniqueConstraint('file_id', name=op.f('uq_document_edition_file_id'))
    )
    with op.batch_alter_table('document_edition') as batch_op:
        batch_op.create_index('uq_document_edition_in_force', ['document_id'], unique=True, sqlite_where=sa.text("status = 'IN_FORCE'"), postgresql_where=sa.text("status = 'IN_FORCE'"))

    op.create_table('legal_evaluation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('requirement_id', sa.Integer(), nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('result', sa.Enum('COMPLIES', 'PARTLY', 'FAILS', 'NOT_APPLICABLE', name='result_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('evidence', sa.Text(), nullable=False, comment='What was looked at'),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('evaluated_by_id', sa.Integer(), nullable=True),
    sa.Column('file_id', sa.Integer(), nullable=True),
    sa.Column('action_id', sa.Integer(), nullable=True),
    sa.Column('no_action_reason', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("result NOT IN ('PARTLY', 'FAILS') OR action_id IS NOT NULL OR length(no_action_reason) > 0", name=op.f('ck_legal_evaluation_failing_says_of_action')),
    sa.CheckConstraint('action_id IS NULL OR length(no_action_reason) = 0', name=op.f('ck_legal_evaluation_action_or_reason')),
    sa.CheckConstraint('length(evidence) > 0', name=op.f('ck_legal_evaluation_has_evidence')),
    sa.ForeignKeyConstraint(['action_id'], ['action.id'], name=op.f('fk_legal_evaluation_action_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_legal_evaluation_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_legal_evaluation_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['evaluated_by_id'], ['ab_user.id'], name=op.f('fk_legal_evaluation_evaluated_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_legal_evaluation_file_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['requirement_id'], ['legal_requirement.id'], name=op.f('fk_legal_evaluation_requirement_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_legal_evaluation')),
    sa.UniqueConstraint('file_id', name=op.f('uq_legal_evaluation_file_id')),
    sa.UniqueConstraint('requirement_id', 'on', name=op.f('uq_legal_evaluation_requirement_id_on'))
    )
    op.create_table('management_review',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False, comment='RD-2026-0001; gap-free'),
    sa.Column('held_on', sa.Date(), nullable=False),
    sa.Column('period_from', sa.Date(), nullable=False),
    sa.Column('period_until', sa.Date(), nullable=False),
    sa.Column('attendees', sa.Text(), nullable=False, comment='One in each line: name and office'),
    sa.Column('facts', sa.JSON(), nullable=False, comment='The inputs as they were when it was prepared'),
    sa.Column('prepared_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('remarks', sa.JSON(), nullable=False, comment='What was said of each input, by its key'),
    sa.Column('changes', sa.Text(), nullable=False, comment='Changes in the context, the parties and the system'),
    sa.Column('resources', sa.Text(), nullable=False, comment='Whether resources suffice'),
    sa.Column('conclusion', sa.Text(), nullable=False),
    sa.Column('status', sa.Enum('DRAFT', 'SIGNED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('signed_by_id', sa.Integer(), nullable=True),
    sa.Column('signed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('document_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(status = 'SIGNED') = (document_id IS NOT NULL)", name=op.f('ck_management_review_signed_has_minutes')),
    sa.CheckConstraint("(status = 'SIGNED') = (signed_at IS NOT NULL)", name=op.f('ck_management_review_signed_iff_over')),
    sa.CheckConstraint("status <> 'SIGNED' OR (length(attendees) > 0 AND length(conclusion) > 0)", name=op.f('ck_management_review_signed_is_whole')),
    sa.CheckConstraint('(signed_by_id IS NULL) = (signed_at IS NULL)', name=op.f('ck_management_review_signature_whole')),
    sa.CheckConstraint('period_from <= period_until', name=op.f('ck_management_review_period_in_order')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_management_review_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_management_review_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_management_review_document_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_management_review_organisation_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['signed_by_id'], ['ab_user.id'], name=op.f('fk_management_review_signed_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_management_review')),
    sa.UniqueConstraint('document_id', name=op.f('uq_management_review_document_id')),
    sa.UniqueConstraint('organisation_id', 'number', name=op.f('uq_management_review_organisation_id_number'))
    )
    with op.batch_alter_table('management_review') as batch_op:
        batch_op.create_index(batch_op.f('ix_management_review_held_on'), ['held_on'], unique=False)

    op.create_table('review_decision',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('review_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('topic', sa.String(length=40), nullable=False, comment='Key of the input it answers; empty: of the whole'),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('process_id', sa.Integer(), nullable=False),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('action_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(text) > 0', name=op.f('ck_review_decision_has_text')),
    sa.ForeignKeyConstraint(['action_id'], ['action.id'], name=op.f('fk_review_decision_action_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_review_decision_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_review_decision_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_review_decision_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_review_decision_responsible_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['review_id'], ['management_review.id'], name=op.f('fk_review_decision_review_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_review_decision')),
    sa.UniqueConstraint('review_id', 'position', name=op.f('uq_review_decision_review_id_position'))
    )
    with op.batch_alter_table('review_decision') as batch_op:
        batch_op.create_index(batch_op.f('ix_review_decision_action_id'), ['action_id'], unique=False)

    gate_actions()
    change_document_kinds(DOCUMENTS_AFTER)
    tell_those_above()
    find_by_words()
    freeze()


def downgrade():
    thaw()
    find_no_longer()
    tell_nobody_above()
    with op.batch_alter_table('review_decision') as batch_op:
        batch_op.drop_index(batch_op.f('ix_review_decision_action_id'))

    op.drop_table('review_decision')
    with op.batch_alter_table('management_review') as batch_op:
        batch_op.drop_index(batch_op.f('ix_management_review_held_on'))

    op.drop_table('management_review')
    op.drop_table('legal_evaluation')
    with op.batch_alter_table('document_edition') as batch_op:
        batch_op.drop_index('uq_document_edition_in_force', sqlite_where=sa.text("status = 'IN_FORCE'"), postgresql_where=sa.text("status = 'IN_FORCE'"))

    op.drop_table('document_edition')
    with op.batch_alter_table('action_file') as batch_op:
        batch_op.drop_index(batch_op.f('ix_action_file_action_id_id'))

    op.drop_table('action_file')
    with op.batch_alter_table('action_event') as batch_op:
        batch_op.drop_index(batch_op.f('ix_action_event_nonconformity_id_id'))
        batch_op.drop_index(batch_op.f('ix_action_event_action_id_id'))

    op.drop_table('action_event')
    op.drop_table('process_activity')
    with op.batch_alter_table('nonconformity') as batch_op:
        batch_op.drop_index(batch_op.f('ix_nonconformity_status_found_on'))
        batch_op.drop_index(batch_op.f('ix_nonconformity_process_id_status'))
        batch_op.drop_index(batch_op.f('ix_nonconformity_pqr_id'))

    op.drop_table('nonconformity')
    op.drop_table('process_sheet_row')
    with op.batch_alter_table('legal_rest') as batch_op:
        batch_op.drop_index(batch_op.f('ix_legal_rest_parameter_key'))
        batch_op.drop_index(batch_op.f('ix_legal_rest_legal_term_id'))
        batch_op.drop_index(batch_op.f('ix_legal_rest_answer_template_id'))

    op.drop_table('legal_rest')
    with op.batch_alter_table('risk_move') as batch_op:
        batch_op.drop_index(batch_op.f('ix_risk_move_risk_id_id'))

    op.drop_table('risk_move')
    with op.batch_alter_table('risk_control') as batch_op:
        batch_op.drop_index(batch_op.f('ix_risk_control_risk_id'))

    op.drop_table('risk_control')
    op.drop_table('process_sheet')
    with op.batch_alter_table('indicator_note') as batch_op:
        batch_op.drop_index(batch_op.f('ix_indicator_note_value_id_id'))

    op.drop_table('indicator_note')
    with op.batch_alter_table('indicator_value') as batch_op:
        batch_op.drop_index(batch_op.f('ix_indicator_value_period_from'))
        batch_op.drop_index(batch_op.f('ix_indicator_value_action_id'))

    op.drop_table('indicator_value')
    with op.batch_alter_table('controlled_print') as batch_op:
        batch_op.drop_index(batch_op.f('ix_controlled_print_document_id'))

    op.drop_table('controlled_print')
    with op.batch_alter_table('action_task') as batch_op:
        batch_op.drop_index(batch_op.f('ix_action_task_status_due_on'))
        batch_op.drop_index(batch_op.f('ix_action_task_responsible_id_status_due_on'))

    op.drop_table('action_task')
    op.drop_table('action_review')
    op.drop_table('action_cause')
    with op.batch_alter_table('risk') as batch_op:
        batch_op.drop_index(batch_op.f('ix_risk_residual_probability_residual_impact'))
        batch_op.drop_index(batch_op.f('ix_risk_process_id'))
        batch_op.drop_index(batch_op.f('ix_risk_closed_on_review_on'))

    op.drop_table('risk')
    with op.batch_alter_table('legal_requirement') as batch_op:
        batch_op.drop_index(batch_op.f('ix_legal_requirement_process_id'))
        batch_op.drop_index(batch_op.f('ix_legal_requirement_is_active_next_on'))

    op.drop_table('legal_requirement')
    with op.batch_alter_table('indicator') as batch_op:
        batch_op.drop_index(batch_op.f('ix_indicator_process_id'))

    op.drop_table('indicator')
    with op.batch_alter_table('controlled_document') as batch_op:
        batch_op.drop_index(batch_op.f('ix_controlled_document_process_id'))

    op.drop_table('controlled_document')
    op.drop_table('risk_probability')
    op.drop_table('risk_impact')
    op.drop_table('risk_band')
    free_actions()
    op.execute("DELETE FROM document WHERE kind = 'MANAGEMENT_REVIEW'")
    change_document_kinds(DOCUMENTS_BEFORE)
