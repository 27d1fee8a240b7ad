"""Every table there is: a table is known once its module is imported, and here all are."""

from contactd.store import (  # noqa: F401 -- imported for the tables they add to `metadata`
    schema,
    schema_arms,
    schema_audit,
    schema_desk,
    schema_escalation,
    schema_evidence,
    schema_logins,
    schema_notices,
    schema_programs,
    schema_proposals,
    schema_requests,
    schema_tasks,
)
from contactd.store.columns import metadata

TABLES = dict(metadata.tables)
