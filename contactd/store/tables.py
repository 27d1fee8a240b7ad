"""Every table there is: a table is known once its module is imported, and here all are."""

from contactd.store import (
    schema,
    schema_arms,
    schema_escalation,
    schema_evidence,
    schema_notices,
    schema_proposals,
    schema_tasks,
)

_ALL = (schema, schema_arms, schema_escalation, schema_evidence, schema_notices, schema_proposals, schema_tasks)
TABLES = {name: table for one in _ALL for name, table in one.metadata.tables.items()}
