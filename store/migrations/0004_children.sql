-- Executions that nodes start and await, waits that end when all their parts have, waits between
-- two attempts, and questions to several people.

ALTER TABLE workflow_executions
    ADD COLUMN parent_execution_id uuid,
    ADD COLUMN parent_node_id varchar(100),
    ADD COLUMN parent_wait_id text,
    ADD COLUMN parent_map_index integer,
    ADD COLUMN depth integer NOT NULL DEFAULT 0,
    -- It has ended, or is about to, while executions that it started had not.
    ADD COLUMN abandons boolean NOT NULL DEFAULT false,
    ADD FOREIGN KEY (tenant_id, parent_execution_id)
        REFERENCES workflow_executions (tenant_id, id) ON DELETE SET NULL (parent_execution_id);
-- One execution for each attempt at a node or an item, however often its start is written.
CREATE UNIQUE INDEX executions_by_parent
    ON workflow_executions (parent_execution_id, parent_wait_id, parent_map_index)
    NULLS NOT DISTINCT WHERE parent_execution_id IS NOT NULL;
CREATE INDEX children_in_flight ON workflow_executions (parent_execution_id, parent_wait_id)
    WHERE parent_execution_id IS NOT NULL AND status IN ('pending', 'running', 'waiting')
        AND waiting_reason IS DISTINCT FROM 'turn';
-- Those whose turn has not come, since only so many of a map's run at once.
CREATE INDEX children_in_line
    ON workflow_executions (parent_execution_id, parent_wait_id, parent_map_index)
    WHERE parent_execution_id IS NOT NULL AND status = 'waiting' AND waiting_reason = 'turn';
CREATE INDEX executions_that_abandon ON workflow_executions (id) WHERE abandons;

-- `wait`: for a time or an event. `retry`: until the next attempt; the payload says what was
-- attempted. `items`: until all that was started or asked for the node has ended, which are the
-- parts of this wait: executions, questions, or waits of their own.
ALTER TABLE execution_waits
    ADD COLUMN task_id text,
    ADD COLUMN kind text NOT NULL DEFAULT 'wait' CHECK (kind IN ('wait', 'retry', 'items')),
    ADD COLUMN part_of text,
    ADD COLUMN map_index integer,
    ADD COLUMN map_task_id text,
    ADD COLUMN attempt integer,
    ADD COLUMN at_once integer,
    DROP CONSTRAINT execution_waits_check,
    ADD CHECK (kind = 'items' OR event IS NOT NULL OR due_at IS NOT NULL);
CREATE INDEX waits_by_group ON execution_waits (execution_id, part_of)
    WHERE part_of IS NOT NULL AND status = 'pending';

ALTER TABLE execution_approvals
    ADD COLUMN part_of text,
    ADD COLUMN map_index integer,
    ADD COLUMN approvers jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN required integer NOT NULL DEFAULT 1 CHECK (required >= 1),
    -- In order: {"by", "decision", "value", "comment", "at"}; a person votes once.
    ADD COLUMN votes jsonb NOT NULL DEFAULT '[]';
CREATE INDEX approvals_by_group ON execution_approvals (execution_id, part_of)
    WHERE part_of IS NOT NULL AND status = 'pending';

