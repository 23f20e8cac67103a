-- Executions that nodes start are held back by the limits of their workflow as others are: when
-- their turn comes those with limits go to the queue, and run when it admits them.

ALTER TYPE weft_child
    ADD ATTRIBUTE priority integer,
    ADD ATTRIBUTE lane uuid,
    ADD ATTRIBUTE workflow_limit integer,
    ADD ATTRIBUTE key_limit integer;

-- Who stands in line is not in progress yet.
DROP INDEX executions_in_lane;
CREATE INDEX executions_in_lane ON workflow_executions (lane)
    WHERE key_limit IS NOT NULL AND status IN ('running', 'waiting')
        AND waiting_reason IS DISTINCT FROM 'turn';
DROP INDEX executions_in_workflow;
CREATE INDEX executions_in_workflow ON workflow_executions (workflow_id)
    WHERE workflow_limit IS NOT NULL AND status IN ('running', 'waiting')
        AND waiting_reason IS DISTINCT FROM 'turn';

-- How many executions with a key are in progress, as far as the limit.
CREATE OR REPLACE FUNCTION weft_in_lane(wanted uuid, most integer) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT count(*) FROM (
        SELECT FROM workflow_executions
        WHERE lane = wanted AND key_limit IS NOT NULL AND status IN ('running', 'waiting')
            AND waiting_reason IS DISTINCT FROM 'turn'
        LIMIT most) AS e
$$;

-- How many limited executions of a workflow are in progress, as far as the limit.
CREATE OR REPLACE FUNCTION weft_in_workflow(wanted uuid, most integer) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT count(*) FROM (
        SELECT FROM workflow_executions
        WHERE workflow_id = wanted AND workflow_limit IS NOT NULL
            AND status IN ('running', 'waiting')
            AND waiting_reason IS DISTINCT FROM 'turn'
        LIMIT most) AS e
$$;

-- Whether an execution is one of a workflow, or one that started it is, however far above.
CREATE FUNCTION weft_stands_within(execution uuid, wanted uuid) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp
AS $$
    WITH RECURSIVE above AS (
        SELECT e.parent_execution_id, e.workflow_id FROM workflow_executions AS e
        WHERE e.id = execution
        UNION ALL
        SELECT e.parent_execution_id, e.workflow_id
        FROM above AS a JOIN workflow_executions AS e ON e.id = a.parent_execution_id
    )
    SELECT EXISTS (SELECT FROM above AS a WHERE a.workflow_id = wanted)
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
                priority, lane, workflow_limit, key_limit)
            SELECT u.id, p.tenant_id, p.organization_id, u.workflow_id, u.specification_sha256,
                'waiting', 'turn', u.input, u.total_nodes,
                -- What a failure started starts no other workflow when it fails, nor do its parts.
                CASE p.triggered_by WHEN 'error' THEN 'error' ELSE 'workflow' END,
                p.started_by, 0, 1, p.id, u.node_id, u.interrupt_id, u.map_index, p.depth + 1,
                u.priority, CASE WHEN r.within THEN unlimited ELSE u.lane END,
                CASE WHEN NOT r.within THEN u.workflow_limit END,
                CASE WHEN NOT r.within THEN u.key_limit END
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

