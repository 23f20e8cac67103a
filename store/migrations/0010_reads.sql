-- Several executions of one tenant as people look at them, in one call: what many wait for ends
-- together.
DROP FUNCTION weft_read_execution(uuid, uuid);

CREATE FUNCTION weft_read_executions(tenant uuid, wanted uuid[])
RETURNS TABLE (execution workflow_executions, workflow_name text, document jsonb,
               attempts execution_node_logs[], approvals execution_approvals[],
               maps weft_map_count[], children weft_child_state[])
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('app.current_tenant', tenant::text, true);
    RETURN QUERY
        SELECT e, w.name::text, s.document,
            (SELECT array_agg(l ORDER BY l.started_at) FROM (
                SELECT DISTINCT ON (n.node_id, n.task_id = 'epilogue:compensate') n.*
                FROM execution_node_logs AS n
                WHERE n.execution_id = e.id
                ORDER BY n.node_id, n.task_id = 'epilogue:compensate', n.started_at DESC,
                    n.attempt DESC
            ) AS n JOIN execution_node_logs AS l USING (execution_id, node_id, task_id, attempt)),
            (SELECT array_agg(a ORDER BY a.requested_at, a.id) FROM execution_approvals AS a
             WHERE a.execution_id = e.id),
            (SELECT array_agg(ROW(m.node_id, m.ended, m.failed)::weft_map_count) FROM (
                SELECT i.node_id, count(*)::integer AS ended,
                    (count(*) FILTER (WHERE i.status = 'failed'))::integer AS failed
                FROM execution_map_items AS i
                -- A loop visits a map again: its last visit counts.
                WHERE i.execution_id = e.id AND i.task_id IN (
                    SELECT DISTINCT ON (n.node_id) n.task_id FROM execution_node_logs AS n
                    WHERE n.execution_id = e.id AND n.task_id NOT LIKE 'epilogue:%'
                    ORDER BY n.node_id, n.started_at DESC)
                GROUP BY i.node_id
            ) AS m),
            (SELECT array_agg(ROW(c.id, c.workflow_id, c.name, c.parent_node_id,
                c.parent_map_index, c.status)::weft_child_state ORDER BY c.id) FROM (
                SELECT x.id, x.workflow_id, n.name, x.parent_node_id, x.parent_map_index, x.status
                FROM workflow_executions AS x
                JOIN workflows AS n ON n.tenant_id = x.tenant_id AND n.id = x.workflow_id
                WHERE x.parent_execution_id = e.id ORDER BY x.id LIMIT 100
            ) AS c)
        FROM workflow_executions AS e
        JOIN workflows AS w ON w.tenant_id = e.tenant_id AND w.id = e.workflow_id
        JOIN workflow_specifications AS s
            ON s.tenant_id = e.tenant_id AND s.sha256 = e.specification_sha256
        WHERE e.id = ANY (wanted);
END
$$;

REVOKE ALL ON FUNCTION weft_read_executions(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_read_executions(uuid, uuid[]) TO weft_api, weft_engine;

-- Only running executions have an owner, so this is as small as before, and serves the foreign key.
DROP INDEX executions_by_owner;
CREATE INDEX executions_by_owner ON workflow_executions (owner_id) WHERE owner_id IS NOT NULL;

-- What a supervisor may have to do. It looks every second, mostly for nothing, so this is one call
-- that reads indexes alone; what does the work looks again, under locks.
CREATE FUNCTION weft_see_due(lease_seconds double precision)
RETURNS TABLE (living executors[], stale boolean, orphans boolean, queued boolean, lines boolean,
               abandoned boolean, questions boolean, overdue boolean, deliveries boolean,
               next_wait_seconds double precision)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    expired timestamptz := now() - make_interval(secs => lease_seconds);
BEGIN
    RETURN QUERY SELECT
        (SELECT array_agg(x ORDER BY x.slot) FROM executors AS x
         WHERE x.stopped_at IS NULL AND x.heartbeat_at > expired),
        EXISTS (SELECT FROM executors AS x
            WHERE x.stopped_at IS NULL AND x.heartbeat_at < expired),
        EXISTS (SELECT FROM workflow_executions AS e
            WHERE e.owner_id IS NULL AND e.status = 'running')
        -- Not EXISTS within EXISTS: that is turned round, and goes through all that run.
        OR EXISTS (SELECT FROM executors AS x WHERE x.stopped_at IS NOT NULL AND (
            SELECT e.id FROM workflow_executions AS e
            WHERE e.owner_id = x.id LIMIT 1) IS NOT NULL),
        EXISTS (SELECT FROM workflow_executions AS e WHERE e.status = 'pending' AND NOT e.paused),
        EXISTS (SELECT FROM workflow_executions AS e WHERE e.parent_execution_id IS NOT NULL
            AND e.status = 'waiting' AND e.waiting_reason = 'turn'),
        EXISTS (SELECT FROM workflow_executions AS e WHERE e.abandons),
        EXISTS (SELECT FROM execution_approvals AS a
            WHERE a.status = 'pending' AND a.expires_at <= now()),
        EXISTS (SELECT FROM workflow_executions AS e
            WHERE e.status IN ('pending', 'waiting') AND e.deadline_at <= now()),
        EXISTS (SELECT FROM webhook_deliveries AS d WHERE d.delivered_at IS NULL
            AND d.abandoned_at IS NULL AND d.next_attempt_at <= now()),
        (SELECT extract(epoch FROM min(w.due_at) - now())::double precision
         FROM execution_waits AS w WHERE w.status = 'pending');
END
$$;

REVOKE ALL ON FUNCTION weft_see_due(double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_see_due(double precision) TO weft_engine;
