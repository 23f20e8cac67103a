-- Large values beside the rows that name them, and the end of what is kept.

-- A value that is too large for the rows of its execution, once for each content. It is kept as it
-- is, outside the row, so that a part of it can be read without the rest.
CREATE TABLE execution_artifacts (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes bigint NOT NULL,
    content bytea STORAGE EXTERNAL NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (execution_id, sha256)
);
ALTER TABLE execution_artifacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE execution_artifacts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON execution_artifacts TO weft_api
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY platform ON execution_artifacts TO weft_owner, weft_engine
    USING (true) WITH CHECK (true);
GRANT SELECT ON execution_artifacts TO weft_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON execution_artifacts TO weft_engine;

-- When an ended execution is to go whose workflow says how long it is kept; of the others the
-- platform's own setting decides, which may change.
ALTER TABLE workflow_executions ADD COLUMN expires_at timestamptz;
CREATE INDEX executions_by_end ON workflow_executions (tenant_id, completed_at)
    WHERE completed_at IS NOT NULL AND expires_at IS NULL;
CREATE INDEX executions_by_expiry ON workflow_executions (tenant_id, expires_at)
    WHERE expires_at IS NOT NULL;
-- What its deletion, and the foreign key, ask of a specification: whether an execution has it.
CREATE INDEX executions_by_specification ON workflow_executions (tenant_id, specification_sha256);

-- Deletes executions that have ended, with everything that belongs to them; returns those it
-- deleted. One that runs, waits or is held by somebody else just now is left alone; so is one that
-- the execution which started it may still read, and one whose own are still to be stopped.
--
-- Every table with an execution_id holds what belongs to that execution, so none is named here.
CREATE FUNCTION weft_delete_executions(executions uuid[]) RETURNS SETOF uuid
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    ended uuid[];
    name text;
BEGIN
    -- An execution's deletion writes to those that it started. Two deletions, each with the start
    -- of what the other deletes, would wait for each other.
    PERFORM pg_advisory_xact_lock(hashtext('weft deletion'));
    SELECT array_agg(l.id) INTO ended FROM (
        SELECT e.id FROM workflow_executions AS e
        WHERE e.id = ANY(executions) AND e.status IN ('completed', 'failed', 'cancelled')
            AND NOT e.abandons AND NOT EXISTS (
                SELECT FROM workflow_executions AS p WHERE p.id = e.parent_execution_id
                    AND p.status IN ('pending', 'running', 'waiting'))
        ORDER BY e.id FOR UPDATE OF e SKIP LOCKED
    ) AS l;
    IF ended IS NULL THEN
        RETURN;
    END IF;
    FOR name IN
        SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
            AND a.attname = 'execution_id' AND NOT a.attisdropped
        ORDER BY c.relname
    LOOP
        EXECUTE format('DELETE FROM %I WHERE execution_id = ANY($1)', name) USING ended;
    END LOOP;
    DELETE FROM workflow_executions AS e WHERE e.id = ANY(ended);
    RETURN QUERY SELECT unnest(ended);
END
$$;
REVOKE ALL ON FUNCTION weft_delete_executions(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_delete_executions(uuid[]) TO weft_engine;

-- The same for the tenant of the transaction. The API has no right to delete what was recorded but
-- by this, which is why it runs with its owner's.
CREATE FUNCTION weft_delete_own_executions(executions uuid[]) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT weft_delete_executions(ARRAY(
        SELECT e.id FROM workflow_executions AS e
        WHERE e.id = ANY(executions)
            AND e.tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid))
$$;
REVOKE ALL ON FUNCTION weft_delete_own_executions(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_delete_own_executions(uuid[]) TO weft_api;
GRANT SELECT, DELETE ON workflow_specifications TO weft_engine;

-- What the processes of the platform measure, as each wrote it last. It says nothing about any
-- tenant, and may be lost.
CREATE UNLOGGED TABLE process_metrics (
    process text PRIMARY KEY,
    families text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE ON process_metrics TO weft_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON process_metrics TO weft_engine;
