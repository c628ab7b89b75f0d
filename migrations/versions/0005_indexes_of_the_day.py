"""What Mi día counts by: the cases that a process holds or held, and those answered in a period.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-22 02:10:00

"""
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table('assignment') as batch_op:
        batch_op.create_index('ix_assignment_process_id_pqr_id', ['process_id', 'pqr_id'])
    with op.batch_alter_table('pqr') as batch_op:
        batch_op.create_index('ix_pqr_answered_on', ['answered_on'])


def downgrade():
    with op.batch_alter_table('pqr') as batch_op:
        batch_op.drop_index('ix_pqr_answered_on')
    with op.batch_alter_table('assignment') as batch_op:
        batch_op.drop_index('ix_assignment_process_id_pqr_id')
