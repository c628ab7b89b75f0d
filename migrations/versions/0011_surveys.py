"""Questionnaires, campaigns, answers and alarms of surveys; zone of an account; published forms and closed campaigns are frozen.

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-22 14:10:00

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

DOCUMENTS_BEFORE = "kind IN ('RECEIPT', 'ANSWER', 'COMPLETION_REQUEST', 'CLARIFICATION_REQUEST', 'EVIDENCE_ORDER', 'EXTENSION', 'TRANSFER', 'WITHDRAWAL', 'ARCHIVE', 'SUMMONS', 'PERSONAL_NOTICE', 'AVISO', 'NOTICE_CERTIFICATE', 'RECOGNITION', 'SSPD_LETTER', 'SSPD_FILE', 'WORK_ORDER', 'PRIOR_REVIEW', 'SUSPENSION', 'CUT', 'REINSTALLATION', 'RECONNECTION', 'FINANCING', 'INVOICE_CHANGE', 'QUOTATION', 'CHECKLIST')"
DOCUMENTS_AFTER = DOCUMENTS_BEFORE.replace("'CHECKLIST'", "'CHECKLIST', 'SURVEY_REPORT'")
CONSENTS_BEFORE = "kind IN ('DATA', 'E_NOTICE', 'SURVEY')"
CONSENTS_AFTER = "kind IN ('DATA', 'E_NOTICE', 'SURVEY', 'SURVEY_NAME')"
OF_COMMERCE = ('quotation_id', 'contract_id', 'checklist_id')


def change_kinds(table, to):
    with op.batch_alter_table(table) as batch_op:
        batch_op.drop_constraint(op.f(f'ck_{table}_kind_known'), type_='check')
        batch_op.create_check_constraint(op.f(f'ck_{table}_kind_known'), sa.text(to))


def of_one_thing(*columns):
    return ' + '.join(f'(CASE WHEN {name} IS NULL THEN 0 ELSE 1 END)' for name in columns) + ' = 1'


# What may not change any more, and from when. The text of a refusal begins with "frozen:".

_TEXTS = 'questionnaire_id number published_at intro_es intro_en thanks_es thanks_en script'
_KEPT = "EXISTS (SELECT 1 FROM questionnaire_version WHERE id = {}.version_id AND status <> 'DRAFT')"
_OPEN = "EXISTS (SELECT 1 FROM survey_campaign WHERE id = {}.campaign_id AND status = 'OPEN')"
_TAKES = ("EXISTS (SELECT 1 FROM survey_response AS r JOIN survey_campaign AS c ON c.id = r.campaign_id"
          " WHERE r.id = {}.response_id AND c.status = 'OPEN')")


def frozen():
    """Yield (name, table, event, condition): a form once published, answers once their campaign takes none."""
    differs = 'IS NOT' if op.get_bind().dialect.name == 'sqlite' else 'IS DISTINCT FROM'
    changed = ' OR '.join(f'NEW.{name} {differs} OLD.{name}' for name in _TEXTS.split())
    yield 'questionnaire_version_keeps', 'questionnaire_version', 'UPDATE', f"OLD.status <> 'DRAFT' AND ({changed})"
    yield 'questionnaire_version_stays', 'questionnaire_version', 'DELETE', "OLD.status <> 'DRAFT'"
    for table in ('questionnaire_section', 'question', 'question_option'):
        yield f'{table}_insert_kept', table, 'INSERT', _KEPT.format('NEW')
        yield f'{table}_update_kept', table, 'UPDATE', f"{_KEPT.format('OLD')} OR {_KEPT.format('NEW')}"
        yield f'{table}_delete_kept', table, 'DELETE', _KEPT.format('OLD')
    moved = ' OR '.join(f'NEW.{name} {differs} OLD.{name}' for name in ('campaign_id', 'status', 'completed_at', 'answered_on'))
    yield 'survey_response_insert_kept', 'survey_response', 'INSERT', f"NOT {_OPEN.format('NEW')}"
    yield 'survey_response_update_kept', 'survey_response', 'UPDATE', f"({moved}) AND NOT {_OPEN.format('OLD')}"
    yield 'survey_response_delete_kept', 'survey_response', 'DELETE', f"NOT {_OPEN.format('OLD')}"
    yield 'survey_answer_insert_kept', 'survey_answer', 'INSERT', f"NOT {_TAKES.format('NEW')}"
    yield 'survey_answer_update_kept', 'survey_answer', 'UPDATE', f"NOT {_TAKES.format('OLD')}"
    yield 'survey_answer_delete_kept', 'survey_answer', 'DELETE', f"NOT {_TAKES.format('OLD')}"


def freeze():
    is_sqlite = op.get_bind().dialect.name == 'sqlite'
    for name, table, event, condition in frozen():
        if is_sqlite:
            op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW WHEN {condition} "
                       f"BEGIN SELECT RAISE(ABORT, 'frozen: {table}'); END")
            continue
        refuse = "RAISE EXCEPTION 'frozen: %', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'"
        back = 'OLD' if event == 'DELETE' else 'NEW'
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger AS $$ BEGIN IF {condition} THEN {refuse}; END IF; RETURN {back}; END $$"
                   " LANGUAGE plpgsql")
        op.execute(f'CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()')


def thaw():
    is_sqlite = op.get_bind().dialect.name == 'sqlite'
    for name, table, _event, _condition in frozen():
        op.execute(f'DROP TRIGGER {name}' + ('' if is_sqlite else f' ON {table}'))
        if not is_sqlite:
            op.execute(f'DROP FUNCTION {name}()')


def upgrade():
    op.create_table('survey_tag',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(name) > 0', name=op.f('ck_survey_tag_has_name')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_survey_tag_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_survey_tag_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_tag')),
    sa.UniqueConstraint('name', name=op.f('uq_survey_tag_name'))
    )
    op.create_table('questionnaire',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False, comment='Of the form in the quality system'),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('audience', sa.Enum('CONTRACTS', 'USERS', 'ANYBODY', name='audience_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('frequency_months', sa.Integer(), nullable=True, comment='Every how many months a campaign is due; empty: only when asked for'),
    sa.Column('starts_on', sa.Date(), nullable=True, comment='First day of the first period; the next ones follow by the frequency'),
    sa.Column('days_open', sa.Integer(), nullable=False, comment='Calendar days that a campaign takes answers'),
    sa.Column('process_id', sa.Integer(), nullable=True, comment='Who carries it out'),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('days_open BETWEEN 1 AND 366', name=op.f('ck_questionnaire_days_open_sensible')),
    sa.CheckConstraint('frequency_months IS NULL OR frequency_months BETWEEN 1 AND 60', name=op.f('ck_questionnaire_frequency_sensible')),
    sa.CheckConstraint('length(code) > 0 AND length(name) > 0', name=op.f('ck_questionnaire_has_code_and_name')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_questionnaire_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_questionnaire_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_questionnaire_process_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_questionnaire')),
    sa.UniqueConstraint('code', name=op.f('uq_questionnaire_code')),
    sa.UniqueConstraint('name', name=op.f('uq_questionnaire_name'))
    )
    op.create_table('survey_opt_out',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('party_id', sa.Integer(), nullable=False),
    sa.Column('since_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('via', sa.Enum('LINK', 'QR', 'KIOSK', 'PHONE', 'PAPER', 'IMPORT', name='via_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('ended_at IS NULL OR ended_at >= since_at', name=op.f('ck_survey_opt_out_since_before_ended')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_survey_opt_out_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_survey_opt_out_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['party_id'], ['party.id'], name=op.f('fk_survey_opt_out_party_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_opt_out'))
    )
    with op.batch_alter_table('survey_opt_out') as batch_op:
        batch_op.create_index('uq_survey_opt_out_party', ['party_id'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('questionnaire_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('questionnaire_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('DRAFT', 'PUBLISHED', 'RETIRED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('published_by_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False, comment='What changes from the version before'),
    sa.Column('intro_es', sa.Text(), nullable=False, comment='What whoever answers reads first'),
    sa.Column('intro_en', sa.Text(), nullable=False),
    sa.Column('thanks_es', sa.Text(), nullable=False),
    sa.Column('thanks_en', sa.Text(), nullable=False),
    sa.Column('script', sa.Text(), nullable=False, comment='What the interviewer says: {name}, {organisation}'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(status = 'DRAFT') = (published_at IS NULL)", name=op.f('ck_questionnaire_version_published_unless_draft')),
    sa.CheckConstraint('number > 0', name=op.f('ck_questionnaire_version_counts_from_one')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_questionnaire_version_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_questionnaire_version_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['published_by_id'], ['ab_user.id'], name=op.f('fk_questionnaire_version_published_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['questionnaire_id'], ['questionnaire.id'], name=op.f('fk_questionnaire_version_questionnaire_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_questionnaire_version')),
    sa.UniqueConstraint('questionnaire_id', 'number', name=op.f('uq_questionnaire_version_questionnaire_id_number'))
    )
    with op.batch_alter_table('questionnaire_version') as batch_op:
        batch_op.create_index('uq_questionnaire_version_draft', ['questionnaire_id'], unique=True, sqlite_where=sa.text("status = 'DRAFT'"), postgresql_where=sa.text("status = 'DRAFT'"))
        batch_op.create_index('uq_questionnaire_version_published', ['questionnaire_id'], unique=True, sqlite_where=sa.text("status = 'PUBLISHED'"), postgresql_where=sa.text("status = 'PUBLISHED'"))

    op.create_table('survey_threshold',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('questionnaire_id', sa.Integer(), nullable=False),
    sa.Column('question_code', sa.String(length=20), nullable=False, comment='Empty, with words: every open text'),
    sa.Column('measure', sa.Enum('MEAN', 'CSAT', 'NPS', 'ANSWER', 'WORDS', name='measure_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('at_most', sa.Numeric(precision=6, scale=2), nullable=True, comment='It goes off at this figure or under it'),
    sa.Column('words', sa.Text(), nullable=False, comment='Comma-separated; accents and capitals are forgiven'),
    sa.Column('least_n', sa.Integer(), nullable=False, comment='Of answers behind a figure'),
    sa.Column('effect', sa.Enum('ACTION', 'CONTACT', 'CASE', name='effect_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('process_id', sa.Integer(), nullable=True, comment='Empty: that of the campaign'),
    sa.Column('days', sa.Integer(), nullable=False, comment='Calendar days to do it'),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(measure = 'WORDS') = (at_most IS NULL)", name=op.f('ck_survey_threshold_figure_unless_words')),
    sa.CheckConstraint("(measure = 'WORDS') = (length(words) > 0)", name=op.f('ck_survey_threshold_words_iff_words')),
    sa.CheckConstraint("effect <> 'ACTION' OR process_id IS NOT NULL", name=op.f('ck_survey_threshold_action_names_its_process')),
    sa.CheckConstraint("measure <> 'CSAT' OR at_most BETWEEN 0 AND 100", name=op.f('ck_survey_threshold_csat_is_a_percentage')),
    sa.CheckConstraint("measure <> 'NPS' OR at_most BETWEEN -100 AND 100", name=op.f('ck_survey_threshold_nps_in_range')),
    sa.CheckConstraint("measure IN ('ANSWER', 'WORDS') OR effect = 'ACTION'", name=op.f('ck_survey_threshold_figure_asks_for_action')),
    sa.CheckConstraint('days BETWEEN 1 AND 365', name=op.f('ck_survey_threshold_days_sensible')),
    sa.CheckConstraint('least_n >= 1', name=op.f('ck_survey_threshold_least_n_positive')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_survey_threshold_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_survey_threshold_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_survey_threshold_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['questionnaire_id'], ['questionnaire.id'], name=op.f('fk_survey_threshold_questionnaire_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_threshold'))
    )
    with op.batch_alter_table('survey_threshold') as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_threshold_questionnaire_id_question_code'), ['questionnaire_id', 'question_code'], unique=False)

    op.create_table('questionnaire_section',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('title_es', sa.String(length=160), nullable=False),
    sa.Column('title_en', sa.String(length=160), nullable=False),
    sa.Column('help_es', sa.Text(), nullable=False),
    sa.Column('help_en', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(title_es) > 0', name=op.f('ck_questionnaire_section_has_title')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_questionnaire_section_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_questionnaire_section_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['version_id'], ['questionnaire_version.id'], name=op.f('fk_questionnaire_section_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_questionnaire_section')),
    sa.UniqueConstraint('id', 'version_id', name=op.f('uq_questionnaire_section_id_version_id')),
    sa.UniqueConstraint('version_id', 'position', name=op.f('uq_questionnaire_section_version_id_position'))
    )
    op.create_table('question',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('section_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False, comment='In its section'),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('kind', sa.Enum('SCALE5', 'SCALE7', 'NPS', 'YES_NO', 'ONE', 'MANY', 'NUMBER', 'TEXT', 'MATRIX', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('text_es', sa.Text(), nullable=False),
    sa.Column('text_en', sa.Text(), nullable=False),
    sa.Column('help_es', sa.Text(), nullable=False),
    sa.Column('help_en', sa.Text(), nullable=False),
    sa.Column('low_es', sa.String(length=60), nullable=False, comment='What the least score means'),
    sa.Column('low_en', sa.String(length=60), nullable=False),
    sa.Column('high_es', sa.String(length=60), nullable=False),
    sa.Column('high_en', sa.String(length=60), nullable=False),
    sa.Column('is_required', sa.Boolean(), nullable=False),
    sa.Column('is_reversed', sa.Boolean(), nullable=False, comment='The least score is the best'),
    sa.Column('has_na', sa.Boolean(), nullable=False, comment="Takes 'I do not know, or it does not apply'"),
    sa.Column('least', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('greatest', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('condition_id', sa.Integer(), nullable=True),
    sa.Column('condition_op', sa.Enum('IS', 'IS_NOT', 'AT_LEAST', 'AT_MOST', name='condition_op_known', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('condition_value', sa.String(length=40), nullable=True, comment='A score, a number, or the code of an option'),
    sa.Column('process_id', sa.Integer(), nullable=True, comment='Which process it is about'),
    sa.Column('fingerprint', sa.String(length=64), nullable=False, comment='Of what it asks and of its scale, once published'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("NOT is_reversed OR kind IN ('SCALE5', 'SCALE7', 'YES_NO', 'MATRIX')", name=op.f('ck_question_reversed_is_scored')),
    sa.CheckConstraint("kind = 'NUMBER' OR (least IS NULL AND greatest IS NULL)", name=op.f('ck_question_bounds_of_numbers')),
    sa.CheckConstraint('(condition_id IS NULL) = (condition_op IS NULL) AND (condition_id IS NULL) = (condition_value IS NULL)', name=op.f('ck_question_condition_whole')),
    sa.CheckConstraint('condition_id IS NULL OR condition_id <> id', name=op.f('ck_question_not_its_own_condition')),
    sa.CheckConstraint('least IS NULL OR greatest IS NULL OR least <= greatest', name=op.f('ck_question_bounds_in_order')),
    sa.CheckConstraint('length(code) > 0 AND length(text_es) > 0', name=op.f('ck_question_has_code_and_text')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_question_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['condition_id', 'version_id'], ['question.id', 'question.version_id'], name=op.f('fk_question_condition_id_version_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_question_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_question_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['section_id', 'version_id'], ['questionnaire_section.id', 'questionnaire_section.version_id'], name=op.f('fk_question_section_id_version_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['version_id'], ['questionnaire_version.id'], name=op.f('fk_question_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question')),
    sa.UniqueConstraint('id', 'kind', name=op.f('uq_question_id_kind')),
    sa.UniqueConstraint('id', 'version_id', name=op.f('uq_question_id_version_id')),
    sa.UniqueConstraint('section_id', 'position', name=op.f('uq_question_section_id_position')),
    sa.UniqueConstraint('version_id', 'code', name=op.f('uq_question_version_id_code'))
    )
    with op.batch_alter_table('question') as batch_op:
        batch_op.create_index(batch_op.f('ix_question_condition_id'), ['condition_id'], unique=False)

    op.create_table('question_option',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('question_id', sa.Integer(), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('text_es', sa.String(length=200), nullable=False),
    sa.Column('text_en', sa.String(length=200), nullable=False),
    sa.Column('service_id', sa.Integer(), nullable=True, comment='Of a row about one'),
    sa.Column('takes_words', sa.Boolean(), nullable=False, comment="'Other': asks which"),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(code) > 0 AND length(text_es) > 0', name=op.f('ck_question_option_has_code_and_text')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_question_option_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_question_option_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['question_id', 'version_id'], ['question.id', 'question.version_id'], name=op.f('fk_question_option_question_id_version_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_question_option_service_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question_option')),
    sa.UniqueConstraint('id', 'question_id', name=op.f('uq_question_option_id_question_id')),
    sa.UniqueConstraint('question_id', 'code', name=op.f('uq_question_option_question_id_code')),
    sa.UniqueConstraint('question_id', 'position', name=op.f('uq_question_option_question_id_position'))
    )
    op.create_table('survey_campaign',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False, comment='ENC-2026-0001; gap-free'),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('questionnaire_id', sa.Integer(), nullable=False),
    sa.Column('version_id', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('PROPOSED', 'OPEN', 'CLOSED', 'DROPPED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('audience', sa.Enum('CONTRACTS', 'USERS', 'ANYBODY', name='audience_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('needs_consent', sa.Boolean(), nullable=False, comment='Asks only people who agreed to be contacted for surveys'),
    sa.Column('period_from', sa.Date(), nullable=False),
    sa.Column('period_until', sa.Date(), nullable=False),
    sa.Column('opens_on', sa.Date(), nullable=False),
    sa.Column('closes_on', sa.Date(), nullable=False, comment='Last day on which it takes answers'),
    sa.Column('by_link', sa.Boolean(), nullable=False),
    sa.Column('by_phone', sa.Boolean(), nullable=False),
    sa.Column('by_qr', sa.Boolean(), nullable=False),
    sa.Column('by_kiosk', sa.Boolean(), nullable=False),
    sa.Column('by_paper', sa.Boolean(), nullable=False),
    sa.Column('by_file', sa.Boolean(), nullable=False, comment='Answers come from a file'),
    sa.Column('is_sampled', sa.Boolean(), nullable=False, comment='Otherwise everybody of the audience is asked'),
    sa.Column('by_zone', sa.Boolean(), nullable=False, comment='Strata of the sample'),
    sa.Column('by_stratum', sa.Boolean(), nullable=False),
    sa.Column('by_service', sa.Boolean(), nullable=False),
    sa.Column('confidence', sa.Integer(), nullable=False, comment='Percentage'),
    sa.Column('error_percent', sa.Numeric(precision=4, scale=1), nullable=False, comment='Margin of error, in percentage points'),
    sa.Column('seed', sa.Integer(), nullable=True, comment='Of the drawing, so that it can be done again'),
    sa.Column('population', sa.Integer(), nullable=True, comment='Who could be asked when it was drawn'),
    sa.Column('sample_size', sa.Integer(), nullable=True),
    sa.Column('max_reminders', sa.Integer(), nullable=False),
    sa.Column('reminder_days', sa.Integer(), nullable=False, comment='Days between reminders'),
    sa.Column('public_code', sa.String(length=40), nullable=True, comment='In the printed code and at the kiosk'),
    sa.Column('process_id', sa.Integer(), nullable=True),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('confirmed_by_id', sa.Integer(), nullable=True),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('drop_reason', sa.Text(), nullable=False),
    sa.Column('conclusion', sa.Text(), nullable=False, comment='What the report concludes'),
    sa.Column('document_id', sa.Integer(), nullable=True, comment='Report issued'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(closed_at IS NOT NULL) = (status = 'CLOSED')", name=op.f('ck_survey_campaign_closed_iff_over')),
    sa.CheckConstraint("(confirmed_at IS NULL) = (status IN ('PROPOSED', 'DROPPED'))", name=op.f('ck_survey_campaign_confirmed_iff_opened')),
    sa.CheckConstraint("status <> 'DROPPED' OR length(drop_reason) > 0", name=op.f('ck_survey_campaign_dropped_says_why')),
    sa.CheckConstraint('(confirmed_at IS NULL) = (confirmed_by_id IS NULL)', name=op.f('ck_survey_campaign_confirmation_whole')),
    sa.CheckConstraint('by_link OR by_phone OR by_qr OR by_kiosk OR by_paper OR by_file', name=op.f('ck_survey_campaign_has_a_channel')),
    sa.CheckConstraint('confidence IN (90, 95, 99)', name=op.f('ck_survey_campaign_confidence_known')),
    sa.CheckConstraint('error_percent > 0 AND error_percent <= 50', name=op.f('ck_survey_campaign_error_sensible')),
    sa.CheckConstraint('length(name) > 0', name=op.f('ck_survey_campaign_has_name')),
    sa.CheckConstraint('max_reminders BETWEEN 0 AND 10 AND reminder_days BETWEEN 1 AND 60', name=op.f('ck_survey_campaign_reminders_sensible')),
    sa.CheckConstraint('opens_on <= closes_on', name=op.f('ck_survey_campaign_opens_before_closing')),
    sa.CheckConstraint('period_from <= period_until', name=op.f('ck_survey_campaign_period_in_order')),
    sa.CheckConstraint('population IS NULL OR population >= 0', name=op.f('ck_survey_campaign_population_not_negative')),
    sa.CheckConstraint('sample_size IS NULL OR (sample_size >= 0 AND sample_size <= population)', name=op.f('ck_survey_campaign_sample_within_population')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_survey_campaign_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['confirmed_by_id'], ['ab_user.id'], name=op.f('fk_survey_campaign_confirmed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_survey_campaign_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_survey_campaign_document_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_survey_campaign_organisation_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_survey_campaign_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['questionnaire_id'], ['questionnaire.id'], name=op.f('fk_survey_campaign_questionnaire_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_survey_campaign_responsible_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['version_id'], ['questionnaire_version.id'], name=op.f('fk_survey_campaign_version_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_campaign')),
    sa.UniqueConstraint('document_id', name=op.f('uq_survey_campaign_document_id')),
    sa.UniqueConstraint('organisation_id', 'number', name=op.f('uq_survey_campaign_organisation_id_number')),
    sa.UniqueConstraint('public_code', name=op.f('uq_survey_campaign_public_code'))
    )
    with op.batch_alter_table('survey_campaign') as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_campaign_opens_on_id'), ['opens_on', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_survey_campaign_status_closes_on'), ['status', 'closes_on'], unique=False)
        batch_op.create_index('uq_survey_campaign_period', ['questionnaire_id', 'period_from'], unique=True, sqlite_where=sa.text("status <> 'DROPPED'"), postgresql_where=sa.text("status <> 'DROPPED'"))

    op.create_table('survey_quota',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=200), nullable=False, comment='zone|stratum|service, with only what the sample is split by'),
    sa.Column('zone', sa.String(length=80), nullable=False),
    sa.Column('stratum', sa.Integer(), nullable=True),
    sa.Column('service_id', sa.Integer(), nullable=True),
    sa.Column('population', sa.Integer(), nullable=False),
    sa.Column('target', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('population >= 0 AND target >= 0 AND target <= population', name=op.f('ck_survey_quota_target_within_population')),
    sa.ForeignKeyConstraint(['campaign_id'], ['survey_campaign.id'], name=op.f('fk_survey_quota_campaign_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_survey_quota_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_survey_quota_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_survey_quota_service_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_quota')),
    sa.UniqueConstraint('campaign_id', 'key', name=op.f('uq_survey_quota_campaign_id_key'))
    )
    op.create_table('survey_invitee',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=60), nullable=False, comment='contract:7 or party:12: nobody is asked twice'),
    sa.Column('party_id', sa.Integer(), nullable=True),
    sa.Column('account_id', sa.Integer(), nullable=True),
    sa.Column('contract_id', sa.Integer(), nullable=True),
    sa.Column('contact_id', sa.Integer(), nullable=True),
    sa.Column('quota_id', sa.Integer(), nullable=True),
    sa.Column('position', sa.Integer(), nullable=False, comment='Order of the drawing: reserves come after the target of their stratum'),
    sa.Column('is_reserve', sa.Boolean(), nullable=False, comment='Asked only when somebody drawn before drops out'),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('phone', sa.String(length=20), nullable=True),
    sa.Column('status', sa.Enum('WAITING', 'STARTED', 'ANSWERED', 'REFUSED', 'LOST', 'OPTED_OUT', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('invited_on', sa.Date(), nullable=True, comment='When the link went out'),
    sa.Column('n_reminders', sa.Integer(), nullable=False),
    sa.Column('reminded_on', sa.Date(), nullable=True),
    sa.Column('n_attempts', sa.Integer(), nullable=False, comment='Calls'),
    sa.Column('call_at', sa.DateTime(timezone=True), nullable=True, comment='Not to be called before'),
    sa.Column('held_by_id', sa.Integer(), nullable=True, comment='Interviewer who has them'),
    sa.Column('held_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(held_by_id IS NULL) = (held_until IS NULL)', name=op.f('ck_survey_invitee_hold_whole')),
    sa.CheckConstraint('n_reminders = 0 OR reminded_on IS NOT NULL', name=op.f('ck_survey_invitee_reminded_has_its_day')),
    sa.CheckConstraint('n_reminders >= 0 AND n_attempts >= 0', name=op.f('ck_survey_invitee_counts_not_negative')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_survey_invitee_account_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['campaign_id'], ['survey_campaign.id'], name=op.f('fk_survey_invitee_campaign_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_survey_invitee_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['contact_id'], ['party_contact.id'], name=op.f('fk_survey_invitee_contact_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_survey_invitee_contract_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_survey_invitee_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['held_by_id'], ['ab_user.id'], name=op.f('fk_survey_invitee_held_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['party_id'], ['party.id'], name=op.f('fk_survey_invitee_party_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['quota_id'], ['survey_quota.id'], name=op.f('fk_survey_invitee_quota_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_invitee')),
    sa.UniqueConstraint('campaign_id', 'key', name=op.f('uq_survey_invitee_campaign_id_key'))
    )
    with op.batch_alter_table('survey_invitee') as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_invitee_campaign_id_status_call_at'), ['campaign_id', 'status', 'call_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_survey_invitee_party_id'), ['party_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_survey_invitee_quota_id'), ['quota_id'], unique=False)

    op.create_table('survey_call',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('invitee_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('outcome', sa.Enum('ANSWERED', 'PARTIAL', 'CALL_BACK', 'NO_ANSWER', 'BUSY', 'WRONG_NUMBER', 'REFUSED', 'OPTED_OUT', name='outcome_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('call_back_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.CheckConstraint("(outcome = 'CALL_BACK') = (call_back_at IS NOT NULL)", name=op.f('ck_survey_call_call_back_has_its_hour')),
    sa.CheckConstraint('call_back_at IS NULL OR call_back_at > at', name=op.f('ck_survey_call_call_back_later')),
    sa.ForeignKeyConstraint(['invitee_id'], ['survey_invitee.id'], name=op.f('fk_survey_call_invitee_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_survey_call_user_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_call'))
    )
    with op.batch_alter_table('survey_call') as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_call_invitee_id_id'), ['invitee_id', 'id'], unique=False)

    op.create_table('survey_response',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('invitee_id', sa.Integer(), nullable=True),
    sa.Column('via', sa.Enum('LINK', 'QR', 'KIOSK', 'PHONE', 'PAPER', 'IMPORT', name='via_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('status', sa.Enum('PARTIAL', 'COMPLETE', 'SCREENED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('screened_reason', sa.String(length=160), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('completed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_on', sa.Date(), nullable=False, comment='Local date of the last change before completing; by which answers are counted'),
    sa.Column('interviewer_id', sa.Integer(), nullable=True, comment='Who asked, or typed it'),
    sa.Column('quota_id', sa.Integer(), nullable=True),
    sa.Column('contract_id', sa.Integer(), nullable=True),
    sa.Column('service_id', sa.Integer(), nullable=True),
    sa.Column('process_id', sa.Integer(), nullable=True),
    sa.Column('zone', sa.String(length=80), nullable=False),
    sa.Column('stratum', sa.Integer(), nullable=True),
    sa.Column('is_named', sa.Boolean(), nullable=False),
    sa.Column('consent_text_id', sa.Integer(), nullable=True),
    sa.Column('wants_contact', sa.Boolean(), nullable=False),
    sa.Column('wants_case', sa.Boolean(), nullable=False),
    sa.Column('source', sa.String(length=80), nullable=True, comment='File, program or bundle of paper it came from'),
    sa.Column('source_number', sa.String(length=60), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False, comment='Counts the savings'),
    sa.CheckConstraint("(status = 'SCREENED') = (length(screened_reason) > 0)", name=op.f('ck_survey_response_screened_says_why')),
    sa.CheckConstraint("via <> 'IMPORT' OR source IS NOT NULL", name=op.f('ck_survey_response_file_names_its_row')),
    sa.CheckConstraint('(source IS NULL) = (source_number IS NULL)', name=op.f('ck_survey_response_source_whole')),
    sa.CheckConstraint("status <> 'COMPLETE' OR completed_at IS NOT NULL", name=op.f('ck_survey_response_complete_has_its_hour')),
    sa.CheckConstraint("via NOT IN ('LINK', 'PHONE') OR invitee_id IS NOT NULL", name=op.f('ck_survey_response_link_and_phone_know_whom')),
    sa.CheckConstraint('NOT is_named OR consent_text_id IS NOT NULL', name=op.f('ck_survey_response_named_agreed')),
    sa.CheckConstraint('stratum BETWEEN 1 AND 6', name=op.f('ck_survey_response_stratum_1_to_6')),
    sa.CheckConstraint('version >= 0', name=op.f('ck_survey_response_version_not_negative')),
    sa.ForeignKeyConstraint(['campaign_id'], ['survey_campaign.id'], name=op.f('fk_survey_response_campaign_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['consent_text_id'], ['consent_text.id'], name=op.f('fk_survey_response_consent_text_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_survey_response_contract_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['interviewer_id'], ['ab_user.id'], name=op.f('fk_survey_response_interviewer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['invitee_id'], ['survey_invitee.id'], name=op.f('fk_survey_response_invitee_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_survey_response_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['quota_id'], ['survey_quota.id'], name=op.f('fk_survey_response_quota_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_survey_response_service_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_response')),
    sa.UniqueConstraint('campaign_id', 'source', 'source_number', name=op.f('uq_survey_response_campaign_id_source_source_number')),
    sa.UniqueConstraint('invitee_id', name=op.f('uq_survey_response_invitee_id'))
    )
    with op.batch_alter_table('survey_response') as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_response_campaign_id_status_answered_on'), ['campaign_id', 'status', 'answered_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_survey_response_contract_id'), ['contract_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_survey_response_quota_id'), ['quota_id'], unique=False)

    op.create_table('survey_alarm',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('threshold_id', sa.Integer(), nullable=True, comment='Empty: whoever answered asked for it'),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('response_id', sa.Integer(), nullable=True),
    sa.Column('effect', sa.Enum('ACTION', 'CONTACT', 'CASE', name='effect_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('what', sa.Text(), nullable=False, comment='What set it off, in words'),
    sa.Column('figure', sa.Numeric(precision=7, scale=2), nullable=True),
    sa.Column('process_id', sa.Integer(), nullable=True),
    sa.Column('responsible_id', sa.Integer(), nullable=True),
    sa.Column('status', sa.Enum('OPEN', 'SETTLED', 'DISMISSED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('raised_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('result', sa.Text(), nullable=False),
    sa.Column('action_id', sa.Integer(), nullable=True),
    sa.Column('pqr_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(status = 'OPEN') = (ended_on IS NULL)", name=op.f('ck_survey_alarm_ended_iff_not_open')),
    sa.CheckConstraint("status = 'OPEN' OR length(result) > 0", name=op.f('ck_survey_alarm_ended_says_how')),
    sa.CheckConstraint('due_on >= raised_on', name=op.f('ck_survey_alarm_raised_before_due')),
    sa.CheckConstraint("threshold_id IS NOT NULL OR (response_id IS NOT NULL AND effect <> 'ACTION')", name=op.f('ck_survey_alarm_threshold_or_asked_for')),
    sa.ForeignKeyConstraint(['action_id'], ['action.id'], name=op.f('fk_survey_alarm_action_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['campaign_id'], ['survey_campaign.id'], name=op.f('fk_survey_alarm_campaign_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_survey_alarm_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_survey_alarm_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['pqr_id'], ['pqr.id'], name=op.f('fk_survey_alarm_pqr_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['process_id'], ['process.id'], name=op.f('fk_survey_alarm_process_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['response_id'], ['survey_response.id'], name=op.f('fk_survey_alarm_response_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_id'], ['ab_user.id'], name=op.f('fk_survey_alarm_responsible_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['threshold_id'], ['survey_threshold.id'], name=op.f('fk_survey_alarm_threshold_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_alarm'))
    )
    with op.batch_alter_table('survey_alarm') as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_alarm_action_id'), ['action_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_survey_alarm_campaign_id'), ['campaign_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_survey_alarm_pqr_id'), ['pqr_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_survey_alarm_status_due_on'), ['status', 'due_on'], unique=False)
        batch_op.create_index('uq_survey_alarm_asked_for', ['response_id', 'effect'], unique=True, sqlite_where=sa.text('threshold_id IS NULL'), postgresql_where=sa.text('threshold_id IS NULL'))
        batch_op.create_index('uq_survey_alarm_figure', ['threshold_id', 'campaign_id'], unique=True, sqlite_where=sa.text('response_id IS NULL'), postgresql_where=sa.text('response_id IS NULL'))
        batch_op.create_index('uq_survey_alarm_response', ['threshold_id', 'response_id'], unique=True, sqlite_where=sa.text('response_id IS NOT NULL'), postgresql_where=sa.text('response_id IS NOT NULL'))

    op.create_table('survey_answer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('response_id', sa.Integer(), nullable=False),
    sa.Column('question_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('SCALE5', 'SCALE7', 'NPS', 'YES_NO', 'ONE', 'MANY', 'NUMBER', 'TEXT', 'MATRIX', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False, comment='Of the question'),
    sa.Column('option_id', sa.Integer(), nullable=True),
    sa.Column('score', sa.Integer(), nullable=True),
    sa.Column('value', sa.Integer(), nullable=True),
    sa.Column('number', sa.Numeric(precision=14, scale=2), nullable=True),
    sa.Column('words', sa.Text(), nullable=True, comment='Open text, or which other option'),
    sa.Column('is_na', sa.Boolean(), nullable=False, comment='Does not know, or it does not apply'),
    sa.CheckConstraint("(is_na AND score IS NULL AND value IS NULL AND number IS NULL AND words IS NULL AND (option_id IS NULL OR kind = 'MATRIX')) OR (NOT is_na AND score IS NOT NULL AND value IS NOT NULL AND number IS NULL AND words IS NULL AND ((kind = 'MATRIX' AND option_id IS NOT NULL) OR (kind IN ('SCALE5', 'SCALE7', 'NPS', 'YES_NO') AND option_id IS NULL))) OR (NOT is_na AND kind IN ('ONE', 'MANY') AND option_id IS NOT NULL AND score IS NULL AND value IS NULL AND number IS NULL) OR (NOT is_na AND kind = 'NUMBER' AND number IS NOT NULL AND option_id IS NULL AND score IS NULL AND value IS NULL AND words IS NULL) OR (NOT is_na AND kind = 'TEXT' AND length(words) > 0 AND option_id IS NULL AND score IS NULL AND value IS NULL AND number IS NULL)", name=op.f('ck_survey_answer_fits_its_kind')),
    sa.CheckConstraint("score IS NULL OR (kind IN ('SCALE5', 'MATRIX') AND score BETWEEN 1 AND 5 AND value IN (score, 6 - score)) OR (kind = 'SCALE7' AND score BETWEEN 1 AND 7 AND value IN (score, 8 - score)) OR (kind = 'NPS' AND score BETWEEN 0 AND 10 AND value = score) OR (kind = 'YES_NO' AND score BETWEEN 0 AND 1 AND value IN (score, 1 - score))", name=op.f('ck_survey_answer_score_in_scale')),
    sa.ForeignKeyConstraint(['option_id', 'question_id'], ['question_option.id', 'question_option.question_id'], name=op.f('fk_survey_answer_option_id_question_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['question_id', 'kind'], ['question.id', 'question.kind'], name=op.f('fk_survey_answer_question_id_kind'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['response_id'], ['survey_response.id'], name=op.f('fk_survey_answer_response_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_answer'))
    )
    with op.batch_alter_table('survey_answer') as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_answer_question_id_response_id'), ['question_id', 'response_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_survey_answer_response_id'), ['response_id'], unique=False)
        batch_op.create_index('uq_survey_answer_option', ['response_id', 'question_id', 'option_id'], unique=True, sqlite_where=sa.text('option_id IS NOT NULL'), postgresql_where=sa.text('option_id IS NOT NULL'))
        batch_op.create_index('uq_survey_answer_single', ['response_id', 'question_id'], unique=True, sqlite_where=sa.text('option_id IS NULL'), postgresql_where=sa.text('option_id IS NULL'))

    op.create_table('survey_answer_tag',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('answer_id', sa.Integer(), nullable=False),
    sa.Column('tag_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['answer_id'], ['survey_answer.id'], name=op.f('fk_survey_answer_tag_answer_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_survey_answer_tag_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_survey_answer_tag_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['tag_id'], ['survey_tag.id'], name=op.f('fk_survey_answer_tag_tag_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_answer_tag')),
    sa.UniqueConstraint('answer_id', 'tag_id', name=op.f('uq_survey_answer_tag_answer_id_tag_id'))
    )
    with op.batch_alter_table('survey_answer_tag') as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_answer_tag_tag_id'), ['tag_id'], unique=False)

    with op.batch_alter_table('account') as batch_op:
        batch_op.add_column(sa.Column('zone', sa.String(length=80), nullable=False, server_default='', comment='Sector, neighbourhood or route, by which surveys are sampled'))
    with op.batch_alter_table('account') as batch_op:
        batch_op.alter_column('zone', server_default=None)

    with op.batch_alter_table('outbox_message') as batch_op:
        batch_op.add_column(sa.Column('unsubscribe_url', sa.String(length=300), nullable=True, comment='Page where the addressee says to get no more of these'))

    with op.batch_alter_table('import_batch') as batch_op:
        batch_op.add_column(sa.Column('subject', sa.String(length=40), nullable=False, server_default='', comment='What the rows are about, for a kind whose columns depend on it'))
    with op.batch_alter_table('import_batch') as batch_op:
        batch_op.alter_column('subject', server_default=None)

    with op.batch_alter_table('commercial_event') as batch_op:
        batch_op.add_column(sa.Column('campaign_id', sa.Integer(), nullable=True))
        batch_op.drop_constraint(op.f('ck_commercial_event_of_one_thing'), type_='check')
        batch_op.create_check_constraint(op.f('ck_commercial_event_of_one_thing'), sa.text(of_one_thing(*OF_COMMERCE, 'campaign_id')))
        batch_op.create_index(batch_op.f('ix_commercial_event_campaign_id_id'), ['campaign_id', 'id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_commercial_event_campaign_id'), 'survey_campaign', ['campaign_id'], ['id'], ondelete='RESTRICT')

    change_kinds('document', DOCUMENTS_AFTER)
    change_kinds('consent_text', CONSENTS_AFTER)
    if op.get_context().dialect.name == 'postgresql':
        op.create_index(
            'ix_search_doc_survey_campaign', 'search_doc', ['words'], postgresql_using='gin',
            postgresql_where=sa.text("kind = 'survey_campaign'"), postgresql_with={'fastupdate': 'off'},
        )
    freeze()


def downgrade():
    thaw()
    op.execute("DELETE FROM search_doc WHERE kind = 'survey_campaign'")
    if op.get_context().dialect.name == 'postgresql':
        op.drop_index('ix_search_doc_survey_campaign', 'search_doc')
    op.execute('DELETE FROM commercial_event WHERE campaign_id IS NOT NULL')
    with op.batch_alter_table('commercial_event') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_commercial_event_campaign_id'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_commercial_event_campaign_id_id'))
        batch_op.drop_constraint(op.f('ck_commercial_event_of_one_thing'), type_='check')
        batch_op.create_check_constraint(op.f('ck_commercial_event_of_one_thing'), sa.text(of_one_thing(*OF_COMMERCE)))
        batch_op.drop_column('campaign_id')

    op.execute("DELETE FROM import_mapping WHERE kind = 'survey_answers'")
    with op.batch_alter_table('import_batch') as batch_op:
        batch_op.drop_column('subject')

    with op.batch_alter_table('outbox_message') as batch_op:
        batch_op.drop_column('unsubscribe_url')

    with op.batch_alter_table('account') as batch_op:
        batch_op.drop_column('zone')

    with op.batch_alter_table('survey_answer_tag') as batch_op:
        batch_op.drop_index(batch_op.f('ix_survey_answer_tag_tag_id'))

    op.drop_table('survey_answer_tag')
    with op.batch_alter_table('survey_answer') as batch_op:
        batch_op.drop_index('uq_survey_answer_single', sqlite_where=sa.text('option_id IS NULL'), postgresql_where=sa.text('option_id IS NULL'))
        batch_op.drop_index('uq_survey_answer_option', sqlite_where=sa.text('option_id IS NOT NULL'), postgresql_where=sa.text('option_id IS NOT NULL'))
        batch_op.drop_index(batch_op.f('ix_survey_answer_response_id'))
        batch_op.drop_index(batch_op.f('ix_survey_answer_question_id_response_id'))

    op.drop_table('survey_answer')
    with op.batch_alter_table('survey_alarm') as batch_op:
        batch_op.drop_index('uq_survey_alarm_response', sqlite_where=sa.text('response_id IS NOT NULL'), postgresql_where=sa.text('response_id IS NOT NULL'))
        batch_op.drop_index('uq_survey_alarm_asked_for', sqlite_where=sa.text('threshold_id IS NULL'), postgresql_where=sa.text('threshold_id IS NULL'))
        batch_op.drop_index('uq_survey_alarm_figure', sqlite_where=sa.text('response_id IS NULL'), postgresql_where=sa.text('response_id IS NULL'))
        batch_op.drop_index(batch_op.f('ix_survey_alarm_status_due_on'))
        batch_op.drop_index(batch_op.f('ix_survey_alarm_pqr_id'))
        batch_op.drop_index(batch_op.f('ix_survey_alarm_campaign_id'))
        batch_op.drop_index(batch_op.f('ix_survey_alarm_action_id'))

    op.drop_table('survey_alarm')
    with op.batch_alter_table('survey_response') as batch_op:
        batch_op.drop_index(batch_op.f('ix_survey_response_quota_id'))
        batch_op.drop_index(batch_op.f('ix_survey_response_contract_id'))
        batch_op.drop_index(batch_op.f('ix_survey_response_campaign_id_status_answered_on'))

    op.drop_table('survey_response')
    with op.batch_alter_table('survey_call') as batch_op:
        batch_op.drop_index(batch_op.f('ix_survey_call_invitee_id_id'))

    op.drop_table('survey_call')
    with op.batch_alter_table('survey_invitee') as batch_op:
        batch_op.drop_index(batch_op.f('ix_survey_invitee_quota_id'))
        batch_op.drop_index(batch_op.f('ix_survey_invitee_party_id'))
        batch_op.drop_index(batch_op.f('ix_survey_invitee_campaign_id_status_call_at'))

    op.drop_table('survey_invitee')
    op.drop_table('survey_quota')
    with op.batch_alter_table('survey_campaign') as batch_op:
        batch_op.drop_index('uq_survey_campaign_period', sqlite_where=sa.text("status <> 'DROPPED'"), postgresql_where=sa.text("status <> 'DROPPED'"))
        batch_op.drop_index(batch_op.f('ix_survey_campaign_status_closes_on'))
        batch_op.drop_index(batch_op.f('ix_survey_campaign_opens_on_id'))

    op.drop_table('survey_campaign')
    op.drop_table('question_option')
    with op.batch_alter_table('question') as batch_op:
        batch_op.drop_index(batch_op.f('ix_question_condition_id'))

    op.drop_table('question')
    op.drop_table('questionnaire_section')
    with op.batch_alter_table('survey_threshold') as batch_op:
        batch_op.drop_index(batch_op.f('ix_survey_threshold_questionnaire_id_question_code'))

    op.drop_table('survey_threshold')
    with op.batch_alter_table('questionnaire_version') as batch_op:
        batch_op.drop_index('uq_questionnaire_version_published', sqlite_where=sa.text("status = 'PUBLISHED'"), postgresql_where=sa.text("status = 'PUBLISHED'"))
        batch_op.drop_index('uq_questionnaire_version_draft', sqlite_where=sa.text("status = 'DRAFT'"), postgresql_where=sa.text("status = 'DRAFT'"))

    op.drop_table('questionnaire_version')
    with op.batch_alter_table('survey_opt_out') as batch_op:
        batch_op.drop_index('uq_survey_opt_out_party', sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.drop_table('survey_opt_out')
    op.drop_table('questionnaire')
    op.drop_table('survey_tag')
    op.execute("DELETE FROM consent WHERE text_id IN (SELECT id FROM consent_text WHERE kind = 'SURVEY_NAME')")
    op.execute("DELETE FROM consent_text WHERE kind = 'SURVEY_NAME'")
    change_kinds('consent_text', CONSENTS_BEFORE)
    op.execute("DELETE FROM document WHERE kind = 'SURVEY_REPORT'")
    change_kinds('document', DOCUMENTS_BEFORE)
