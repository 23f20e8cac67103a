-- Each execution names the version of its workflow that it runs. Its specification's hash is of the
-- content alone, which several versions may share, so the version is kept beside it.
ALTER TABLE workflow_executions ADD COLUMN workflow_version varchar(20);

-- Which version of a workflow had some content at a time: its current one if that has it, else the
-- newest that was there by then.
CREATE FUNCTION weft_version_of(tenant uuid, workflow uuid, content text, at timestamptz)
RETURNS varchar
LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT COALESCE(
        CASE WHEN w.specification_sha256 = content THEN w.version END,
        (SELECT v.version FROM workflow_versions AS v
         WHERE v.tenant_id = tenant AND v.workflow_id = workflow
             AND v.specification_sha256 = content AND v.state = 'published'
         ORDER BY v.created_at > at, v.created_at DESC LIMIT 1),
        w.version)
    FROM workflows AS w WHERE w.tenant_id = tenant AND w.id = workflow
$$;

REVOKE ALL ON FUNCTION weft_version_of(uuid, uuid, text, timestamptz) FROM PUBLIC;
-- What nodes start is started by the engine.
GRANT SELECT ON workflow_versions TO weft_engine;
GRANT EXECUTE ON FUNCTION weft_version_of(uuid, uuid, text, timestamptz) TO weft_api, weft_engine;

UPDATE workflow_executions AS e
SET workflow_version = weft_version_of(e.tenant_id, e.workflow_id, e.specification_sha256,
                                       e.created_at);
ALTER TABLE workflow_executions ALTER COLUMN workflow_version SET NOT NULL;

-- Starts executions of one tenant, each with its lease and its first event. Without an owner it
-- queues, and so does one whose limits are reached; a tenant may have so many in progress at most.
-- `limited` is whether anything bounds one of them, or it needs an executor of its own.
--
-- Returns a row for each start. `created` is false for one whose idempotency key has an execution
-- already: that one's id, owner and request are returned. A start of a workflow that is gone, not
-- active, or has another specification by now returns no row; one that comes from another
-- execution keeps that one's specification and version.
CREATE OR REPLACE FUNCTION weft_start(tenant uuid, starts weft_new_execution[], limited boolean,
                                      tenant_most integer)
RETURNS TABLE (place bigint, execution_id uuid, owner_id uuid, request_sha256 text,
               deadline_at timestamptz, created boolean, created_at timestamptz)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
-- The arrays differ in length, the tables grow: one plan by index suits them all.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    fresh uuid[];
    queued uuid[];
