"""A calendar change also remembers the years it loaded, and the working week and hours it changed.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-21 21:50:00

"""
import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

BEFORE = {'added': '[{on, kind, name, norm}]', 'removed': '[{on, kind, name, norm}]', 'moved': '[{number, from, to}] of due dates'}
AFTER = {
    'added': '[{on, kind, name, norm, source}]',
    'removed': '[{on, kind, name, norm, source}]',
    'moved': '[{number, process, from: {column: date}, to: …, lateness}]',
}


def upgrade():
    with op.batch_alter_table('calendar_change') as batch_op:
        batch_op.add_column(
            sa.Column(
                'settings', sa.JSON(), server_default='{}', nullable=False,
                comment='{years: [loaded], working_week | opens_at | closes_at: [before, after]}',
            )
        )
        for name, comment in AFTER.items():
            batch_op.alter_column(name, comment=comment, existing_comment=BEFORE[name], existing_type=sa.JSON(), existing_nullable=False)


def downgrade():
    with op.batch_alter_table('calendar_change') as batch_op:
        for name, comment in BEFORE.items():
            batch_op.alter_column(name, comment=comment, existing_comment=AFTER[name], existing_type=sa.JSON(), existing_nullable=False)
        batch_op.drop_column('settings')
