-- Limits on executions at once, their queue, and what executors tell of themselves.
--
-- The queue is the rows: `pending` is an execution that no executor has, and nothing else is. What
-- is in progress is `running` or `waiting`; no counter is kept, limits are counted from the rows.

ALTER TABLE workflow_executions
    ADD COLUMN priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN -100 AND 100),
    -- In an executor of its own.
    ADD COLUMN dedicated boolean NOT NULL DEFAULT false,
    -- Executions of one lane are bounded alike and go one after the other: those with the same key
    -- of a workflow, or all of a workflow that has a limit without a key. Zero: without limits.
    ADD COLUMN lane uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD COLUMN workflow_limit integer CHECK (workflow_limit > 0),
    ADD COLUMN key_limit integer CHECK (key_limit > 0);

-- What has an owner runs.
DROP INDEX executions_by_owner;
CREATE INDEX executions_by_owner ON workflow_executions (owner_id) WHERE status = 'running';
DROP INDEX executions_unowned;
CREATE INDEX executions_unowned ON workflow_executions (id)
    WHERE owner_id IS NULL AND status = 'running';
DROP INDEX executions_by_deadline;
CREATE INDEX executions_by_deadline ON workflow_executions (deadline_at)
    WHERE status IN ('pending', 'waiting');
-- Each lane's queue in its order.
CREATE INDEX executions_queued ON workflow_executions (tenant_id, lane, priority DESC, id)
    WHERE status = 'pending' AND NOT paused;
CREATE INDEX executions_in_lane ON workflow_executions (lane)
    WHERE key_limit IS NOT NULL AND status IN ('running', 'waiting');
CREATE INDEX executions_in_workflow ON workflow_executions (workflow_id)
    WHERE workflow_limit IS NOT NULL AND status IN ('running', 'waiting');
CREATE INDEX executions_dedicated ON workflow_executions (id)
    WHERE dedicated AND status = 'running';

-- Told with each heartbeat: how many executions it drives, and how late its event loop is.
ALTER TABLE executors
    ADD COLUMN running integer NOT NULL DEFAULT 0,
    ADD COLUMN lag_ms double precision NOT NULL DEFAULT 0,
    -- Hands over what it has and takes nothing more.
    ADD COLUMN draining boolean NOT NULL DEFAULT false,
    -- For one execution only.
    ADD COLUMN dedicated boolean NOT NULL DEFAULT false;

-- How many executions with a key are in progress, as far as the limit.
CREATE FUNCTION weft_in_lane(wanted uuid, most integer) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT count(*) FROM (
        SELECT FROM workflow_executions
        WHERE lane = wanted AND key_limit IS NOT NULL AND status IN ('running', 'waiting')
        LIMIT most) AS e
$$;

-- How many limited executions of a workflow are in progress, as far as the limit.
CREATE FUNCTION weft_in_workflow(wanted uuid, most integer) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT count(*) FROM (
        SELECT FROM workflow_executions
        WHERE workflow_id = wanted AND workflow_limit IS NOT NULL
            AND status IN ('running', 'waiting')
        LIMIT most) AS e
$$;

-- How many executions of a tenant are in progress, as far as the limit.
CREATE FUNCTION weft_in_tenant(wanted uuid, most integer) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT count(*) FROM (
        SELECT FROM workflow_executions
        WHERE tenant_id = wanted AND status IN ('running', 'waiting')
        LIMIT most) AS e
$$;

-- Whoever counts to a limit and then adds to it holds this lock until it is committed.
CREATE FUNCTION weft_lock_limits() RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, public, pg_temp
AS $$ SELECT pg_advisory_xact_lock(hashtext('weft limits')) $$;

