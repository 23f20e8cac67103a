-- Executions made of others: where they come from, and which recorded results they reuse.

-- No foreign key: it says where it came from even when that is gone.
ALTER TABLE workflow_executions
    ADD COLUMN origin_execution_id uuid,
    ADD COLUMN origin_kind text CHECK (origin_kind IN ('rerun', 'fork', 'retry')),
    ADD COLUMN origin_node_id varchar(100),
    ADD COLUMN origin_checkpoint_number integer,
    ADD CHECK ((origin_execution_id IS NULL) = (origin_kind IS NULL));

-- The number of the last event that was recorded before a checkpoint: what came to be until then
-- is the state at it. Of older ones the events of their own transaction count.
ALTER TABLE execution_checkpoints ADD COLUMN event_seq bigint;
UPDATE execution_checkpoints AS c SET event_seq = COALESCE((
    SELECT max(e.seq) FROM execution_events AS e
    WHERE e.execution_id = c.execution_id AND e.created_at <= c.created_at), 0);
ALTER TABLE execution_checkpoints ALTER COLUMN event_seq SET NOT NULL;

-- Results that an execution reuses: what the node's `visit`-th visit comes to, counted from 1.
CREATE TABLE execution_seeds (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    node_id varchar(100) NOT NULL,
    visit integer NOT NULL,
    output jsonb,
    -- Why it failed, when it failed and the execution went on.
    failure text,
    -- The target that a chooser took, null: none; without a value it is to be found anew.
    route jsonb,
    -- Of a map: the task under which its items stand; they are copied with the seed.
    map_task_id text,
    -- Whether only some of its items are there.
    partial boolean NOT NULL DEFAULT false,
    PRIMARY KEY (execution_id, node_id, visit),
    FOREIGN KEY (tenant_id, execution_id)
        REFERENCES workflow_executions (tenant_id, id) ON DELETE CASCADE
);
ALTER TABLE execution_seeds ENABLE ROW LEVEL SECURITY;
ALTER TABLE execution_seeds FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON execution_seeds TO weft_api
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY platform ON execution_seeds TO weft_owner, weft_engine
    USING (true) WITH CHECK (true);
GRANT SELECT, DELETE ON execution_seeds TO weft_engine;

