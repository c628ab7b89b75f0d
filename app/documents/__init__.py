"""
Documents that the system issues: the receipt of a filing, the letter that answers it, and the acts between and after (`acts`).

Each is set once from the data of the case (`typesetting.render`), stored, and from then on only read: what comes out in a year is,
byte for byte, what was signed. The data it was set from stays beside it, without the citizen's key.
"""

from app.documents.acts import ACTS, Signer, Table, issue_act
from app.documents.answers import issue_answer, preview_answer
from app.documents.base import DocumentDamaged, document_bytes, fingerprint
from app.documents.receipts import receipt_of
from app.documents.typesetting import render

__all__ = [
    "ACTS",
    "DocumentDamaged",
    "Signer",
    "Table",
    "document_bytes",
    "fingerprint",
    "issue_act",
    "issue_answer",
    "preview_answer",
    "receipt_of",
    "render",
]