-- Returns which of these starts have to queue: their limits are reached, or others of their lane
-- queue already. Dedicated ones wait for their executor in any case.
CREATE FUNCTION weft_must_queue(tenant uuid, starts weft_new_execution[], tenant_most integer)
RETURNS uuid[]
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF tenant_most IS NOT NULL OR EXISTS (SELECT FROM unnest(starts) AS u
            WHERE u.workflow_limit IS NOT NULL OR u.key_limit IS NOT NULL) THEN
        PERFORM weft_lock_limits();
    END IF;
    RETURN (
        SELECT array_agg(r.id) FROM (
            SELECT u.*,
                row_number() OVER (ORDER BY u.priority DESC, u.id) AS tenant_place,
                row_number() OVER (PARTITION BY u.lane ORDER BY u.priority DESC, u.id)
                    AS lane_place,
                row_number() OVER (PARTITION BY u.workflow_id ORDER BY u.priority DESC, u.id)
                    AS workflow_place
            FROM unnest(starts) AS u
        ) AS r
        WHERE r.dedicated
            OR EXISTS (SELECT FROM workflow_executions AS q WHERE q.tenant_id = tenant
                AND q.lane = r.lane AND q.status = 'pending' AND NOT q.paused)
            OR CASE WHEN r.key_limit IS NOT NULL
                THEN weft_in_lane(r.lane, r.key_limit) + r.lane_place > r.key_limit END
            OR CASE WHEN r.workflow_limit IS NOT NULL
                THEN weft_in_workflow(r.workflow_id, r.workflow_limit) + r.workflow_place
                    > r.workflow_limit END
            OR CASE WHEN tenant_most IS NOT NULL
                THEN weft_in_tenant(tenant, tenant_most) + r.tenant_place > tenant_most END);
END
$$;

-- Takes executions from the queue and gives them to executors, as far as limits and places allow.
--
-- Within a tenant the highest priority goes first, then the oldest; what its limits hold back does
-- not hold back others. Tenants take turns: who has the fewest running is next. A dedicated one
-- gets no owner: its executor is started for it.
--   owners          executors that may take some; one that has stopped or drains is passed over
--   capacity        how many executions one of them runs at most
--   dedicated_most  how many dedicated ones run at most; 0: none is admitted here
--   tenant_most     how many a tenant may have in progress; null: any number
--   most            how many at once
CREATE FUNCTION weft_admit(
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
        SELECT l.tenant_id, q.id, q.priority, q.dedicated, q.workflow_id, q.workflow_limit
        FROM lanes AS l
        CROSS JOIN LATERAL (
            SELECT h.key_limit FROM workflow_executions AS h
            WHERE h.tenant_id = l.tenant_id AND h.lane = l.lane AND h.status = 'pending'
                AND NOT h.paused
            ORDER BY h.priority DESC, h.id LIMIT 1) AS first
        CROSS JOIN LATERAL (
            SELECT e.id, e.priority, e.dedicated, e.workflow_id, e.workflow_limit
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
        SELECT h.tenant_id, h.id, h.priority, h.dedicated FROM heads AS h
        WHERE h.workflow_limit IS NULL
        UNION ALL
        SELECT h.tenant_id, h.id, h.priority, h.dedicated FROM of_workflow AS h
        JOIN (SELECT w.workflow_id,
                weft_in_workflow(w.workflow_id, max(w.workflow_limit)) AS running
              FROM of_workflow AS w GROUP BY w.workflow_id) AS r USING (workflow_id)
        WHERE r.running + h.place <= h.workflow_limit
    ), of_tenant AS (
        SELECT o.*, t.room, t.running,
            row_number() OVER (PARTITION BY o.tenant_id ORDER BY o.priority DESC, o.id) AS place
        FROM open AS o JOIN tenants AS t USING (tenant_id)
        WHERE CASE WHEN o.dedicated THEN dedicated_places ELSE cardinality(places) END > 0
    ), ordered AS (
        SELECT o.*, row_number() OVER (
            PARTITION BY o.dedicated ORDER BY o.running + o.place, o.id) AS turn
        FROM of_tenant AS o WHERE o.place <= o.room
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

REVOKE ALL ON FUNCTION weft_in_lane(uuid, integer), weft_in_workflow(uuid, integer),
    weft_in_tenant(uuid, integer), weft_lock_limits(),
    weft_must_queue(uuid, weft_new_execution[], integer),
    weft_admit(uuid[], integer, integer, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_in_lane(uuid, integer), weft_in_workflow(uuid, integer),
    weft_in_tenant(uuid, integer), weft_lock_limits(),
    weft_must_queue(uuid, weft_new_execution[], integer) TO weft_api, weft_engine;
GRANT EXECUTE ON FUNCTION weft_admit(uuid[], integer, integer, integer, integer) TO weft_engine;