-- What a tenant's execution has recorded of its nodes, up to an event: for each node the visits
-- that came to a result and were gone on from; of maps with the task under which the items stand.
CREATE FUNCTION weft_results(tenant uuid, source uuid, until_seq bigint)
RETURNS TABLE (node_id varchar, visit integer, seq bigint, completed boolean, payload jsonb,
               map_task_id text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT r.node_id, r.visit::integer, r.seq, r.completed, r.payload,
        CASE WHEN r.completed AND r.payload ? 'items' THEN (
            SELECT l.task_id FROM execution_node_logs AS l
            WHERE l.tenant_id = tenant AND l.execution_id = source AND l.node_id = r.node_id
                AND l.status = 'completed' AND l.task_id NOT LIKE 'epilogue:%'
            ORDER BY l.created_at, l.started_at OFFSET r.completion - 1 LIMIT 1) END
    FROM (
        SELECT e.node_id, e.seq, e.payload, e.event_type = 'node_completed' AS completed,
            row_number() OVER by_node AS visit,
            count(*) FILTER (WHERE e.event_type = 'node_completed') OVER by_node AS completion
        FROM execution_events AS e
        WHERE e.tenant_id = tenant AND e.execution_id = source AND e.seq <= until_seq
            AND (e.event_type = 'node_completed' OR (e.event_type = 'node_failed'
                AND e.payload ->> 'then' NOT IN ('stop', 'rollback')))
        WINDOW by_node AS (PARTITION BY e.node_id ORDER BY e.seq)
    ) AS r
$$;

-- Gives an execution that was just started the results that it reuses of the one it comes from.
--
-- `cuts` says for nodes the number of the event from which on their results are not reused;
-- `maps` are the nodes that run over lists; `edits` replace the last reused result of a node;
-- choosers among `anew` choose again. `unfinished`: the completed items of maps that did not
-- complete are reused, and what the source itself was to reuse and had not come to.
--
-- It writes what only executors write otherwise, so it runs as its owner and names the tenant in
-- each statement; an execution that has begun is left alone.
CREATE FUNCTION weft_seed(tenant uuid, execution uuid, until_seq bigint, cuts jsonb, maps text[],
    edits jsonb, anew text[], unfinished boolean)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    source uuid;
BEGIN
    SELECT e.origin_execution_id INTO source FROM workflow_executions AS e
    WHERE e.tenant_id = tenant AND e.id = execution
        AND e.last_event_seq = 1 AND e.last_checkpoint_number = 0;
    IF source IS NULL THEN
        RETURN;
    END IF;

    INSERT INTO execution_seeds
        (tenant_id, execution_id, node_id, visit, output, failure, route, map_task_id)
    SELECT tenant, execution, r.node_id, r.visit,
        CASE WHEN r.completed AND r.map_task_id IS NULL
            THEN (SELECT o.value FROM jsonb_each(r.payload -> 'output') AS o) END,
        CASE WHEN NOT r.completed THEN COALESCE(r.payload ->> 'error_message', '') END,
        CASE WHEN NOT r.node_id = ANY(anew) THEN r.payload -> 'route' END,
        r.map_task_id
    FROM weft_results(tenant, source, until_seq) AS r
    WHERE r.seq < COALESCE((cuts ->> r.node_id)::bigint, r.seq + 1);

    IF unfinished THEN
        INSERT INTO execution_seeds
            (tenant_id, execution_id, node_id, visit, map_task_id, partial)
        SELECT tenant, execution, m.node_id, 1 + (
            SELECT count(*) FROM execution_seeds AS s
            WHERE s.execution_id = execution AND s.node_id = m.node_id), l.task_id, true
        FROM unnest(maps) AS m (node_id)
        CROSS JOIN LATERAL (
            SELECT x.task_id FROM execution_node_logs AS x
            WHERE x.tenant_id = tenant AND x.execution_id = source AND x.node_id = m.node_id
                AND x.task_id NOT LIKE 'epilogue:%'
            ORDER BY x.created_at DESC, x.started_at DESC LIMIT 1) AS l
        -- Its last visit was cut off, or its failure ended the source.
        CROSS JOIN LATERAL (
            SELECT e.event_type = 'node_started'
                OR COALESCE(e.payload ->> 'then', '') IN ('stop', 'rollback') AS open
            FROM execution_events AS e
            WHERE e.tenant_id = tenant AND e.execution_id = source AND e.node_id = m.node_id
                AND e.event_type IN ('node_started', 'node_completed', 'node_failed')
            ORDER BY e.seq DESC LIMIT 1) AS v
        WHERE NOT cuts ? m.node_id AND v.open AND EXISTS (
            SELECT FROM execution_map_items AS i
            WHERE i.tenant_id = tenant AND i.execution_id = source AND i.task_id = l.task_id);
        INSERT INTO execution_seeds (tenant_id, execution_id, node_id, visit, output, failure,
            route, map_task_id, partial)
        SELECT tenant, execution, s.node_id, s.visit, s.output, s.failure, s.route, s.map_task_id,
            s.partial
        FROM execution_seeds AS s
        WHERE s.tenant_id = tenant AND s.execution_id = source AND NOT cuts ? s.node_id
            AND s.visit > (SELECT count(*) FROM weft_results(tenant, source, until_seq) AS r
                           WHERE r.node_id = s.node_id)
        ON CONFLICT DO NOTHING;
    END IF;

    UPDATE execution_seeds AS s SET failure = NULL, partial = false,
        route = CASE WHEN s.node_id = ANY(anew) THEN NULL ELSE s.route END,
        output = CASE WHEN s.node_id = ANY(maps) THEN NULL ELSE d.value END,
        map_task_id = CASE WHEN s.node_id = ANY(maps) THEN 'edited:' || s.node_id END
    FROM jsonb_each(edits) AS d
    WHERE s.tenant_id = tenant AND s.execution_id = execution AND s.node_id = d.key
        AND s.visit = (SELECT max(x.visit) FROM execution_seeds AS x
                       WHERE x.execution_id = execution AND x.node_id = d.key);

    -- Large values among them, which the results name.
    INSERT INTO execution_artifacts (tenant_id, execution_id, sha256, size_bytes, content)
    SELECT tenant, execution, a.sha256, a.size_bytes, a.content FROM execution_artifacts AS a
    WHERE a.tenant_id = tenant AND a.execution_id = source AND EXISTS (
        SELECT FROM execution_seeds AS s
        WHERE s.execution_id = execution AND strpos(s.output::text, a.sha256) > 0)
    ON CONFLICT DO NOTHING;
    INSERT INTO execution_map_items (tenant_id, execution_id, node_id, task_id, map_index, status,
        attempt, output_data, error_message)
    SELECT tenant, execution, i.node_id, i.task_id, i.map_index, i.status, i.attempt,
        i.output_data, i.error_message
    FROM execution_seeds AS s JOIN execution_map_items AS i
        ON i.tenant_id = tenant AND i.execution_id = source AND i.task_id = s.map_task_id
    WHERE s.tenant_id = tenant AND s.execution_id = execution
        AND (i.status = 'completed' OR NOT s.partial)
    UNION ALL
    SELECT tenant, execution, d.key, 'edited:' || d.key, (n.place - 1)::integer, 'completed', 1,
        n.value, NULL
    FROM jsonb_each(edits) AS d
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE WHEN jsonb_typeof(d.value) = 'array' THEN d.value ELSE '[]' END)
        WITH ORDINALITY AS n (value, place)
    WHERE d.key = ANY(maps);
END
$$;

REVOKE ALL ON FUNCTION weft_results(uuid, uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_results(uuid, uuid, bigint) TO weft_api;
REVOKE ALL ON FUNCTION weft_seed(uuid, uuid, bigint, jsonb, text[], jsonb, text[], boolean)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_seed(uuid, uuid, bigint, jsonb, text[], jsonb, text[], boolean)
    TO weft_api;
