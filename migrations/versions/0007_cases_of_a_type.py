"""Cases of one type: the list newest first, and its count beside a search.

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-22 02:12:00

"""
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade():
    op.create_index('ix_pqr_request_type_id_filed_on_id', 'pqr', ['request_type_id', 'filed_on', 'id'])


def downgrade():
    op.drop_index('ix_pqr_request_type_id_filed_on_id', 'pqr')
