-- Everything that the tables of a ledger consist of, and everything that could change what is read or written.
WITH ours AS (
    SELECT c.oid, c.relname, n.nspname, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
           c.relispartition, c.reloptions
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema()
      AND c.relname IN ('ledger_version', 'entries', 'head', 'decisions', 'sums', 'blobs', 'approvals', 'follow_ups',
                        'section_uses')
)
SELECT 'table ' || relname || ': kind ' || relkind::text || ', persistence ' || relpersistence::text
       || CASE WHEN relrowsecurity OR relforcerowsecurity THEN ', row security' ELSE '' END
       || CASE WHEN relispartition THEN ', partition' ELSE '' END
       || CASE WHEN reloptions IS NULL THEN '' ELSE ', options ' || reloptions::text END
FROM ours
UNION ALL
SELECT 'column ' || ours.relname || '.' || a.attname || ': ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
       || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
       || CASE WHEN a.attgenerated <> '' THEN ' generated' WHEN a.atthasdef THEN ' default' ELSE '' END
       || CASE WHEN a.attidentity <> '' THEN ' identity' ELSE '' END
       || CASE WHEN a.attcollation NOT IN (0, 100) THEN ' another collation' ELSE '' END
FROM ours JOIN pg_catalog.pg_attribute a ON a.attrelid = ours.oid WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint ' || ours.relname || '.' || k.conname || ': ' || pg_catalog.pg_get_constraintdef(k.oid)
       || CASE WHEN k.convalidated THEN '' ELSE ' not valid' END
FROM ours JOIN pg_catalog.pg_constraint k ON k.conrelid = ours.oid WHERE k.contype <> 'n'
UNION ALL
SELECT 'index of ' || ours.relname || ': '
       || replace(pg_catalog.pg_get_indexdef(i.indexrelid), ' ON ' || quote_ident(ours.nspname) || '.', ' ON ')
       || CASE WHEN i.indisvalid AND i.indisready AND i.indislive THEN '' ELSE ' not valid' END
FROM ours JOIN pg_catalog.pg_index i ON i.indrelid = ours.oid
UNION ALL
SELECT 'trigger ' || t.tgname || ' on ' || ours.relname
FROM ours JOIN pg_catalog.pg_trigger t ON t.tgrelid = ours.oid
UNION ALL
SELECT 'rule ' || r.rulename || ' on ' || ours.relname
FROM ours JOIN pg_catalog.pg_rewrite r ON r.ev_class = ours.oid
UNION ALL
SELECT 'row policy ' || p.polname || ' on ' || ours.relname
FROM ours JOIN pg_catalog.pg_policy p ON p.polrelid = ours.oid
UNION ALL
SELECT 'inheritance of ' || ours.relname
FROM ours JOIN pg_catalog.pg_inherits h ON h.inhparent = ours.oid OR h.inhrelid = ours.oid
UNION ALL
SELECT 'session_replication_role ' || current_setting('session_replication_role')
WHERE current_setting('session_replication_role') <> 'origin'