-- Lets as many of those that stand in line go on as their nodes allow at once; the parents are
-- locked. The first of them go to the executor named, if it is one; those with limits go to the
-- queue instead. What somebody else holds just now is passed over. Returns who goes on, and under
-- whom; without an owner who queues.
CREATE OR REPLACE FUNCTION weft_next_children(parents uuid[], preferred uuid)
RETURNS TABLE (execution_id uuid, owner_id uuid)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    owners uuid[];
BEGIN
    SELECT array_agg(x.id ORDER BY x.id IS DISTINCT FROM preferred, x.id) INTO owners
    FROM executors AS x WHERE x.stopped_at IS NULL;
    RETURN QUERY
        WITH free AS (
            SELECT w.execution_id, w.interrupt_id,
                (w.payload ->> 'timeout_seconds')::double precision AS timeout_seconds,
                w.at_once - (
                SELECT count(*) FROM workflow_executions AS c
                WHERE c.parent_execution_id = w.execution_id
                    AND c.parent_wait_id = w.interrupt_id
                    AND c.status IN ('pending', 'running', 'waiting')
                    AND c.waiting_reason IS DISTINCT FROM 'turn') AS places
            FROM execution_waits AS w JOIN workflow_executions AS p ON p.id = w.execution_id
            WHERE w.execution_id = ANY(parents) AND w.kind = 'items' AND w.status = 'pending'
                AND w.at_once IS NOT NULL AND NOT p.paused
        ), next AS (
            SELECT c.id, f.timeout_seconds, row_number() OVER () AS place
            FROM free AS f CROSS JOIN LATERAL (
                SELECT x.id FROM workflow_executions AS x
                WHERE x.parent_execution_id = f.execution_id
                    AND x.parent_wait_id = f.interrupt_id
                    AND x.status = 'waiting' AND x.waiting_reason = 'turn' AND NOT x.paused
                ORDER BY x.parent_map_index LIMIT greatest(f.places, 0)
                FOR NO KEY UPDATE SKIP LOCKED) AS c
        )
        UPDATE workflow_executions AS e SET waiting_reason = NULL, epoch = e.epoch + 1,
            status = CASE WHEN l.limited THEN 'pending' ELSE 'running' END,
            owner_id = CASE WHEN NOT l.limited
                THEN owners[1 + ((n.place - 1) % cardinality(owners))] END,
            -- What the node allows counts as much as what the workflow itself does.
            deadline_at = now() + make_interval(secs => least(n.timeout_seconds,
                (s.document #>> '{settings,execution,timeout_seconds}')::double precision)),
            updated_at = now()
        FROM next AS n JOIN workflow_executions AS x ON x.id = n.id
        JOIN workflow_specifications AS s
            ON s.tenant_id = x.tenant_id AND s.sha256 = x.specification_sha256
        CROSS JOIN LATERAL (SELECT x.workflow_limit IS NOT NULL OR x.key_limit IS NOT NULL)
            AS l (limited)
        WHERE e.id = n.id
        RETURNING e.id, e.owner_id;
END
$$;

-- Takes executions from the queue and gives them to executors, as far as limits and places allow.
--
-- Within a tenant the highest priority goes first, then the oldest; what its limits hold back does
-- not hold back others. Tenants take turns: who has the fewest running is next. A dedicated one
-- gets no owner: its executor is started for it. What another execution awaits needs no room of
-- its tenant's: that other one may hold the last of it, and keeps it until this one ends.
--   owners          executors that may take some; one that has stopped or drains is passed over
--   capacity        how many executions one of them runs at most
--   dedicated_most  how many dedicated ones run at most; 0: none is admitted here
--   tenant_most     how many a tenant may have in progress; null: any number
--   most            how many at once
CREATE OR REPLACE FUNCTION weft_admit(
    owners uuid[], capacity integer, dedicated_most integer, tenant_most integer, most integer)
RETURNS TABLE (execution_id uuid, owner_id uuid)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    places uuid[];
    dedicated_places bigint;
    chosen uuid[];
    locked uuid[];
BEGIN
    IF NOT EXISTS (SELECT FROM workflow_executions WHERE status = 'pending' AND NOT paused) THEN
        RETURN;
    END IF;
    -- From here on every statement sees what others admitted before.
    PERFORM weft_lock_limits();
    -- Free places, the emptiest executor's first.
    SELECT array_agg(p.id ORDER BY p.place, p.id) INTO places FROM (
        SELECT x.id, n.place FROM executors AS x
        CROSS JOIN LATERAL (SELECT count(*) AS running FROM workflow_executions AS e
            WHERE e.owner_id = x.id AND e.status = 'running') AS h
        CROSS JOIN LATERAL generate_series(
            h.running + 1, LEAST(capacity, h.running + most)) AS n (place)
        WHERE x.id = ANY(owners) AND x.stopped_at IS NULL AND NOT x.draining
        ORDER BY n.place, x.id LIMIT most
    ) AS p;
    SELECT GREATEST(0, dedicated_most - count(*)) INTO dedicated_places
    FROM workflow_executions AS e WHERE e.dedicated AND e.status = 'running';

    WITH RECURSIVE lanes AS (
        (SELECT e.tenant_id, e.lane FROM workflow_executions AS e
         WHERE e.status = 'pending' AND NOT e.paused ORDER BY e.tenant_id, e.lane LIMIT 1)
        UNION ALL
        SELECT n.tenant_id, n.lane FROM lanes AS l CROSS JOIN LATERAL (
            SELECT e.tenant_id, e.lane FROM workflow_executions AS e
            WHERE e.status = 'pending' AND NOT e.paused
                AND (e.tenant_id, e.lane) > (l.tenant_id, l.lane)
            ORDER BY e.tenant_id, e.lane LIMIT 1) AS n
    ), tenants AS (
        SELECT t.tenant_id,
            (SELECT count(*) FROM workflow_executions AS e
             WHERE e.tenant_id = t.tenant_id AND e.status = 'running') AS running,
            CASE WHEN tenant_most IS NULL THEN most
                ELSE tenant_most - weft_in_tenant(t.tenant_id, tenant_most) END AS room
        FROM (SELECT DISTINCT l.tenant_id FROM lanes AS l) AS t
    ), heads AS (
        -- The first of each lane, as many as its key's limit allows.
        SELECT l.tenant_id, q.id, q.priority, q.dedicated, q.workflow_id, q.workflow_limit,
            q.awaited
        FROM lanes AS l
        CROSS JOIN LATERAL (
            SELECT h.key_limit FROM workflow_executions AS h
            WHERE h.tenant_id = l.tenant_id AND h.lane = l.lane AND h.status = 'pending'
                AND NOT h.paused
            ORDER BY h.priority DESC, h.id LIMIT 1) AS first
        CROSS JOIN LATERAL (
            SELECT e.id, e.priority, e.dedicated, e.workflow_id, e.workflow_limit,
                e.parent_execution_id IS NOT NULL AS awaited
            FROM workflow_executions AS e
            WHERE e.tenant_id = l.tenant_id AND e.lane = l.lane AND e.status = 'pending'
                AND NOT e.paused
            ORDER BY e.priority DESC, e.id
            LIMIT CASE WHEN first.key_limit IS NULL THEN most ELSE LEAST(most,
                GREATEST(0, first.key_limit - weft_in_lane(l.lane, first.key_limit))) END) AS q
    ), of_workflow AS (
        SELECT h.*, row_number() OVER (PARTITION BY h.workflow_id ORDER BY h.priority DESC, h.id)
            AS place
        FROM heads AS h WHERE h.workflow_limit IS NOT NULL
    ), open AS (
        SELECT h.tenant_id, h.id, h.priority, h.dedicated, h.awaited FROM heads AS h
        WHERE h.workflow_limit IS NULL
        UNION ALL
        SELECT h.tenant_id, h.id, h.priority, h.dedicated, h.awaited FROM of_workflow AS h
        JOIN (SELECT w.workflow_id,
                weft_in_workflow(w.workflow_id, max(w.workflow_limit)) AS running
              FROM of_workflow AS w GROUP BY w.workflow_id) AS r USING (workflow_id)
        WHERE r.running + h.place <= h.workflow_limit
    ), of_tenant AS (
        SELECT o.*, t.room, t.running,
            row_number() OVER (PARTITION BY o.tenant_id, o.awaited ORDER BY o.priority DESC, o.id)
                AS place
        FROM open AS o JOIN tenants AS t USING (tenant_id)
        WHERE CASE WHEN o.dedicated THEN dedicated_places ELSE cardinality(places) END > 0
    ), ordered AS (
        SELECT o.*, row_number() OVER (
            PARTITION BY o.dedicated ORDER BY o.running + o.place, o.id) AS turn
        FROM of_tenant AS o WHERE o.awaited OR o.place <= o.room
    )
    SELECT array_agg(o.id ORDER BY o.turn) INTO chosen FROM ordered AS o
    WHERE o.turn <= CASE WHEN o.dedicated THEN dedicated_places
        ELSE LEAST(most, cardinality(places)) END;

    SELECT array_agg(l.id) INTO locked FROM (
        SELECT e.id FROM workflow_executions AS e
        WHERE e.id = ANY(chosen) AND e.status = 'pending' AND NOT e.paused
        ORDER BY e.id FOR NO KEY UPDATE SKIP LOCKED) AS l;
    RETURN QUERY
        UPDATE workflow_executions AS e SET status = 'running', epoch = e.epoch + 1,
            owner_id = CASE WHEN NOT e.dedicated THEN places[c.place] END,
            -- Not now(): that was before the lock, when who went before it was still in progress.
            started_at = clock_timestamp(), updated_at = now()
        FROM (
            SELECT s.id, row_number() OVER (PARTITION BY x.dedicated ORDER BY s.turn) AS place
            FROM unnest(chosen) WITH ORDINALITY AS s (id, turn)
            JOIN workflow_executions AS x ON x.id = s.id
            WHERE s.id = ANY(locked)
        ) AS c
        WHERE e.id = c.id AND e.status = 'pending'
        RETURNING e.id, e.owner_id;
END
$$;

REVOKE ALL ON FUNCTION weft_stands_within(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_stands_within(uuid, uuid) TO weft_api, weft_engine;
