"""Mail in and out, reminders, work in the background, imports, billing, webhooks, feeds.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-22 07:40:00

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


#: (table, CHECK, its text before or None, its text after): the states and roles that were added, and the rules of the new columns.
CHECKS = (
    ('outbox_message', 'ck_outbox_message_status_known', "status IN ('QUEUED', 'SENDING', 'SENT', 'FAILED')", "status IN ('QUEUED', 'SENDING', 'SENT', 'FAILED', 'HELD', 'DIGESTED', 'DISCARDED')"),
    ('outbox_message', 'ck_outbox_message_digested_names_the_digest', None, "(status = 'DIGESTED') = (digest_id IS NOT NULL)"),
    ('outbox_message', 'ck_outbox_message_only_staff_waits_for_a_digest', None, "status NOT IN ('HELD', 'DIGESTED') OR user_id IS NOT NULL"),
    ('outbox_message', 'ck_outbox_message_given_up_has_reason', None, "status <> 'DISCARDED' OR coalesce(length(last_error), 0) > 0"),
    ('process_member', 'ck_process_member_role_known', "role IN ('OWNER', 'SUBSTITUTE')", "role IN ('OWNER', 'SUBSTITUTE', 'CHIEF')"),
    ('pqr', 'ck_pqr_source_whole', None, '(source IS NULL) = (source_number IS NULL)'),
    ('pqr', 'ck_pqr_foreign_due_has_source', None, 'source_due_on IS NULL OR source IS NOT NULL'),
)
BEFORE, AFTER = 2, 3


def drop_checks(side):
    for table in dict.fromkeys(row[0] for row in CHECKS):
        with op.batch_alter_table(table) as batch_op:
            for row in CHECKS:
                if row[0] == table and row[side]:
                    batch_op.drop_constraint(op.f(row[1]), type_='check')


def add_checks(side):
    for table in dict.fromkeys(row[0] for row in CHECKS):
        with op.batch_alter_table(table) as batch_op:
            for row in CHECKS:
                if row[0] == table and row[side]:
                    batch_op.create_check_constraint(op.f(row[1]), sa.text(row[side]))


def upgrade():
    drop_checks(BEFORE)
    op.create_table('worker_beat',
    sa.Column('worker', sa.String(length=120), nullable=False, comment='Machine and process'),
    sa.Column('host', sa.String(length=80), nullable=False),
    sa.Column('version', sa.String(length=40), nullable=False),
    sa.Column('queue', sa.String(length=20), nullable=False, comment='Engine of its queue'),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('worker', name=op.f('pk_worker_beat'))
    )
    with op.batch_alter_table('worker_beat') as batch_op:
        batch_op.create_index(batch_op.f('ix_worker_beat_seen_at'), ['seen_at'], unique=False)

    op.create_table('billing_column',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('SOLUTION', 'INVOICE_CHANGE', 'FINANCING', 'RECONNECTION', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('header', sa.String(length=60), nullable=False),
    sa.Column('field', sa.String(length=60), nullable=False),
    sa.Column('constant', sa.String(length=120), nullable=True),
    sa.Column('notation', sa.String(length=20), nullable=False, comment='Of dates and numbers; empty: as they are'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(length(field) > 0) <> (constant IS NOT NULL)', name=op.f('ck_billing_column_field_or_constant')),
    sa.CheckConstraint('length(header) > 0', name=op.f('ck_billing_column_header_not_empty')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_billing_column_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_billing_column_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_billing_column')),
    sa.UniqueConstraint('kind', 'header', name=op.f('uq_billing_column_kind_header'))
    )
    op.create_table('calendar_feed',
    sa.Column('user_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('length(token_hash) = 64', name=op.f('ck_calendar_feed_hash_whole')),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_calendar_feed_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_calendar_feed')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_calendar_feed_token_hash'))
    )
    op.create_table('import_mapping',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('columns', sa.JSON(), nullable=False),
    sa.Column('value_map', sa.JSON(), nullable=False),
    sa.Column('options', sa.JSON(), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_import_mapping_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_import_mapping_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_mapping')),
    sa.UniqueConstraint('kind', 'fingerprint', name=op.f('uq_import_mapping_kind_fingerprint'))
    )
    op.create_table('job_run',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('task', sa.String(length=60), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True, comment='Minute of the timetable that it serves; empty: somebody asked'),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.Enum('RUNNING', 'DONE', 'FAILED', 'LOST', name='outcome_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('n_done', sa.Integer(), nullable=False),
    sa.Column('counts', sa.JSON(), nullable=False, comment='What was done, by msgid; null: that part failed'),
    sa.Column('detail', sa.Text(), nullable=False, comment='What stopped it'),
    sa.Column('asked_by_id', sa.Integer(), nullable=True, comment='Empty: by the clock'),
    sa.Column('worker', sa.String(length=120), nullable=False),
    sa.CheckConstraint("(outcome = 'RUNNING') = (ended_at IS NULL)", name=op.f('ck_job_run_ended_iff_over')),
    sa.CheckConstraint('n_done >= 0', name=op.f('ck_job_run_done_not_negative')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['ab_user.id'], name=op.f('fk_job_run_asked_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job_run')),
    sa.UniqueConstraint('task', 'due_at', name=op.f('uq_job_run_task_due_at'))
    )
    with op.batch_alter_table('job_run') as batch_op:
        batch_op.create_index(batch_op.f('ix_job_run_started_at_id'), ['started_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_job_run_task_started_at'), ['task', 'started_at'], unique=False)

    op.create_table('market_claim',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(length=40), nullable=False, comment='Which statistics, e.g. SUI energía Atlántico'),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('place', sa.String(length=80), nullable=False, comment='Municipality as the file names it'),
    sa.Column('municipality_code', sa.String(length=5), nullable=True),
    sa.Column('procedure', sa.String(length=120), nullable=False),
    sa.Column('cause', sa.String(length=240), nullable=False),
    sa.Column('n_claims', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('n_claims >= 0', name=op.f('ck_market_claim_claims_not_negative')),
    sa.CheckConstraint('year BETWEEN 1990 AND 2100', name=op.f('ck_market_claim_year_plausible')),
    sa.ForeignKeyConstraint(['municipality_code'], ['municipality.code'], name=op.f('fk_market_claim_municipality_code'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_market_claim')),
    sa.UniqueConstraint('source', 'year', 'place', 'procedure', 'cause', name=op.f('uq_market_claim_source_year_place_procedure_cause'))
    )
    with op.batch_alter_table('market_claim') as batch_op:
        batch_op.create_index(batch_op.f('ix_market_claim_municipality_code'), ['municipality_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_market_claim_year_place'), ['year', 'place'], unique=False)

    op.create_table('mail_language',
    sa.Column('user_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.CheckConstraint("language IN ('es', 'en')", name=op.f('ck_mail_language_language_known')),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_mail_language_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_mail_language'))
    )
    op.create_table('message_template',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event', sa.String(length=40), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('subject', sa.String(length=240), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("language IN ('es', 'en')", name=op.f('ck_message_template_language_known')),
    sa.CheckConstraint('length(subject) > 0 AND length(body) > 0', name=op.f('ck_message_template_says_something')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_message_template_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_message_template_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message_template')),
    sa.UniqueConstraint('event', 'language', name=op.f('uq_message_template_event_language'))
    )
    op.create_table('notice_preference',
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('event', sa.String(length=40), nullable=False),
    sa.Column('delivery', sa.Enum('AT_ONCE', 'DIGEST', 'NEVER', name='delivery_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_notice_preference_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'event', name=op.f('pk_notice_preference'))
    )
    op.create_table('reminder_rule',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('source', sa.String(length=24), nullable=False, comment='What it watches: see operations.reminders.SOURCES'),
    sa.Column('trigger', sa.Enum('AT_START', 'AT_PERCENT', 'DAYS_BEFORE', 'EACH_DAY', 'OVERDUE', name='trigger_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('value', sa.Integer(), nullable=False, comment='Percentage, or business days'),
    sa.Column('to_owner', sa.Boolean(), nullable=False),
    sa.Column('to_substitute', sa.Boolean(), nullable=False),
    sa.Column('to_chief', sa.Boolean(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("trigger NOT IN ('AT_PERCENT', 'EACH_DAY') OR value BETWEEN 1 AND 100", name=op.f('ck_reminder_rule_percentage_1_to_100')),
    sa.CheckConstraint('to_owner OR to_substitute OR to_chief', name=op.f('ck_reminder_rule_tells_somebody')),
    sa.CheckConstraint('value >= 0', name=op.f('ck_reminder_rule_value_not_negative')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_reminder_rule_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_reminder_rule_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder_rule')),
    sa.UniqueConstraint('code', name=op.f('uq_reminder_rule_code')),
    sa.UniqueConstraint('name', name=op.f('uq_reminder_rule_name'))
    )
    op.create_table('webhook',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('url', sa.String(length=500), nullable=False),
    sa.Column('secret', sa.String(length=120), nullable=False, comment='Shown once, never listed, exported or logged'),
    sa.Column('previous_secret', sa.String(length=120), nullable=True, comment='Signs too until `previous_until`, while the receiver changes'),
    sa.Column('previous_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('events', sa.String(length=500), nullable=False, comment='Comma-separated'),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('n_failures', sa.Integer(), nullable=False, comment='In a row'),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('paused_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('paused_why', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(url) > 0', name=op.f('ck_webhook_url_not_empty')),
    sa.CheckConstraint('n_failures >= 0', name=op.f('ck_webhook_failures_not_negative')),
    sa.CheckConstraint('paused_at IS NULL OR length(paused_why) > 0', name=op.f('ck_webhook_paused_says_why')),
    sa.CheckConstraint('(previous_secret IS NULL) = (previous_until IS NULL)', name=op.f('ck_webhook_previous_secret_ends')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_webhook_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_webhook_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook')),
    sa.UniqueConstraint('name', name=op.f('uq_webhook_name'))
    )
    op.create_table('invoice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=30), nullable=False),
    sa.Column('period', sa.String(length=7), nullable=False, comment='2026-07'),
    sa.Column('issued_on', sa.Date(), nullable=False),
    sa.Column('delivered_on', sa.Date(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('amount_cop', sa.Numeric(precision=16, scale=2), nullable=False, comment='Negative: in favour of the customer'),
    sa.Column('consumption', sa.Numeric(precision=14, scale=3), nullable=True, comment='In the unit of the service: m³, kWh'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('delivered_on IS NULL OR delivered_on >= issued_on', name=op.f('ck_invoice_issued_before_delivered')),
    sa.CheckConstraint('length(period) = 7', name=op.f('ck_invoice_period_is_a_month')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_invoice_account_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_invoice_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_invoice_created_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice')),
    sa.UniqueConstraint('account_id', 'number', name=op.f('uq_invoice_account_id_number'))
    )
    with op.batch_alter_table('invoice') as batch_op:
        batch_op.create_index(batch_op.f('ix_invoice_account_id_period'), ['account_id', 'period'], unique=False)
        batch_op.create_index(batch_op.f('ix_invoice_number'), ['number'], unique=False)

    op.create_table('webhook_delivery',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('webhook_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('event', sa.String(length=40), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.Column('pqr_id', sa.Integer(), nullable=True),
    sa.Column('status', sa.Enum('QUEUED', 'SENDING', 'SENT', 'FAILED', 'HELD', 'DIGESTED', 'DISCARDED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('n_attempts', sa.Integer(), nullable=False),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('was_interrupted', sa.Boolean(), nullable=False),
    sa.Column('last_status', sa.Integer(), nullable=True, comment='HTTP code of the last answer'),
    sa.Column('last_answer', sa.Text(), nullable=False, comment='Start of what the receiver said'),
    sa.Column('last_error', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(status = 'SENT') = (sent_at IS NOT NULL)", name=op.f('ck_webhook_delivery_sent_at_iff_sent')),
    sa.CheckConstraint("status IN ('QUEUED', 'SENDING', 'SENT', 'FAILED', 'DISCARDED')", name=op.f('ck_webhook_delivery_status_of_a_delivery')),
    sa.CheckConstraint('n_attempts >= 0', name=op.f('ck_webhook_delivery_attempts_not_negative')),
    sa.ForeignKeyConstraint(['pqr_id'], ['pqr.id'], name=op.f('fk_webhook_delivery_pqr_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['webhook_id'], ['webhook.id'], name=op.f('fk_webhook_delivery_webhook_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_delivery')),
    sa.UniqueConstraint('webhook_id', 'key', name=op.f('uq_webhook_delivery_webhook_id_key'))
    )
    with op.batch_alter_table('webhook_delivery') as batch_op:
        batch_op.create_index(batch_op.f('ix_webhook_delivery_created_at_id'), ['created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_webhook_delivery_pqr_id'), ['pqr_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_webhook_delivery_status_next_attempt_at'), ['status', 'next_attempt_at'], unique=False)

    op.create_table('inbound_message',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('message_id', sa.String(length=250), nullable=False, comment='As its sender wrote it; made from the content if absent'),
    sa.Column('sha256', sa.String(length=64), nullable=False, comment='Of the whole message'),
    sa.Column('mailbox', sa.String(length=160), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False, comment='When our mail server received it'),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True, comment='As the sender says'),
    sa.Column('from_address', sa.String(length=254), nullable=False),
    sa.Column('from_name', sa.String(length=160), nullable=False),
    sa.Column('to_address', sa.String(length=254), nullable=False),
    sa.Column('subject', sa.String(length=240), nullable=False),
    sa.Column('body', sa.Text(), nullable=False, comment='The whole text'),
    sa.Column('body_trimmed', sa.Text(), nullable=False, comment='Without quotes and signature'),
    sa.Column('in_reply_to', sa.String(length=250), nullable=True),
    sa.Column('n_bytes', sa.Integer(), nullable=False),
    sa.Column('raw_file_id', sa.Integer(), nullable=True),
    sa.Column('status', sa.Enum('FILED', 'NOTED', 'QUARANTINED', 'IGNORED', 'DISCARDED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('ground', sa.String(length=40), nullable=False, comment='Code of why it was set aside'),
    sa.Column('reason', sa.Text(), nullable=False, comment='What a person wrote when deciding'),
    sa.Column('pqr_id', sa.Integer(), nullable=True),
    sa.Column('note_id', sa.Integer(), nullable=True),
    sa.Column('handled_by_id', sa.Integer(), nullable=True),
    sa.Column('handled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("status <> 'DISCARDED' OR length(reason) > 0", name=op.f('ck_inbound_message_discarded_has_reason')),
    sa.CheckConstraint("status <> 'NOTED' OR note_id IS NOT NULL", name=op.f('ck_inbound_message_noted_has_its_note')),
    sa.CheckConstraint("status NOT IN ('FILED', 'NOTED') OR pqr_id IS NOT NULL", name=op.f('ck_inbound_message_belongs_to_its_case')),
    sa.CheckConstraint("status NOT IN ('QUARANTINED', 'IGNORED', 'DISCARDED') OR length(ground) > 0", name=op.f('ck_inbound_message_set_aside_has_ground')),
    sa.CheckConstraint('length(sha256) = 64', name=op.f('ck_inbound_message_sha256_whole')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_inbound_message_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_inbound_message_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['handled_by_id'], ['ab_user.id'], name=op.f('fk_inbound_message_handled_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['note_id'], ['note.id'], name=op.f('fk_inbound_message_note_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['pqr_id'], ['pqr.id'], name=op.f('fk_inbound_message_pqr_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['raw_file_id'], ['stored_file.id'], name=op.f('fk_inbound_message_raw_file_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inbound_message')),
    sa.UniqueConstraint('message_id', name=op.f('uq_inbound_message_message_id')),
    sa.UniqueConstraint('note_id', name=op.f('uq_inbound_message_note_id')),
    sa.UniqueConstraint('raw_file_id', name=op.f('uq_inbound_message_raw_file_id'))
    )
    with op.batch_alter_table('inbound_message') as batch_op:
        batch_op.create_index(batch_op.f('ix_inbound_message_from_address_received_at'), ['from_address', 'received_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_inbound_message_pqr_id'), ['pqr_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_inbound_message_received_at_id'), ['received_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_inbound_message_status_received_at'), ['status', 'received_at'], unique=False)

    op.create_table('job',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('status', sa.Enum('QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED', 'LOST', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('params', sa.JSON(), nullable=False),
    sa.Column('n_done', sa.Integer(), nullable=False),
    sa.Column('n_total', sa.Integer(), nullable=True),
    sa.Column('phase', sa.String(length=120), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False, comment='Of who asked: title, result and error are in it'),
    sa.Column('asked_by_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('n_attempts', sa.Integer(), nullable=False),
    sa.Column('is_cancel_asked', sa.Boolean(), nullable=False),
    sa.Column('result_file_id', sa.Integer(), nullable=True),
    sa.Column('result', sa.Text(), nullable=False, comment='What came out, in words'),
    sa.Column('error', sa.Text(), nullable=False, comment='What went wrong, in words'),
    sa.CheckConstraint("(status = 'RUNNING') = (lease_until IS NOT NULL)", name=op.f('ck_job_leased_iff_running')),
    sa.CheckConstraint("(status IN ('QUEUED', 'RUNNING')) = (ended_at IS NULL)", name=op.f('ck_job_ended_iff_over')),
    sa.CheckConstraint("status NOT IN ('FAILED', 'LOST') OR length(error) > 0", name=op.f('ck_job_failed_says_why')),
    sa.CheckConstraint('n_attempts >= 0', name=op.f('ck_job_attempts_not_negative')),
    sa.CheckConstraint('n_done >= 0 AND (n_total IS NULL OR n_total >= 0)', name=op.f('ck_job_progress_not_negative')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['ab_user.id'], name=op.f('fk_job_asked_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['result_file_id'], ['stored_file.id'], name=op.f('fk_job_result_file_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job')),
    sa.UniqueConstraint('result_file_id', name=op.f('uq_job_result_file_id'))
    )
    with op.batch_alter_table('job') as batch_op:
        batch_op.create_index(batch_op.f('ix_job_asked_by_id_created_at'), ['asked_by_id', 'created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_job_created_at_id'), ['created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_job_status_lease_until'), ['status', 'lease_until'], unique=False)

    op.create_table('reminder',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('rule_id', sa.Integer(), nullable=False),
    sa.Column('row_key', sa.String(length=60), nullable=False, comment='Names the thing, e.g. PQR-2026-000123'),
    sa.Column('step', sa.String(length=24), nullable=False, comment='Working day on which it fell due, as 2026-07-10'),
    sa.Column('n_covered', sa.Integer(), nullable=False, comment='Earlier steps that nobody was told, for which this one stands'),
    sa.Column('due_on', sa.Date(), nullable=True, comment='Last day of the thing, as it was told'),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('told_as', sa.Enum('OWNER', 'SUBSTITUTE', 'CHIEF', name='told_as_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('pqr_id', sa.Integer(), nullable=True),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('message_id', sa.Integer(), nullable=True, comment='Empty: told on the screen alone'),
    sa.CheckConstraint('length(step) > 0', name=op.f('ck_reminder_step_not_empty')),
    sa.CheckConstraint('n_covered >= 0', name=op.f('ck_reminder_covered_not_negative')),
    sa.ForeignKeyConstraint(['message_id'], ['outbox_message.id'], name=op.f('fk_reminder_message_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['pqr_id'], ['pqr.id'], name=op.f('fk_reminder_pqr_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['rule_id'], ['reminder_rule.id'], name=op.f('fk_reminder_rule_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], name=op.f('fk_reminder_user_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder')),
    sa.UniqueConstraint('rule_id', 'row_key', 'step', 'user_id', name=op.f('uq_reminder_rule_id_row_key_step_user_id'))
    )
    with op.batch_alter_table('reminder') as batch_op:
        batch_op.create_index(batch_op.f('ix_reminder_message_id'), ['message_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_reminder_pqr_id'), ['pqr_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_reminder_told_at_id'), ['told_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_reminder_user_id_told_at'), ['user_id', 'told_at'], unique=False)

    op.create_table('billing_batch',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False, comment='FAC-2026-000012; gap-free'),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('n_items', sa.Integer(), nullable=False),
    sa.Column('n_billed', sa.Integer(), nullable=False),
    sa.Column('n_rejected', sa.Integer(), nullable=False, comment='Also those that were sent again or given up'),
    sa.Column('file_id', sa.Integer(), nullable=True),
    sa.Column('job_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('n_billed >= 0 AND n_rejected >= 0 AND n_billed + n_rejected <= n_items', name=op.f('ck_billing_batch_answers_fit')),
    sa.CheckConstraint('n_items > 0', name=op.f('ck_billing_batch_not_empty')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_billing_batch_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_billing_batch_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_billing_batch_file_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['job_id'], ['job.id'], name=op.f('fk_billing_batch_job_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_billing_batch_organisation_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_billing_batch')),
    sa.UniqueConstraint('file_id', name=op.f('uq_billing_batch_file_id')),
    sa.UniqueConstraint('job_id', name=op.f('uq_billing_batch_job_id')),
    sa.UniqueConstraint('number', name=op.f('uq_billing_batch_number'))
    )
    with op.batch_alter_table('billing_batch') as batch_op:
        batch_op.create_index(batch_op.f('ix_billing_batch_created_at_id'), ['created_at', 'id'], unique=False)

    op.create_table('import_batch',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False, comment='What the rows are: see app/importing'),
    sa.Column('source', sa.String(length=40), nullable=False, comment='Program or register that the rows come from'),
    sa.Column('file_id', sa.Integer(), nullable=False),
    sa.Column('file_name', sa.String(length=160), nullable=False),
    sa.Column('sheet', sa.String(length=120), nullable=False),
    sa.Column('header_row', sa.Integer(), nullable=False, comment='First row of the header, from 0'),
    sa.Column('n_header_rows', sa.Integer(), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False, comment='Of the header, whatever the order of its rows'),
    sa.Column('reading', sa.JSON(), nullable=False, comment='Encoding, delimiter, notation of numbers and dates'),
    sa.Column('mapping', sa.JSON(), nullable=False, comment='Field → column'),
    sa.Column('value_map', sa.JSON(), nullable=False, comment='Field → value as written → value as we know it'),
    sa.Column('options', sa.JSON(), nullable=False),
    sa.Column('status', sa.Enum('UPLOADED', 'CHECKED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED', 'UNDONE', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('n_rows', sa.Integer(), nullable=False),
    sa.Column('n_new', sa.Integer(), nullable=False),
    sa.Column('n_changed', sa.Integer(), nullable=False),
    sa.Column('n_same', sa.Integer(), nullable=False),
    sa.Column('n_bad', sa.Integer(), nullable=False),
    sa.Column('n_done', sa.Integer(), nullable=False, comment='Rows of the file that are in the database, or were refused, for good'),
    sa.Column('totals', sa.JSON(), nullable=False, comment='Control sums'),
    sa.Column('detail', sa.Text(), nullable=False, comment='What was done, in words'),
    sa.Column('job_id', sa.Integer(), nullable=True),
    sa.Column('error_file_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('header_row >= 0 AND n_header_rows >= 0', name=op.f('ck_import_batch_header_not_negative')),
    sa.CheckConstraint('n_rows >= 0 AND n_new >= 0 AND n_changed >= 0 AND n_same >= 0 AND n_bad >= 0 AND n_done >= 0', name=op.f('ck_import_batch_counts_not_negative')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_import_batch_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_import_batch_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['error_file_id'], ['stored_file.id'], name=op.f('fk_import_batch_error_file_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_import_batch_file_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['job_id'], ['job.id'], name=op.f('fk_import_batch_job_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_batch')),
    sa.UniqueConstraint('error_file_id', name=op.f('uq_import_batch_error_file_id')),
    sa.UniqueConstraint('file_id', name=op.f('uq_import_batch_file_id'))
    )
    with op.batch_alter_table('import_batch') as batch_op:
        batch_op.create_index(batch_op.f('ix_import_batch_created_at_id'), ['created_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_import_batch_kind_created_at'), ['kind', 'created_at'], unique=False)

    op.create_table('billing_reply',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('file_id', sa.Integer(), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('applied_by_id', sa.Integer(), nullable=True),
    sa.Column('n_lines', sa.Integer(), nullable=False),
    sa.Column('n_billed', sa.Integer(), nullable=False),
    sa.Column('n_rejected', sa.Integer(), nullable=False),
    sa.Column('n_same', sa.Integer(), nullable=False),
    sa.Column('n_bad', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('applied_at IS NOT NULL OR n_lines = 0', name=op.f('ck_billing_reply_counted_when_applied')),
    sa.CheckConstraint('n_billed + n_rejected + n_same + n_bad <= n_lines', name=op.f('ck_billing_reply_counts_fit')),
    sa.CheckConstraint('n_lines >= 0 AND n_billed >= 0 AND n_rejected >= 0 AND n_same >= 0 AND n_bad >= 0', name=op.f('ck_billing_reply_counts_not_negative')),
    sa.ForeignKeyConstraint(['applied_by_id'], ['ab_user.id'], name=op.f('fk_billing_reply_applied_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_billing_reply_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_billing_reply_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_billing_reply_file_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_billing_reply')),
    sa.UniqueConstraint('file_id', name=op.f('uq_billing_reply_file_id'))
    )
    with op.batch_alter_table('billing_reply') as batch_op:
        batch_op.create_index(batch_op.f('ix_billing_reply_created_at_id'), ['created_at', 'id'], unique=False)

    op.create_table('billing_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('SOLUTION', 'INVOICE_CHANGE', 'FINANCING', 'RECONNECTION', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('number', sa.String(length=24), nullable=False, comment='Of the case, change, order or acta: the answer names it'),
    sa.Column('pqr_id', sa.Integer(), nullable=True),
    sa.Column('change_id', sa.Integer(), nullable=True),
    sa.Column('financing_id', sa.Integer(), nullable=True),
    sa.Column('order_id', sa.Integer(), nullable=True),
    sa.Column('status', sa.Enum('SENT', 'BILLED', 'REJECTED', 'RESENT', 'DROPPED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('result_on', sa.Date(), nullable=True),
    sa.Column('result_text', sa.Text(), nullable=False),
    sa.Column('reference', sa.String(length=60), nullable=False, comment='Of the billing system'),
    sa.Column('reply_id', sa.Integer(), nullable=True),
    sa.Column('handled_at', sa.DateTime(timezone=True), nullable=True, comment='When somebody sent a rejected one again, or gave it up'),
    sa.Column('handled_by_id', sa.Integer(), nullable=True),
    sa.Column('handled_why', sa.Text(), nullable=False),
    sa.CheckConstraint("(kind = 'SOLUTION' AND pqr_id IS NOT NULL AND change_id IS NULL AND financing_id IS NULL AND order_id IS NULL) OR (kind = 'INVOICE_CHANGE' AND change_id IS NOT NULL AND financing_id IS NULL AND order_id IS NULL) OR (kind = 'FINANCING' AND financing_id IS NOT NULL AND change_id IS NULL AND order_id IS NULL) OR (kind = 'RECONNECTION' AND order_id IS NOT NULL AND change_id IS NULL AND financing_id IS NULL)", name=op.f('ck_billing_item_kind_names_its_row')),
    sa.CheckConstraint("(status = 'SENT') = (result_on IS NULL)", name=op.f('ck_billing_item_result_has_date')),
    sa.CheckConstraint("(status = 'SENT') = (reply_id IS NULL)", name=op.f('ck_billing_item_result_has_reply')),
    sa.CheckConstraint("status IN ('SENT', 'BILLED') OR length(result_text) > 0", name=op.f('ck_billing_item_rejected_says_why')),
    sa.CheckConstraint("(status IN ('RESENT', 'DROPPED')) = (handled_at IS NOT NULL)", name=op.f('ck_billing_item_handled_whole')),
    sa.CheckConstraint("status <> 'DROPPED' OR length(handled_why) > 0", name=op.f('ck_billing_item_dropped_says_why')),
    sa.ForeignKeyConstraint(['batch_id'], ['billing_batch.id'], name=op.f('fk_billing_item_batch_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['change_id'], ['invoice_change.id'], name=op.f('fk_billing_item_change_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['financing_id'], ['financing.id'], name=op.f('fk_billing_item_financing_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['order_id'], ['field_order.id'], name=op.f('fk_billing_item_order_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['handled_by_id'], ['ab_user.id'], name=op.f('fk_billing_item_handled_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['pqr_id'], ['pqr.id'], name=op.f('fk_billing_item_pqr_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['reply_id'], ['billing_reply.id'], name=op.f('fk_billing_item_reply_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_billing_item')),
    sa.UniqueConstraint('batch_id', 'number', name=op.f('uq_billing_item_batch_id_number')),
    sa.UniqueConstraint('batch_id', 'position', name=op.f('uq_billing_item_batch_id_position'))
    )
    with op.batch_alter_table('billing_item') as batch_op:
        batch_op.create_index(batch_op.f('ix_billing_item_pqr_id_id'), ['pqr_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_billing_item_reply_id'), ['reply_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_billing_item_status_batch_id'), ['status', 'batch_id'], unique=False)
        batch_op.create_index('uq_billing_item_change_id', ['change_id'], unique=True, sqlite_where=sa.text("status <> 'RESENT'"), postgresql_where=sa.text("status <> 'RESENT'"))
        batch_op.create_index('uq_billing_item_financing_id', ['financing_id'], unique=True, sqlite_where=sa.text("status <> 'RESENT'"), postgresql_where=sa.text("status <> 'RESENT'"))
        batch_op.create_index('uq_billing_item_order_id', ['order_id'], unique=True, sqlite_where=sa.text("status <> 'RESENT'"), postgresql_where=sa.text("status <> 'RESENT'"))
        batch_op.create_index('uq_billing_item_pqr_id', ['pqr_id'], unique=True, sqlite_where=sa.text("status <> 'RESENT' AND kind = 'SOLUTION'"), postgresql_where=sa.text("status <> 'RESENT' AND kind = 'SOLUTION'"))

    op.create_table('past_record',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('CONTRACT', 'SURVEY', name='kind_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('source', sa.String(length=40), nullable=False),
    sa.Column('source_number', sa.String(length=60), nullable=False),
    sa.Column('on_date', sa.Date(), nullable=True),
    sa.Column('party_id', sa.Integer(), nullable=True),
    sa.Column('title', sa.String(length=240), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('import_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('length(source) > 0 AND length(source_number) > 0', name=op.f('ck_past_record_comes_from_somewhere')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_past_record_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_past_record_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['import_id'], ['import_batch.id'], name=op.f('fk_past_record_import_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['party_id'], ['party.id'], name=op.f('fk_past_record_party_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_past_record')),
    sa.UniqueConstraint('kind', 'source', 'source_number', name=op.f('uq_past_record_kind_source_source_number'))
    )
    with op.batch_alter_table('past_record') as batch_op:
        batch_op.create_index(batch_op.f('ix_past_record_kind_on_date'), ['kind', 'on_date'], unique=False)
        batch_op.create_index(batch_op.f('ix_past_record_party_id'), ['party_id'], unique=False)

    op.create_table('quality_issue',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('import_id', sa.Integer(), nullable=False),
    sa.Column('row_number', sa.Integer(), nullable=False, comment='In the file, from 1, header included'),
    sa.Column('code', sa.String(length=40), nullable=False, comment='Rule that it breaks'),
    sa.Column('text', sa.Text(), nullable=False, comment='msgid of the refusal'),
    sa.Column('fields', sa.JSON(), nullable=False, comment='What goes into the text'),
    sa.Column('facts', sa.JSON(), nullable=False, comment='The row as it came'),
    sa.Column('source', sa.String(length=40), nullable=False),
    sa.Column('source_number', sa.String(length=60), nullable=False),
    sa.Column('status', sa.Enum('OPEN', 'SETTLED', 'IGNORED', name='status_known', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('settled_by_id', sa.Integer(), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('pqr_id', sa.Integer(), nullable=True, comment='The case it became'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(status = 'OPEN') = (settled_at IS NULL)", name=op.f('ck_quality_issue_settled_iff_not_open')),
    sa.CheckConstraint("status <> 'IGNORED' OR length(why) > 0", name=op.f('ck_quality_issue_ignored_says_why')),
    sa.CheckConstraint('row_number > 0', name=op.f('ck_quality_issue_row_number_positive')),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], name=op.f('fk_quality_issue_changed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], name=op.f('fk_quality_issue_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['import_id'], ['import_batch.id'], name=op.f('fk_quality_issue_import_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['pqr_id'], ['pqr.id'], name=op.f('fk_quality_issue_pqr_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['settled_by_id'], ['ab_user.id'], name=op.f('fk_quality_issue_settled_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quality_issue')),
    sa.UniqueConstraint('import_id', 'row_number', 'code', name=op.f('uq_quality_issue_import_id_row_number_code'))
    )
    with op.batch_alter_table('quality_issue') as batch_op:
        batch_op.create_index(batch_op.f('ix_quality_issue_pqr_id'), ['pqr_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_quality_issue_source_source_number'), ['source', 'source_number'], unique=False)
        batch_op.create_index(batch_op.f('ix_quality_issue_status_created_at'), ['status', 'created_at'], unique=False)

    with op.batch_alter_table('outbox_message') as batch_op:
        batch_op.add_column(sa.Column('user_id', sa.Integer(), nullable=True, comment='The addressee, if of the staff'))
        batch_op.add_column(sa.Column('language', sa.String(length=5), server_default='es', nullable=False))
        batch_op.add_column(sa.Column('html_body', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('was_interrupted', sa.Boolean(), server_default=sa.text('(false)'), nullable=False, comment='A worker died while sending it: the addressee may have it twice'))
        batch_op.add_column(sa.Column('in_reply_to', sa.String(length=250), nullable=True, comment='Message-ID of what it answers'))
        batch_op.add_column(sa.Column('reference_ids', sa.Text(), nullable=True, comment='Message-IDs of the thread, oldest first'))
        batch_op.add_column(sa.Column('digest_id', sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f('ix_outbox_message_digest_id'), ['digest_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_outbox_message_user_id_created_at'), ['user_id', 'created_at'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_outbox_message_digest_id'), 'outbox_message', ['digest_id'], ['id'], ondelete='RESTRICT')
        batch_op.create_foreign_key(batch_op.f('fk_outbox_message_user_id'), 'ab_user', ['user_id'], ['id'], ondelete='RESTRICT')

    with op.batch_alter_table('pqr') as batch_op:
        batch_op.add_column(sa.Column('source', sa.String(length=40), nullable=True, comment='Register of before that the case comes from; empty: filed here'))
        batch_op.add_column(sa.Column('source_number', sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column('source_due_on', sa.Date(), nullable=True, comment='The due date as that register had it'))
        batch_op.create_unique_constraint(batch_op.f('uq_pqr_organisation_id_source_source_number'), ['organisation_id', 'source', 'source_number'])

    with op.batch_alter_table('stored_file') as batch_op:  # an archive of everything may weigh more than 2 GB
        batch_op.alter_column('n_bytes', existing_type=sa.Integer(), type_=sa.BigInteger(), existing_nullable=False)

    op.execute("UPDATE outbox_message SET was_interrupted = true WHERE last_error LIKE 'A worker stopped while it was sending this message%'")
    add_checks(AFTER)


def downgrade():
    drop_checks(AFTER)
    op.execute("UPDATE outbox_message SET status = 'QUEUED' WHERE status = 'HELD'")
    op.execute("UPDATE outbox_message SET status = 'FAILED' WHERE status IN ('DIGESTED', 'DISCARDED')")
    op.execute("DELETE FROM process_member WHERE role = 'CHIEF'")
    with op.batch_alter_table('stored_file') as batch_op:
        batch_op.alter_column('n_bytes', existing_type=sa.BigInteger(), type_=sa.Integer(), existing_nullable=False,
                              postgresql_using='least(n_bytes, 2147483647)')

    with op.batch_alter_table('pqr') as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_pqr_organisation_id_source_source_number'), type_='unique')
        batch_op.drop_column('source_due_on')
        batch_op.drop_column('source_number')
        batch_op.drop_column('source')

    with op.batch_alter_table('outbox_message') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_outbox_message_user_id'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_outbox_message_digest_id'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_outbox_message_user_id_created_at'))
        batch_op.drop_index(batch_op.f('ix_outbox_message_digest_id'))
        batch_op.drop_column('digest_id')
        batch_op.drop_column('reference_ids')
        batch_op.drop_column('in_reply_to')
        batch_op.drop_column('was_interrupted')
        batch_op.drop_column('html_body')
        batch_op.drop_column('language')
        batch_op.drop_column('user_id')

    with op.batch_alter_table('quality_issue') as batch_op:
        batch_op.drop_index(batch_op.f('ix_quality_issue_status_created_at'))
        batch_op.drop_index(batch_op.f('ix_quality_issue_source_source_number'))
        batch_op.drop_index(batch_op.f('ix_quality_issue_pqr_id'))

    op.drop_table('quality_issue')
    with op.batch_alter_table('past_record') as batch_op:
        batch_op.drop_index(batch_op.f('ix_past_record_party_id'))
        batch_op.drop_index(batch_op.f('ix_past_record_kind_on_date'))

    op.drop_table('past_record')
    with op.batch_alter_table('billing_item') as batch_op:
        batch_op.drop_index('uq_billing_item_pqr_id', sqlite_where=sa.text("status <> 'RESENT' AND kind = 'SOLUTION'"), postgresql_where=sa.text("status <> 'RESENT' AND kind = 'SOLUTION'"))
        batch_op.drop_index('uq_billing_item_order_id', sqlite_where=sa.text("status <> 'RESENT'"), postgresql_where=sa.text("status <> 'RESENT'"))
        batch_op.drop_index('uq_billing_item_financing_id', sqlite_where=sa.text("status <> 'RESENT'"), postgresql_where=sa.text("status <> 'RESENT'"))
        batch_op.drop_index('uq_billing_item_change_id', sqlite_where=sa.text("status <> 'RESENT'"), postgresql_where=sa.text("status <> 'RESENT'"))
        batch_op.drop_index(batch_op.f('ix_billing_item_status_batch_id'))
        batch_op.drop_index(batch_op.f('ix_billing_item_reply_id'))
        batch_op.drop_index(batch_op.f('ix_billing_item_pqr_id_id'))

    op.drop_table('billing_item')
    with op.batch_alter_table('billing_reply') as batch_op:
        batch_op.drop_index(batch_op.f('ix_billing_reply_created_at_id'))

    op.drop_table('billing_reply')
    with op.batch_alter_table('import_batch') as batch_op:
        batch_op.drop_index(batch_op.f('ix_import_batch_kind_created_at'))
        batch_op.drop_index(batch_op.f('ix_import_batch_created_at_id'))

    op.drop_table('import_batch')
    with op.batch_alter_table('billing_batch') as batch_op:
        batch_op.drop_index(batch_op.f('ix_billing_batch_created_at_id'))

    op.drop_table('billing_batch')
    with op.batch_alter_table('reminder') as batch_op:
        batch_op.drop_index(batch_op.f('ix_reminder_user_id_told_at'))
        batch_op.drop_index(batch_op.f('ix_reminder_told_at_id'))
        batch_op.drop_index(batch_op.f('ix_reminder_pqr_id'))
        batch_op.drop_index(batch_op.f('ix_reminder_message_id'))

    op.drop_table('reminder')
    with op.batch_alter_table('job') as batch_op:
        batch_op.drop_index(batch_op.f('ix_job_status_lease_until'))
        batch_op.drop_index(batch_op.f('ix_job_created_at_id'))
        batch_op.drop_index(batch_op.f('ix_job_asked_by_id_created_at'))

    op.drop_table('job')
    with op.batch_alter_table('inbound_message') as batch_op:
        batch_op.drop_index(batch_op.f('ix_inbound_message_status_received_at'))
        batch_op.drop_index(batch_op.f('ix_inbound_message_received_at_id'))
        batch_op.drop_index(batch_op.f('ix_inbound_message_pqr_id'))
        batch_op.drop_index(batch_op.f('ix_inbound_message_from_address_received_at'))

    op.drop_table('inbound_message')
    with op.batch_alter_table('webhook_delivery') as batch_op:
        batch_op.drop_index(batch_op.f('ix_webhook_delivery_status_next_attempt_at'))
        batch_op.drop_index(batch_op.f('ix_webhook_delivery_pqr_id'))
        batch_op.drop_index(batch_op.f('ix_webhook_delivery_created_at_id'))

    op.drop_table('webhook_delivery')
    with op.batch_alter_table('invoice') as batch_op:
        batch_op.drop_index(batch_op.f('ix_invoice_number'))
        batch_op.drop_index(batch_op.f('ix_invoice_account_id_period'))

    op.drop_table('invoice')
    op.drop_table('webhook')
    op.drop_table('reminder_rule')
    op.drop_table('notice_preference')
    op.drop_table('message_template')
    op.drop_table('mail_language')
    with op.batch_alter_table('market_claim') as batch_op:
        batch_op.drop_index(batch_op.f('ix_market_claim_year_place'))
        batch_op.drop_index(batch_op.f('ix_market_claim_municipality_code'))

    op.drop_table('market_claim')
    with op.batch_alter_table('job_run') as batch_op:
        batch_op.drop_index(batch_op.f('ix_job_run_task_started_at'))
        batch_op.drop_index(batch_op.f('ix_job_run_started_at_id'))

    op.drop_table('job_run')
    op.drop_table('import_mapping')
    op.drop_table('calendar_feed')
    op.drop_table('billing_column')
    with op.batch_alter_table('worker_beat') as batch_op:
        batch_op.drop_index(batch_op.f('ix_worker_beat_seen_at'))

    op.drop_table('worker_beat')
    add_checks(BEFORE)