-- Starts executions that nodes await: they stand in line until `weft_next_children` lets them run.
-- Starting again is the same execution.
CREATE FUNCTION weft_start_children(children weft_child[], held uuid[])
RETURNS TABLE (id uuid, tenant_id uuid)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        WITH added AS (
            INSERT INTO workflow_executions AS e (id, tenant_id, organization_id, workflow_id,
                specification_sha256, status, waiting_reason, input_data, total_nodes,
                triggered_by, started_by, epoch, last_event_seq, parent_execution_id,
                parent_node_id, parent_wait_id, parent_map_index, depth)
            SELECT u.id, p.tenant_id, p.organization_id, u.workflow_id, u.specification_sha256,
                'waiting', 'turn', u.input, u.total_nodes,
                -- What a failure started starts no other workflow when it fails, nor do its parts.
                CASE p.triggered_by WHEN 'error' THEN 'error' ELSE 'workflow' END,
                p.started_by, 0, 1, p.id, u.node_id, u.interrupt_id, u.map_index, p.depth + 1
            FROM unnest(children) AS u JOIN workflow_executions AS p ON p.id = u.execution_id
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

-- Lets as many of those that stand in line run as their nodes allow at once; the parents are
-- locked. The first of them go to the executor named, if it is one. What somebody else holds just
-- now is passed over. Returns who runs now, and under whom.
CREATE FUNCTION weft_next_children(parents uuid[], preferred uuid)
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
        UPDATE workflow_executions AS e SET status = 'running', waiting_reason = NULL,
            owner_id = owners[1 + ((n.place - 1) % cardinality(owners))], epoch = e.epoch + 1,
            -- What the node allows counts as much as what the workflow itself does.
            deadline_at = now() + make_interval(secs => least(n.timeout_seconds,
                (s.document #>> '{settings,execution,timeout_seconds}')::double precision)),
            updated_at = now()
        FROM next AS n JOIN workflow_executions AS x ON x.id = n.id
        JOIN workflow_specifications AS s
            ON s.tenant_id = x.tenant_id AND s.sha256 = x.specification_sha256
        WHERE e.id = n.id
        RETURNING e.id, e.owner_id;
END
$$;

-- Ends waits whose parts have all ended. The executions are locked.
CREATE FUNCTION weft_end_groups(executions uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE execution_waits AS g SET status = 'ended', ended_at = now()
    WHERE g.execution_id = ANY(executions) AND g.kind = 'items' AND g.status = 'pending'
        AND NOT EXISTS (
            SELECT 1 FROM execution_waits AS p
            WHERE p.execution_id = g.execution_id AND p.part_of = g.interrupt_id
                AND p.status = 'pending')
        AND NOT EXISTS (
            SELECT 1 FROM execution_approvals AS a
            WHERE a.execution_id = g.execution_id AND a.part_of = g.interrupt_id
                AND a.status = 'pending')
        AND NOT EXISTS (
            SELECT 1 FROM workflow_executions AS c
            WHERE c.parent_execution_id = g.execution_id AND c.parent_wait_id = g.interrupt_id
                AND c.status IN ('pending', 'running', 'waiting')
                AND c.waiting_reason IS DISTINCT FROM 'turn')
        AND NOT EXISTS (
            SELECT 1 FROM workflow_executions AS c
            WHERE c.parent_execution_id = g.execution_id AND c.parent_wait_id = g.interrupt_id
                AND c.status = 'waiting' AND c.waiting_reason = 'turn');
END
$$;

-- Returns those of the executions that have an answer, or the end of a wait, to go on with.
CREATE FUNCTION weft_answered(executions uuid[]) RETURNS uuid[]
LANGUAGE sql
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT array_agg(x.execution_id) FROM (
        SELECT a.execution_id FROM execution_approvals AS a
        WHERE a.execution_id = ANY(executions) AND a.status = 'decided'
            AND a.consumed_at IS NULL AND a.part_of IS NULL
        UNION
        SELECT w.execution_id FROM execution_waits AS w
        WHERE w.execution_id = ANY(executions) AND w.status = 'ended'
            AND w.consumed_at IS NULL AND w.part_of IS NULL) AS x
$$;

-- Tells those who started executions that these have ended, and lets the next in line run. An
-- item's result stands among its map's from now on: whoever ends them from outside has no right to
-- the items themselves. The executions and those that started them are locked. Returns who goes
-- on, and under whom.
CREATE FUNCTION weft_end_children(ended uuid[], preferred uuid)
RETURNS TABLE (execution_id uuid, owner_id uuid)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    parents uuid[];
    owners uuid[];
BEGIN
    SELECT array_agg(DISTINCT c.parent_execution_id) INTO parents
    FROM workflow_executions AS c WHERE c.id = ANY(ended) AND c.parent_execution_id IS NOT NULL;
    INSERT INTO execution_map_items AS i (tenant_id, execution_id, node_id, task_id, map_index,
        status, attempt, output_data, error_message)
    SELECT c.tenant_id, w.execution_id, w.node_id, w.map_task_id, c.parent_map_index,
        CASE c.status WHEN 'completed' THEN 'completed' ELSE 'failed' END, w.attempt,
        CASE c.status WHEN 'completed' THEN c.output_data END,
        CASE c.status WHEN 'completed' THEN NULL
            ELSE COALESCE(c.error_message, 'It was ' || c.status || '.') END
    FROM workflow_executions AS c JOIN execution_waits AS w
        ON w.execution_id = c.parent_execution_id AND w.interrupt_id = c.parent_wait_id
    WHERE c.id = ANY(ended) AND c.status IN ('completed', 'failed', 'cancelled')
        AND c.parent_map_index IS NOT NULL AND w.status = 'pending'
    ON CONFLICT (execution_id, task_id, map_index) DO UPDATE SET
        status = excluded.status, attempt = excluded.attempt,
        output_data = excluded.output_data, error_message = excluded.error_message
    WHERE i.status = 'failed';
    PERFORM weft_end_groups(parents);
    SELECT array_agg(x.id) INTO owners FROM executors AS x
    WHERE x.stopped_at IS NULL AND (preferred IS NULL OR x.id = preferred);
    RETURN QUERY SELECT x.execution_id, x.owner_id
        FROM weft_wake(weft_answered(parents), owners) AS x;
    RETURN QUERY SELECT x.execution_id, x.owner_id
        FROM weft_next_children(parents, preferred) AS x;
END
$$;

-- Cancels what stands in line for executions that end, and marks those whose other children have
-- not ended: these are to be stopped first, one by one. The executions are locked.
CREATE FUNCTION weft_abandon_children(closing uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    WITH line AS (
        SELECT c.id FROM workflow_executions AS c
        WHERE c.parent_execution_id = ANY(closing)
            AND c.status = 'waiting' AND c.waiting_reason = 'turn'
        ORDER BY c.id FOR NO KEY UPDATE SKIP LOCKED
    ), cancelled AS (
        UPDATE workflow_executions AS e SET status = 'cancelled', waiting_reason = NULL,
            error_message = 'The execution that it belongs to has ended.', epoch = e.epoch + 1,
            last_event_seq = e.last_event_seq + 1, completed_at = now(), duration_seconds = 0,
            expires_at = now() + (
                SELECT make_interval(
                    secs => 86400 * (s.document #>> '{settings,retention_days}')::float8)
                FROM workflow_specifications AS s
                WHERE s.tenant_id = e.tenant_id AND s.sha256 = e.specification_sha256),
            updated_at = now()
        FROM line WHERE e.id = line.id
        RETURNING e.id, e.tenant_id, e.last_event_seq, e.error_message
    )
    INSERT INTO execution_events
        (tenant_id, execution_id, seq, event_id, event_type, node_id, payload)
    SELECT c.tenant_id, c.id, c.last_event_seq, gen_random_uuid(), 'workflow_cancelled', NULL,
        jsonb_build_object('status', 'cancelled', 'message', c.error_message)
    FROM cancelled AS c;
    UPDATE workflow_executions AS e SET abandons = true
    WHERE e.id = ANY(closing) AND EXISTS (
        SELECT 1 FROM workflow_executions AS c
        WHERE c.parent_execution_id = e.id AND c.status IN ('pending', 'running', 'waiting'));
END
$$;

-- Lets those in line run whose turn nobody gave them: their parent was paused, or they were held
-- by somebody else. Returns who runs now, and under whom.
CREATE FUNCTION weft_move_lines(most integer)
RETURNS TABLE (execution_id uuid, owner_id uuid)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    parents uuid[];
BEGIN
    SELECT array_agg(l.id) INTO parents FROM (
        SELECT p.id FROM workflow_executions AS p
        WHERE p.id IN (
            SELECT DISTINCT c.parent_execution_id FROM workflow_executions AS c
            WHERE c.parent_execution_id IS NOT NULL
                AND c.status = 'waiting' AND c.waiting_reason = 'turn')
        ORDER BY p.id LIMIT most FOR NO KEY UPDATE SKIP LOCKED
    ) AS l;
    RETURN QUERY SELECT x.execution_id, x.owner_id FROM weft_next_children(parents, NULL) AS x;
END
$$;

REVOKE ALL ON FUNCTION weft_start_children(weft_child[], uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION weft_next_children(uuid[], uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION weft_end_groups(uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION weft_answered(uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION weft_end_children(uuid[], uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_start_children(weft_child[], uuid[]) TO weft_api, weft_engine;
GRANT EXECUTE ON FUNCTION weft_next_children(uuid[], uuid) TO weft_api, weft_engine;
GRANT EXECUTE ON FUNCTION weft_end_groups(uuid[]) TO weft_api, weft_engine;
GRANT EXECUTE ON FUNCTION weft_answered(uuid[]) TO weft_api, weft_engine;
GRANT EXECUTE ON FUNCTION weft_end_children(uuid[], uuid) TO weft_api, weft_engine;
REVOKE ALL ON FUNCTION weft_abandon_children(uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION weft_move_lines(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_abandon_children(uuid[]) TO weft_api, weft_engine;
GRANT EXECUTE ON FUNCTION weft_move_lines(integer) TO weft_engine;