BEGIN
    PERFORM set_config('app.current_tenant', tenant::text, true);
    IF limited OR EXISTS (SELECT FROM workflow_executions AS q
        WHERE q.tenant_id = tenant AND q.status = 'pending' AND NOT q.paused)
    THEN
        queued := weft_must_queue(tenant, starts, tenant_most);
    END IF;
    WITH added AS (
        -- In the order of their keys: two batches that share some wait for each other in turn.
        INSERT INTO workflow_executions AS e (id, tenant_id, organization_id, workflow_id,
            specification_sha256, status, input_data, total_nodes, triggered_by, started_by,
            webhook_url, deadline_at, idempotency_key, request_sha256, owner_id, epoch, started_at,
            last_event_seq, priority, dedicated, lane, workflow_limit, key_limit,
            origin_execution_id, origin_kind, origin_node_id, origin_checkpoint_number,
            workflow_version)
        SELECT u.id, tenant, u.organization_id, u.workflow_id, u.specification_sha256,
            CASE WHEN r.owner_id IS NULL THEN 'pending' ELSE 'running' END, u.input,
            u.total_nodes, u.triggered_by, u.started_by, u.webhook_url,
            now() + make_interval(secs => u.timeout_seconds), u.idempotency_key,
            u.request_sha256, r.owner_id, 1,
            -- Not now(): that was before who went before it had ended.
            CASE WHEN r.owner_id IS NOT NULL THEN clock_timestamp() END,
            1, u.priority, u.dedicated, u.lane, u.workflow_limit, u.key_limit,
            u.origin_execution_id, u.origin_kind, u.origin_node_id, u.origin_checkpoint_number,
            COALESCE((SELECT o.workflow_version FROM workflow_executions AS o
                      WHERE o.tenant_id = tenant AND o.id = u.origin_execution_id), w.version)
        FROM unnest(starts) AS u
        CROSS JOIN LATERAL (SELECT CASE WHEN u.id = ANY(queued) THEN NULL ELSE u.owner_id END)
            AS r (owner_id)
        JOIN workflows AS w ON w.tenant_id = tenant AND w.id = u.workflow_id
        WHERE w.status = 'active' AND w.deleted_at IS NULL
            AND (w.specification_sha256 = u.specification_sha256
                OR u.origin_execution_id IS NOT NULL)
        ORDER BY u.idempotency_key, u.id
        ON CONFLICT (tenant_id, idempotency_key) DO NOTHING
        RETURNING e.id
    )
    SELECT array_agg(a.id) INTO fresh FROM added AS a;

    INSERT INTO execution_events
        (tenant_id, execution_id, seq, event_id, event_type, node_id, payload)
    SELECT tenant, u.id, 1, u.event_id, 'workflow_started', NULL, u.payload
    FROM unnest(starts) AS u WHERE u.id = ANY(fresh);

    RETURN QUERY
        SELECT u.place, u.id, CASE WHEN u.id = ANY(queued) THEN NULL ELSE u.owner_id END,
            u.request_sha256, now() + make_interval(secs => u.timeout_seconds), true, now()
        FROM unnest(starts) WITH ORDINALITY AS u (id, organization_id, workflow_id,
            specification_sha256, input, total_nodes, triggered_by, started_by, webhook_url,
            timeout_seconds, idempotency_key, request_sha256, owner_id, origin_execution_id,
            origin_kind, origin_node_id, origin_checkpoint_number, event_id, payload,
            priority, dedicated, lane, workflow_limit, key_limit, place)
        WHERE u.id = ANY(fresh);
    IF cardinality(fresh) IS DISTINCT FROM cardinality(starts) THEN
        RETURN QUERY
            SELECT u.place, e.id, e.owner_id, e.request_sha256, e.deadline_at, false, e.created_at
            FROM unnest(starts) WITH ORDINALITY AS u (id, organization_id, workflow_id,
                specification_sha256, input, total_nodes, triggered_by, started_by, webhook_url,
                timeout_seconds, idempotency_key, request_sha256, owner_id, origin_execution_id,
                origin_kind, origin_node_id, origin_checkpoint_number, event_id, payload,
                priority, dedicated, lane, workflow_limit, key_limit, place)
            JOIN workflow_executions AS e
                ON e.tenant_id = tenant AND e.idempotency_key = u.idempotency_key
            WHERE NOT u.id = ANY(COALESCE(fresh, '{}'));
    END IF;
END
$$;

-- Starts executions that nodes await: they stand in line until `weft_next_children` lets them go
-- on. Starting again is the same execution. One that stands within another of its workflow goes
-- under that one's place, without limits: it would wait for a place that is kept until it ends.
CREATE OR REPLACE FUNCTION weft_start_children(children weft_child[], held uuid[])
RETURNS TABLE (id uuid, tenant_id uuid)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    unlimited CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    RETURN QUERY
        WITH added AS (
            INSERT INTO workflow_executions AS e (id, tenant_id, organization_id, workflow_id,
                specification_sha256, status, waiting_reason, input_data, total_nodes,
                triggered_by, started_by, epoch, last_event_seq, parent_execution_id,
                parent_node_id, parent_wait_id, parent_map_index, depth,
                priority, lane, workflow_limit, key_limit, workflow_version)
            SELECT u.id, p.tenant_id, p.organization_id, u.workflow_id, u.specification_sha256,
                'waiting', 'turn', u.input, u.total_nodes,
                -- What a failure started starts no other workflow when it fails, nor do its parts.
                CASE p.triggered_by WHEN 'error' THEN 'error' ELSE 'workflow' END,
                p.started_by, 0, 1, p.id, u.node_id, u.interrupt_id, u.map_index, p.depth + 1,
                u.priority, CASE WHEN r.within THEN unlimited ELSE u.lane END,
                CASE WHEN NOT r.within THEN u.workflow_limit END,
                CASE WHEN NOT r.within THEN u.key_limit END,
                weft_version_of(p.tenant_id, u.workflow_id, u.specification_sha256, now())
            FROM unnest(children) AS u JOIN workflow_executions AS p ON p.id = u.execution_id
            CROSS JOIN LATERAL (SELECT CASE WHEN u.lane <> unlimited
                THEN weft_stands_within(p.id, u.workflow_id) ELSE false END) AS r (within)
            WHERE u.execution_id = ANY(held)
            ON CONFLICT DO NOTHING
            RETURNING e.id, e.tenant_id
        ), told AS (
            INSERT INTO execution_events
                (tenant_id, execution_id, seq, event_id, event_type, node_id, payload)
            SELECT a.tenant_id, a.id, 1, u.event_id, 'workflow_started', NULL, u.payload
            FROM added AS a JOIN unnest(children) AS u ON u.id = a.id
        )
        SELECT a.id, a.tenant_id FROM added AS a;
END
$$;
