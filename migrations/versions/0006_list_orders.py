"""The orders of lists that no index served: cases by due date, mail by the instant it was queued.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-22 00:52:00

"""
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade():
    op.create_index('ix_pqr_due_on_id', 'pqr', ['due_on', 'id'])
    op.create_index('ix_outbox_message_created_at_id', 'outbox_message', ['created_at', 'id'])


def downgrade():
    op.drop_index('ix_outbox_message_created_at_id', 'outbox_message')
    op.drop_index('ix_pqr_due_on_id', 'pqr')
