-- One round trip for what a process has gathered: everything that is recorded of executions goes
-- through weft_write, and starts go through weft_start.
--
-- Both lock executions in ascending order of their ids. A composite type stands for each kind of
-- record; its fields are those of the Python record of that name, in that order.

-- Half of the updates leave every indexed column alone; room on the page keeps them cheap.
ALTER TABLE workflow_executions SET (fillfactor = 70);
-- UNIQUE (tenant_id, id) reads as well backwards.
DROP INDEX executions_by_tenant;
-- What the last flush left out, since somebody else held it.
ALTER TABLE executors ADD COLUMN last_flush_busy uuid[];

-- How an execution will end while what runs at its end still runs: {"status", "error_message",
-- "error_node_id", "output"}. Whoever takes the execution over goes on from there.
ALTER TABLE workflow_executions ADD COLUMN ending jsonb;

-- Beside the starter's webhook a failed execution may tell a channel and start a workflow. `url`
-- says where to, in the form of its kind: https://…, mailto:…, wf_….
ALTER TABLE webhook_deliveries ADD COLUMN kind text NOT NULL DEFAULT 'webhook'
    CHECK (kind IN ('webhook', 'notification', 'error_workflow'));
ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_execution_id_key;
ALTER TABLE webhook_deliveries ADD UNIQUE (execution_id, kind);

-- Paused by a person: what would wake it is kept, and nothing wakes it but its resumption.
ALTER TABLE workflow_executions ADD COLUMN paused boolean NOT NULL DEFAULT false,
    ADD COLUMN pauses integer NOT NULL DEFAULT 0;

-- What nodes wait for that is no person: a time, an event, or an event until a time.
CREATE TABLE execution_waits (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    interrupt_id text NOT NULL,
    node_id varchar(100) NOT NULL,
    event text,
    key text,
    due_at timestamptz,
    requested_at timestamptz NOT NULL DEFAULT now(),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'ended', 'withdrawn')),
    timed_out boolean,
    payload jsonb,
    ended_at timestamptz,
    consumed_at timestamptz,
    CHECK (event IS NOT NULL OR due_at IS NOT NULL),
    PRIMARY KEY (execution_id, interrupt_id),
    FOREIGN KEY (tenant_id, execution_id)
        REFERENCES workflow_executions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX waits_due ON execution_waits (due_at) WHERE status = 'pending';
CREATE INDEX waits_for_event ON execution_waits (tenant_id, event) WHERE status = 'pending';

-- Signals to one execution that came before it waited for them.
CREATE TABLE execution_signals (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    event text NOT NULL,
    key text,
    payload jsonb NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT now(),
    taken_at timestamptz,
    FOREIGN KEY (tenant_id, execution_id)
        REFERENCES workflow_executions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX signals_kept ON execution_signals (execution_id) WHERE taken_at IS NULL;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['execution_waits', 'execution_signals'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant_isolation ON %I TO weft_api '
            'USING (tenant_id = NULLIF(current_setting(''app.current_tenant'', true), '''')::uuid) '
            'WITH CHECK (tenant_id = NULLIF(current_setting(''app.current_tenant'', true), '''')::uuid)',
            name);
        EXECUTE format(
            'CREATE POLICY platform ON %I TO weft_owner, weft_engine USING (true) WITH CHECK (true)',
            name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE ON execution_waits, execution_signals TO weft_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON execution_waits, execution_signals TO weft_engine;

-- What only weft_write inserts, under the lock of the execution and with the execution's own
-- tenant, needs no second look at the execution for each row: that look was a third of a write.
ALTER TABLE execution_node_logs DROP CONSTRAINT execution_node_logs_tenant_id_execution_id_fkey;
ALTER TABLE execution_checkpoints DROP CONSTRAINT execution_checkpoints_tenant_id_execution_id_fkey;
ALTER TABLE execution_channel_values
    DROP CONSTRAINT execution_channel_values_tenant_id_execution_id_fkey;
ALTER TABLE execution_writes DROP CONSTRAINT execution_writes_tenant_id_execution_id_fkey;
ALTER TABLE execution_map_items DROP CONSTRAINT execution_map_items_tenant_id_execution_id_fkey;
ALTER TABLE execution_events DROP CONSTRAINT execution_events_tenant_id_execution_id_fkey;

CREATE TYPE weft_change AS (
    execution_id uuid,
    epoch integer,
    checkpoints integer,
    events integer,
    completed integer,
    failed integer,
    retried integer,
    llm_tokens bigint,
    api_calls bigint,
    cost_usd double precision,
    current_node text,
    status text,
    former text[],
    waiting_reason text,
    output jsonb,
    error_message text,
    error_node_id text,
    ending jsonb
);

CREATE TYPE weft_checkpoint AS (
    execution_id uuid,
    checkpoint_ns text,
    checkpoint_id text,
    parent_checkpoint_id text,
    node_id text,
    snapshot jsonb,
    metadata jsonb,
    epoch integer,
    place integer,
    events_before integer
);

CREATE TYPE weft_channel_value AS (
    execution_id uuid,
    checkpoint_ns text,
    channel text,
    version text,
    value jsonb
);

CREATE TYPE weft_task_write AS (
    execution_id uuid,
    checkpoint_ns text,
    checkpoint_id text,
    task_id text,
    task_path text,
    position_ integer,
    channel text,
    value jsonb
);

CREATE TYPE weft_node_log AS (
    execution_id uuid,
    node_id text,
    task_id text,
    attempt integer,
    agent_name text,
    status text,
    input jsonb,
    output jsonb,
    metadata jsonb,
    started_at timestamptz,
    completed_at timestamptz,
    error_message text,
    error_trace text,
    llm_tokens bigint,
    api_calls bigint,
    cost_usd double precision
);

CREATE TYPE weft_map_item AS (
    execution_id uuid,
    node_id text,
    task_id text,
    map_index integer,
    status text,
    attempt integer,
    output jsonb,
    error_message text
);

CREATE TYPE weft_approval AS (
    execution_id uuid,
    id uuid,
    interrupt_id text,
    node_id text,
    message text,
    approval_type text,
    options jsonb,
    timeout_seconds double precision,
    on_timeout text,
    part_of text,
    map_index integer,
    approvers jsonb,
    required integer
);

CREATE TYPE weft_wait AS (
    execution_id uuid,
    interrupt_id text,
    node_id text,
    task_id text,
    kind text,
    event text,
    key text,
    until timestamptz,
    seconds double precision,
    payload jsonb,
    part_of text,
    map_index integer,
    map_task_id text,
    attempt integer,
    at_once integer
);

CREATE TYPE weft_child AS (
    execution_id uuid,
    interrupt_id text,
    node_id text,
    map_index integer,
    id uuid,
    workflow_id uuid,
    specification_sha256 text,
    input jsonb,
    total_nodes integer,
    event_id uuid,
    payload jsonb
);

CREATE TYPE weft_consumed AS (
    execution_id uuid,
    interrupt_id text
);

CREATE TYPE weft_event AS (
    execution_id uuid,
    event_id uuid,
    event_type text,
    node_id text,
    payload jsonb,
    place integer
);

CREATE TYPE weft_artifact AS (
    execution_id uuid,
    sha256 text,
    content bytea
);

-- Ends attempts that were cut off, or whose owner died before it told how they ended. The API may
-- cancel what has no owner, and may change no log but so: nothing happens to what has not ended.
CREATE FUNCTION weft_end_attempts(executions uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE execution_node_logs AS l SET status = 'failed', completed_at = now(),
        error_message = 'The execution ended before this attempt did.'
    FROM workflow_executions AS e
    WHERE e.id = ANY(executions) AND e.status IN ('completed', 'failed', 'cancelled')
        AND l.execution_id = e.id AND l.status = 'running';
END
$$;

-- Writes what has gathered of many executions, those under their lock whose epoch still holds.
--
-- Returns a row for each change: its outcome, and the number before its first event.
--   written   all of it is recorded
--   answered  all of it is, but the execution does not wait: an answer, or the end of its pause,
--             has come meanwhile
--   refused   none of it: its present status does not allow the new one
--   lost      none of it: the epoch moved, it ended, or it is gone
--   busy      none of it: somebody else holds the execution just now, or the one it was started by
-- Beside these a row for each execution that was started for a node (`child`), and for each that
-- goes on now under the owner named (`woken`).
-- A flush that is `again` waits for the locks instead (a commit that is still on its way holds
-- them), and when the flush was committed before only tells what became of it (`repeated`).
CREATE FUNCTION weft_write(
    executor uuid,
    flush uuid,
    again boolean,
    changes weft_change[],
    checkpoints weft_checkpoint[],
    channel_values weft_channel_value[],
    task_writes weft_task_write[],
    node_logs weft_node_log[],
    map_items weft_map_item[],
    approvals weft_approval[],
    waits weft_wait[],
    consumed weft_consumed[],
    children weft_child[],
    events weft_event[],
    artifacts weft_artifact[]
) RETURNS TABLE (execution_id uuid, tenant_id uuid, outcome text, event_base bigint,
                 written_at timestamptz, owner_id uuid)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
-- The arrays differ in length, the tables grow: one plan by index suits them all.
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    ids uuid[];
    locked uuid[];
    refused uuid[];
    answered uuid[];
    busy uuid[];
    held uuid[];
    tenants uuid[];
    ended uuid[];
    closing uuid[];
    finishing uuid[];
    parents uuid[];
    free_parents uuid[];
    event_bases bigint[];
    checkpoint_bases integer[];
BEGIN
    SELECT array_agg(c.execution_id),
        array_agg(c.execution_id) FILTER (WHERE c.status IN ('completed', 'failed', 'cancelled'))
    INTO ids, finishing FROM unnest(changes) AS c;
    IF again THEN
        PERFORM FROM workflow_executions AS e WHERE e.id = ANY(ids)
        ORDER BY e.id FOR NO KEY UPDATE;
        IF (SELECT x.last_flush FROM executors AS x WHERE x.id = executor) = flush THEN
            RETURN QUERY
                SELECT c.execution_id, e.tenant_id,
                    CASE WHEN c.execution_id = ANY(x.last_flush_busy) THEN 'busy'
                         WHEN e.epoch IS DISTINCT FROM c.epoch THEN 'lost'
                         WHEN c.status <> e.status THEN 'answered' ELSE 'repeated' END,
                    NULL::bigint, now(), NULL::uuid
                FROM unnest(changes) AS c
                JOIN executors AS x ON x.id = executor
                LEFT JOIN workflow_executions AS e ON e.id = c.execution_id;
            RETURN;
        END IF;
    END IF;

    -- An execution that ends is awaited by the one that it was started by, which is locked with it.
    IF finishing IS NOT NULL THEN
        SELECT array_agg(DISTINCT p.id) INTO parents
        FROM workflow_executions AS e JOIN workflow_executions AS p ON p.id = e.parent_execution_id
        WHERE e.id = ANY(finishing) AND p.status IN ('pending', 'running', 'waiting');
    END IF;

    SELECT array_agg(l.id) FILTER (WHERE l.owned IS NOT NULL),
        array_agg(l.id) FILTER (WHERE l.owned AND NOT l.allowed),
        array_agg(l.id) FILTER (WHERE l.owned AND l.allowed),
        array_agg(l.id) FILTER (WHERE l.id = ANY(parents))
    INTO locked, refused, held, free_parents
    FROM (
        SELECT e.id, e.epoch = c.epoch AND e.status IN ('pending', 'running', 'waiting') AS owned,
            c.former IS NULL OR e.status = ANY(c.former) AS allowed
        FROM workflow_executions AS e LEFT JOIN unnest(changes) AS c ON c.execution_id = e.id
        WHERE e.id = ANY(ids || parents)
        ORDER BY e.id FOR NO KEY UPDATE OF e SKIP LOCKED
    ) AS l;

    IF cardinality(free_parents) IS DISTINCT FROM cardinality(parents) THEN
        SELECT array_agg(e.id) INTO busy FROM workflow_executions AS e
        WHERE e.id = ANY(finishing) AND e.parent_execution_id = ANY(parents)
            AND NOT e.parent_execution_id = ANY(COALESCE(free_parents, '{}'));
        locked := ARRAY(SELECT unnest(locked) EXCEPT SELECT unnest(busy));
        held := ARRAY(SELECT unnest(held) EXCEPT SELECT unnest(busy));
        refused := ARRAY(SELECT unnest(refused) EXCEPT SELECT unnest(busy));
    END IF;

    IF cardinality(locked) IS DISTINCT FROM cardinality(ids) THEN
        SELECT array_agg(e.id) INTO busy FROM workflow_executions AS e
        WHERE e.id = ANY(ids) AND NOT e.id = ANY(COALESCE(locked, '{}'));
    END IF;

    IF cardinality(consumed) > 0 THEN
        UPDATE execution_approvals AS a SET consumed_at = now() FROM unnest(consumed) AS u
        WHERE a.execution_id = u.execution_id AND a.interrupt_id = u.interrupt_id
            AND u.execution_id = ANY(held);
        UPDATE execution_waits AS w SET consumed_at = now() FROM unnest(consumed) AS u
        WHERE w.execution_id = u.execution_id AND w.interrupt_id = u.interrupt_id
            AND u.execution_id = ANY(held);
    END IF;
    IF cardinality(approvals) > 0 THEN
        -- Asking again is the same question.
        INSERT INTO execution_approvals (tenant_id, execution_id, id, interrupt_id, node_id,
            message, approval_type, options, expires_at, on_timeout, part_of, map_index, approvers,
            required)
        SELECT e.tenant_id, u.execution_id, u.id, u.interrupt_id, u.node_id, u.message,
            u.approval_type, u.options, now() + make_interval(secs => u.timeout_seconds),
            u.on_timeout, u.part_of, u.map_index, u.approvers, u.required
        FROM unnest(approvals) AS u JOIN workflow_executions AS e ON e.id = u.execution_id
        WHERE u.execution_id = ANY(held)
        ON CONFLICT (execution_id, interrupt_id) DO NOTHING;
    END IF;
    IF cardinality(children) > 0 THEN
        RETURN QUERY SELECT x.id, x.tenant_id, 'child', 0::bigint, now(), NULL::uuid
            FROM weft_start_children(children, held) AS x;
    END IF;
    IF cardinality(waits) > 0 THEN
        -- Waiting again is the same wait.
        INSERT INTO execution_waits (tenant_id, execution_id, interrupt_id, node_id, task_id, kind,
            event, key, due_at, payload, part_of, map_index, map_task_id, attempt, at_once)
        SELECT e.tenant_id, u.execution_id, u.interrupt_id, u.node_id, u.task_id, u.kind, u.event,
            u.key, COALESCE(u.until, now() + make_interval(secs => u.seconds)), u.payload,
            u.part_of, u.map_index, u.map_task_id, u.attempt, u.at_once
        FROM unnest(waits) AS u JOIN workflow_executions AS e ON e.id = u.execution_id
        WHERE u.execution_id = ANY(held)
        ON CONFLICT (execution_id, interrupt_id) DO NOTHING;
        -- A signal that came too early is there in time.
        WITH kept AS (
            SELECT DISTINCT ON (w.execution_id, w.interrupt_id) s.id, s.payload, w.execution_id,
                w.interrupt_id
            FROM unnest(waits) AS w JOIN execution_signals AS s
                ON s.execution_id = w.execution_id AND s.taken_at IS NULL AND s.event = w.event
                AND (w.key IS NULL OR w.key = s.key)
            WHERE w.execution_id = ANY(held)
            ORDER BY w.execution_id, w.interrupt_id, s.sent_at, s.id
        ), taken AS (
            UPDATE execution_signals AS s SET taken_at = now() FROM kept WHERE s.id = kept.id
        )
        UPDATE execution_waits AS w SET status = 'ended', timed_out = false,
            payload = kept.payload, ended_at = now()
        FROM kept
        WHERE w.execution_id = kept.execution_id AND w.interrupt_id = kept.interrupt_id
            AND w.status = 'pending';
        PERFORM weft_end_groups(ARRAY(
            SELECT DISTINCT w.execution_id FROM unnest(waits) AS w
            WHERE w.part_of IS NOT NULL AND w.execution_id = ANY(held)));
    END IF;
    IF cardinality(children) > 0 THEN
        RETURN QUERY SELECT x.execution_id, NULL::uuid, 'woken', NULL::bigint, now(), x.owner_id
            FROM weft_next_children(ARRAY(
                SELECT DISTINCT c.execution_id FROM unnest(children) AS c), executor) AS x;
    END IF;

    SELECT array_agg(c.execution_id) INTO answered FROM unnest(changes) AS c
    WHERE c.status = 'waiting' AND c.execution_id = ANY(held) AND CASE
        -- Someone who pauses it wants it to stand, whatever has come, until it is resumed.
        WHEN c.waiting_reason = 'paused' THEN EXISTS (
            SELECT 1 FROM workflow_executions AS e WHERE e.id = c.execution_id AND NOT e.paused)
        ELSE EXISTS (
            SELECT 1 FROM execution_approvals AS a
            WHERE a.execution_id = c.execution_id AND a.status = 'decided'
                AND a.consumed_at IS NULL AND a.part_of IS NULL
            UNION ALL
            SELECT 1 FROM execution_waits AS w
            WHERE w.execution_id = c.execution_id AND w.status = 'ended'
                AND w.consumed_at IS NULL AND w.part_of IS NULL)
        END;

    WITH changed AS (
        UPDATE workflow_executions AS e SET
            last_event_seq = e.last_event_seq + u.events,
            last_checkpoint_number = e.last_checkpoint_number + u.checkpoints,
            completed_nodes = e.completed_nodes + u.completed,
            failed_nodes = e.failed_nodes + u.failed,
            retry_count = e.retry_count + u.retried,
            llm_tokens_used = e.llm_tokens_used + u.llm_tokens,
            api_calls_made = e.api_calls_made + u.api_calls,
            cost_usd = e.cost_usd + u.cost_usd::numeric,
            -- Work got done, so earlier deaths of owners were not this execution's fault.
            owner_losses = CASE WHEN u.completed > 0 OR u.execution_id IN (
                SELECT m.execution_id FROM unnest(map_items) AS m) THEN 0 ELSE e.owner_losses END,
            status = COALESCE(u.status, e.status),
            waiting_reason = CASE WHEN u.status IS NULL THEN e.waiting_reason
                ELSE u.waiting_reason END,
            output_data = COALESCE(u.output, e.output_data),
            error_message = CASE WHEN u.status IS NULL THEN e.error_message
                ELSE u.error_message END,
            error_node_id = CASE WHEN u.status IS NULL THEN e.error_node_id
                ELSE u.error_node_id END,
            ending = COALESCE(u.ending, e.ending),
            started_at = COALESCE(e.started_at, now()),
            owner_id = CASE WHEN u.status <> 'running' THEN NULL ELSE e.owner_id END,
            current_node_id = CASE WHEN u.status <> 'running' THEN NULL
                ELSE COALESCE(u.current_node, e.current_node_id) END,
            completed_at = CASE WHEN u.ends THEN now() END,
            -- How long its workflow wants it to be kept, when it says so.
            expires_at = CASE WHEN u.ends THEN now() + (
                SELECT make_interval(
                    secs => 86400 * (s.document #>> '{settings,retention_days}')::float8)
                FROM workflow_specifications AS s
                WHERE s.tenant_id = e.tenant_id AND s.sha256 = e.specification_sha256) END,
            duration_seconds = CASE WHEN u.ends
                THEN extract(epoch FROM now() - COALESCE(e.started_at, e.created_at)) END,
            updated_at = now()
        FROM (
            SELECT c.execution_id, c.checkpoints, c.events, c.completed, c.failed, c.retried,
                c.llm_tokens, c.api_calls, c.cost_usd, c.current_node, c.waiting_reason, c.output,
                c.error_message, c.error_node_id, c.ending,
                CASE WHEN c.execution_id = ANY(answered) THEN NULL ELSE c.status END AS status,
                c.status IN ('completed', 'failed', 'cancelled') AS ends
            FROM unnest(changes) AS c
        ) AS u
        WHERE e.id = u.execution_id AND e.id = ANY(held)
        RETURNING e.id, e.tenant_id, e.last_event_seq - u.events AS event_base,
            e.last_checkpoint_number - u.checkpoints AS checkpoint_base, u.ends,
            u.ends OR u.ending IS NOT NULL AS closes
    )
    SELECT array_agg(c.id), array_agg(c.tenant_id), array_agg(c.event_base),
        array_agg(c.checkpoint_base), array_agg(c.id) FILTER (WHERE c.ends),
        array_agg(c.id) FILTER (WHERE c.closes)
    INTO held, tenants, event_bases, checkpoint_bases, ended, closing FROM changed AS c;

    IF cardinality(checkpoints) > 0 THEN
        INSERT INTO execution_checkpoints (tenant_id, execution_id, checkpoint_number,
            checkpoint_ns, checkpoint_id, parent_checkpoint_id, node_id, state_snapshot, metadata,
            epoch, event_seq)
        SELECT h.tenant, u.execution_id, h.base + u.place, u.checkpoint_ns, u.checkpoint_id,
            u.parent_checkpoint_id, u.node_id, u.snapshot, u.metadata, u.epoch,
            h.event_base + u.events_before
        FROM unnest(checkpoints) AS u
        JOIN unnest(held, tenants, checkpoint_bases, event_bases)
            AS h (id, tenant, base, event_base) ON h.id = u.execution_id
        ON CONFLICT (execution_id, checkpoint_ns, checkpoint_id)
        DO UPDATE SET state_snapshot = excluded.state_snapshot, metadata = excluded.metadata;
    END IF;
    IF cardinality(channel_values) > 0 THEN
        -- A version that is there already is the same value.
        INSERT INTO execution_channel_values
            (tenant_id, execution_id, checkpoint_ns, channel, version, value)
        SELECT h.tenant, u.*
        FROM unnest(channel_values) AS u
        JOIN unnest(held, tenants) AS h (id, tenant) ON h.id = u.execution_id
        ON CONFLICT DO NOTHING;
    END IF;
    IF cardinality(artifacts) > 0 THEN
        -- The same content is the same artifact.
        INSERT INTO execution_artifacts (tenant_id, execution_id, sha256, size_bytes, content)
        SELECT h.tenant, u.execution_id, u.sha256, length(u.content), u.content
        FROM unnest(artifacts) AS u
        JOIN unnest(held, tenants) AS h (id, tenant) ON h.id = u.execution_id
        ON CONFLICT (execution_id, sha256) DO NOTHING;
    END IF;
    IF cardinality(task_writes) > 0 THEN
        INSERT INTO execution_writes (tenant_id, execution_id, checkpoint_ns, checkpoint_id,
            task_id, task_path, position, channel, value)
        SELECT h.tenant, u.*
        FROM unnest(task_writes) AS u
        JOIN unnest(held, tenants) AS h (id, tenant) ON h.id = u.execution_id
        ON CONFLICT (execution_id, checkpoint_ns, checkpoint_id, task_id, position)
        DO UPDATE SET channel = excluded.channel, value = excluded.value;
    END IF;
    IF cardinality(node_logs) > 0 THEN
        -- A later state of the same attempt replaces an earlier one.
        INSERT INTO execution_node_logs AS l (tenant_id, execution_id, node_id, task_id, attempt,
            agent_name, status, input_data, output_data, metadata, started_at, completed_at,
            duration_seconds, error_message, error_trace, llm_tokens_used, api_calls_made, cost_usd)
        SELECT h.tenant, u.execution_id, u.node_id, u.task_id, u.attempt, u.agent_name,
            u.status, u.input, u.output, u.metadata, u.started_at, u.completed_at,
            extract(epoch FROM u.completed_at - u.started_at), u.error_message, u.error_trace,
            u.llm_tokens, u.api_calls, u.cost_usd
        FROM unnest(node_logs) AS u
        JOIN unnest(held, tenants) AS h (id, tenant) ON h.id = u.execution_id
        ON CONFLICT (execution_id, node_id, task_id, attempt) DO UPDATE SET
            status = excluded.status, output_data = excluded.output_data,
            metadata = excluded.metadata,
            input_data = COALESCE(excluded.input_data, l.input_data),
            completed_at = excluded.completed_at,
            duration_seconds = extract(epoch FROM excluded.completed_at - l.started_at),
            error_message = excluded.error_message, error_trace = excluded.error_trace,
            llm_tokens_used = excluded.llm_tokens_used, api_calls_made = excluded.api_calls_made,
            cost_usd = excluded.cost_usd;
    END IF;
    IF cardinality(map_items) > 0 THEN
        -- A result is recorded once; an item that failed may be run again.
        INSERT INTO execution_map_items AS i (tenant_id, execution_id, node_id, task_id, map_index,
            status, attempt, output_data, error_message)
        SELECT h.tenant, u.*
        FROM unnest(map_items) AS u
        JOIN unnest(held, tenants) AS h (id, tenant) ON h.id = u.execution_id
        ON CONFLICT (execution_id, task_id, map_index) DO UPDATE SET
            status = excluded.status, attempt = excluded.attempt,
            output_data = excluded.output_data, error_message = excluded.error_message
        WHERE i.status = 'failed';
    END IF;
    IF cardinality(closing) > 0 THEN
        -- Whatever they still ask is asked no more.
        UPDATE execution_approvals AS a SET status = 'withdrawn'
        WHERE a.execution_id = ANY(closing) AND a.status = 'pending';
        UPDATE execution_waits AS w SET status = 'withdrawn'
        WHERE w.execution_id = ANY(closing) AND w.status = 'pending';
        IF EXISTS (SELECT 1 FROM workflow_executions AS c
                   WHERE c.parent_execution_id = ANY(closing)
                       AND c.status IN ('pending', 'running', 'waiting')) THEN
            PERFORM weft_abandon_children(closing);
        END IF;
    END IF;
    IF cardinality(ended) > 0 AND cardinality(parents) > 0 THEN
        RETURN QUERY SELECT x.execution_id, NULL::uuid, 'woken', NULL::bigint, now(), x.owner_id
            FROM weft_end_children(ended, executor) AS x;
    END IF;
    IF cardinality(ended) > 0 THEN
        PERFORM weft_end_attempts(ended);
        INSERT INTO webhook_deliveries (id, tenant_id, execution_id, url, body)
        SELECT gen_random_uuid(), e.tenant_id, e.id, e.webhook_url, jsonb_build_object(
            'status', e.status, 'output', e.output_data, 'error_message', e.error_message,
            'error_node_id', e.error_node_id, 'completed_at', e.completed_at,
            'duration_seconds', e.duration_seconds, 'cost_usd', e.cost_usd)
        FROM workflow_executions AS e WHERE e.id = ANY(ended) AND e.webhook_url IS NOT NULL
        ON CONFLICT (execution_id, kind) DO NOTHING;
        -- What a failed execution's workflow asks for: to tell a channel, when it has an address,
        -- and to start another workflow. An execution that a failure started starts none.
        INSERT INTO webhook_deliveries (id, tenant_id, execution_id, kind, url, body)
        SELECT gen_random_uuid(), f.tenant_id, f.id, k.kind, k.target, jsonb_build_object(
            'status', f.status, 'workflow_name', w.name, 'error_message', f.error_message,
            'error_node_id', f.error_node_id, 'input', f.input_data,
            'completed_at', f.completed_at, 'duration_seconds', f.duration_seconds)
        FROM workflow_executions AS f
        JOIN workflows AS w ON w.tenant_id = f.tenant_id AND w.id = f.workflow_id
        JOIN workflow_specifications AS s
            ON s.tenant_id = f.tenant_id AND s.sha256 = f.specification_sha256
        CROSS JOIN LATERAL (SELECT s.document #> '{settings,error_handling}' AS asked) AS h
        CROSS JOIN LATERAL (VALUES
            ('notification', CASE WHEN h.asked ->> 'notify_on_failure' = 'true'
                AND h.asked ->> 'notification_channel' ~ '^((slack:)?https?://|mailto:)'
                THEN h.asked ->> 'notification_channel' END),
            ('error_workflow', CASE WHEN f.triggered_by <> 'error'
                AND h.asked ->> 'error_workflow' <> 'wf_' || replace(w.id::text, '-', '')
                THEN h.asked ->> 'error_workflow' END)) AS k (kind, target)
        WHERE f.id = ANY(ended) AND f.status = 'failed' AND k.target IS NOT NULL
        ON CONFLICT (execution_id, kind) DO NOTHING;
    END IF;
    IF cardinality(events) > 0 THEN
        INSERT INTO execution_events
            (tenant_id, execution_id, seq, event_id, event_type, node_id, payload)
        SELECT h.tenant, u.execution_id, h.base + u.place, u.event_id, u.event_type, u.node_id,
            u.payload
        FROM unnest(events) AS u
        JOIN unnest(held, tenants, event_bases) AS h (id, tenant, base) ON h.id = u.execution_id;
    END IF;
    IF flush IS NOT NULL THEN
        UPDATE executors SET last_flush = flush, last_flush_busy = busy WHERE id = executor;
    END IF;

    RETURN QUERY
        SELECT c.execution_id, h.tenant,
            CASE WHEN c.execution_id = ANY(answered) THEN 'answered'
                 WHEN h.id IS NOT NULL THEN 'written'
                 WHEN c.execution_id = ANY(refused) THEN 'refused'
                 WHEN c.execution_id = ANY(busy) THEN 'busy'
                 ELSE 'lost' END,
            h.base, now(), NULL::uuid
        FROM unnest(changes) AS c
        LEFT JOIN unnest(held, tenants, event_bases) AS h (id, tenant, base)
            ON h.id = c.execution_id;
END
$$;

-- Wakes executions whose wait has ended, each for one of the executors, unless they are paused.
CREATE FUNCTION weft_wake(executions uuid[], owners uuid[])
RETURNS TABLE (execution_id uuid, owner_id uuid)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        WITH asleep AS (
            SELECT e.id, row_number() OVER (ORDER BY e.id) AS place FROM (
                SELECT x.id FROM workflow_executions AS x
                WHERE x.id = ANY(executions) AND x.status = 'waiting' AND NOT x.paused
                ORDER BY x.id FOR NO KEY UPDATE
            ) AS e
        )
        UPDATE workflow_executions AS e SET status = 'running', waiting_reason = NULL,
            -- A dedicated one's executor is started for it.
            owner_id = CASE WHEN NOT e.dedicated
                THEN owners[1 + (a.place % cardinality(owners))] END,
            epoch = e.epoch + 1, updated_at = now()
        FROM asleep AS a WHERE e.id = a.id
        RETURNING e.id, e.owner_id;
END
$$;

-- Ends waits whose time has come and wakes their executions; those that somebody else holds just
-- now are left for the next time. Returns who is to go on, and under whom.
CREATE FUNCTION weft_end_due_waits(owners uuid[], most integer)
RETURNS TABLE (execution_id uuid, owner_id uuid)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    due uuid[];
BEGIN
    SELECT array_agg(l.id) INTO due FROM (
        SELECT e.id FROM workflow_executions AS e
        WHERE e.id IN (
            SELECT w.execution_id FROM execution_waits AS w
            WHERE w.status = 'pending' AND w.due_at <= now() ORDER BY w.due_at LIMIT most)
        ORDER BY e.id FOR NO KEY UPDATE SKIP LOCKED
    ) AS l;
    UPDATE execution_waits AS w
    SET status = 'ended', timed_out = w.event IS NOT NULL, ended_at = now()
    WHERE w.execution_id = ANY(due) AND w.status = 'pending' AND w.due_at <= now();
    PERFORM weft_end_groups(due);
    RETURN QUERY SELECT x.execution_id, x.owner_id
        FROM weft_wake(weft_answered(due), owners) AS x;
END
$$;

-- Ends the waits of a tenant for an event, of one execution or of all, and wakes them. A signal to
-- an execution that does not wait for it is kept. Returns what each became: woken or kept.
CREATE FUNCTION weft_signal(
    tenant uuid, wanted uuid, signal_id uuid, name text, said_key text, said jsonb, owners uuid[])
RETURNS TABLE (execution_id uuid, owner_id uuid, kept boolean)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    told uuid[];
BEGIN
    PERFORM set_config('app.current_tenant', tenant::text, true);
    SELECT array_agg(l.id) INTO told FROM (
        SELECT e.id FROM workflow_executions AS e
        WHERE e.tenant_id = tenant AND (e.id = wanted OR (wanted IS NULL AND e.id IN (
            SELECT w.execution_id FROM execution_waits AS w
            WHERE w.tenant_id = tenant AND w.status = 'pending' AND w.event = name
                AND (w.key IS NULL OR w.key = said_key))))
        ORDER BY e.id FOR NO KEY UPDATE
    ) AS l;
    WITH ended AS (
        UPDATE execution_waits AS w
        SET status = 'ended', timed_out = false, payload = said, ended_at = now()
        WHERE w.execution_id = ANY(told) AND w.status = 'pending' AND w.event = name
            AND (w.key IS NULL OR w.key = said_key)
        RETURNING w.execution_id
    )
    SELECT array_agg(DISTINCT x.execution_id) INTO told FROM ended AS x;
    PERFORM weft_end_groups(told);
    IF told IS NULL AND wanted IS NOT NULL THEN
        INSERT INTO execution_signals (id, tenant_id, execution_id, event, key, payload)
        SELECT signal_id, tenant, e.id, name, said_key, said FROM workflow_executions AS e
        WHERE e.id = wanted AND e.status IN ('pending', 'running', 'waiting');
        RETURN QUERY SELECT s.execution_id, NULL::uuid, true FROM execution_signals AS s
            WHERE s.id = signal_id;
        RETURN;
    END IF;
    RETURN QUERY
        SELECT t.id, x.owner_id, false FROM unnest(told) AS t (id)
        LEFT JOIN weft_wake(weft_answered(told), owners) AS x ON x.execution_id = t.id;
END
$$;

CREATE TYPE weft_new_execution AS (
    id uuid,
    organization_id uuid,
    workflow_id uuid,
    specification_sha256 text,
    input jsonb,
    total_nodes integer,
    triggered_by text,
    started_by uuid,
    webhook_url text,
    timeout_seconds double precision,
    idempotency_key text,
    request_sha256 text,
    owner_id uuid,
    origin_execution_id uuid,
    origin_kind text,
    origin_node_id text,
    origin_checkpoint_number integer,
    event_id uuid,
    payload jsonb,
    priority integer,
    dedicated boolean,
    lane uuid,
    workflow_limit integer,
    key_limit integer
);

-- Starts executions of one tenant, each with its lease and its first event. Without an owner it
-- queues, and so does one whose limits are reached; a tenant may have so many in progress at most.
-- `limited` is whether anything bounds one of them, or it needs an executor of its own.
--
-- Returns a row for each start. `created` is false for one whose idempotency key has an execution
-- already: that one's id, owner and request are returned. A start of a workflow that is gone, not
-- active, or has another specification by now returns no row; one that comes from another
-- execution keeps that one's specification.
CREATE FUNCTION weft_start(tenant uuid, starts weft_new_execution[], limited boolean,
                           tenant_most integer)
RETURNS TABLE (place bigint, execution_id uuid, owner_id uuid, request_sha256 text,
               deadline_at timestamptz, created boolean, created_at timestamptz)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
-- The arrays differ in length, the tables grow: one plan by index suits them all.
SET plan_cache_mode = force_generic_plan
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
            origin_execution_id, origin_kind, origin_node_id, origin_checkpoint_number)
        SELECT u.id, tenant, u.organization_id, u.workflow_id, u.specification_sha256,
            CASE WHEN r.owner_id IS NULL THEN 'pending' ELSE 'running' END, u.input,
            u.total_nodes, u.triggered_by, u.started_by, u.webhook_url,
            now() + make_interval(secs => u.timeout_seconds), u.idempotency_key,
            u.request_sha256, r.owner_id, 1,
            -- Not now(): that was before who went before it had ended.
            CASE WHEN r.owner_id IS NOT NULL THEN clock_timestamp() END,
            1, u.priority, u.dedicated, u.lane, u.workflow_limit, u.key_limit,
            u.origin_execution_id, u.origin_kind, u.origin_node_id, u.origin_checkpoint_number
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

CREATE TYPE weft_map_count AS (
    node_id text,
    ended integer,
    failed integer
);

CREATE TYPE weft_child_state AS (
    id uuid,
    workflow_id uuid,
    workflow_name text,
    parent_node_id text,
    parent_map_index integer,
    status text
);

-- An execution as people look at it: its row, the last attempt at each node and compensation, its
-- questions, how far its maps are, and the first hundred executions that it started; no row when
-- the tenant has no such execution.
CREATE FUNCTION weft_read_execution(tenant uuid, wanted uuid)
RETURNS TABLE (execution workflow_executions, workflow_name text, document jsonb,
               attempts execution_node_logs[], approvals execution_approvals[],
               maps weft_map_count[], children weft_child_state[])
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('app.current_tenant', tenant::text, true);
    RETURN QUERY
        SELECT e, w.name::text, s.document,
            (SELECT array_agg(l ORDER BY l.started_at) FROM (
                SELECT DISTINCT ON (n.node_id, n.task_id = 'epilogue:compensate') n.*
                FROM execution_node_logs AS n
                WHERE n.execution_id = wanted
                ORDER BY n.node_id, n.task_id = 'epilogue:compensate', n.started_at DESC,
                    n.attempt DESC
            ) AS n JOIN execution_node_logs AS l USING (execution_id, node_id, task_id, attempt)),
            (SELECT array_agg(a ORDER BY a.requested_at, a.id) FROM execution_approvals AS a
             WHERE a.execution_id = wanted),
            (SELECT array_agg(ROW(m.node_id, m.ended, m.failed)::weft_map_count) FROM (
                SELECT i.node_id, count(*)::integer AS ended,
                    (count(*) FILTER (WHERE i.status = 'failed'))::integer AS failed
                FROM execution_map_items AS i
                -- A loop visits a map again: its last visit counts.
                WHERE i.execution_id = wanted AND i.task_id IN (
                    SELECT DISTINCT ON (n.node_id) n.task_id FROM execution_node_logs AS n
                    WHERE n.execution_id = wanted AND n.task_id NOT LIKE 'epilogue:%'
                    ORDER BY n.node_id, n.started_at DESC)
                GROUP BY i.node_id
            ) AS m),
            (SELECT array_agg(ROW(c.id, c.workflow_id, c.name, c.parent_node_id,
                c.parent_map_index, c.status)::weft_child_state ORDER BY c.id) FROM (
                SELECT x.id, x.workflow_id, n.name, x.parent_node_id, x.parent_map_index, x.status
                FROM workflow_executions AS x
                JOIN workflows AS n ON n.tenant_id = x.tenant_id AND n.id = x.workflow_id
                WHERE x.parent_execution_id = wanted ORDER BY x.id LIMIT 100
            ) AS c)
        FROM workflow_executions AS e
        JOIN workflows AS w ON w.tenant_id = e.tenant_id AND w.id = e.workflow_id
        JOIN workflow_specifications AS s
            ON s.tenant_id = e.tenant_id AND s.sha256 = e.specification_sha256
        WHERE e.id = wanted;
END
$$;

-- A workflow as a start needs it, with how long its last executions took on average.
CREATE FUNCTION weft_read_startable(tenant uuid, wanted uuid)
RETURNS TABLE (name text, status text, specification_sha256 text, specification jsonb,
               mean_seconds double precision)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('app.current_tenant', tenant::text, true);
    RETURN QUERY
        SELECT w.name::text, w.status::text, w.specification_sha256, w.specification, (
            SELECT avg(last.duration_seconds) FROM (
                SELECT e.duration_seconds FROM workflow_executions AS e
                WHERE e.tenant_id = w.tenant_id AND e.workflow_id = w.id
                    AND e.status = 'completed'
                ORDER BY e.id DESC LIMIT 20) AS last)
        FROM workflows AS w WHERE w.id = wanted AND w.deleted_at IS NULL;
END
$$;

REVOKE ALL ON FUNCTION weft_write(uuid, uuid, boolean, weft_change[], weft_checkpoint[],
    weft_channel_value[], weft_task_write[], weft_node_log[], weft_map_item[], weft_approval[],
    weft_wait[], weft_consumed[], weft_child[], weft_event[], weft_artifact[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_write(uuid, uuid, boolean, weft_change[], weft_checkpoint[],
    weft_channel_value[], weft_task_write[], weft_node_log[], weft_map_item[], weft_approval[],
    weft_wait[], weft_consumed[], weft_child[], weft_event[], weft_artifact[])
    TO weft_api, weft_engine;
REVOKE ALL ON FUNCTION weft_end_attempts(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_end_attempts(uuid[]) TO weft_api, weft_engine;
REVOKE ALL ON FUNCTION weft_start(uuid, weft_new_execution[], boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_start(uuid, weft_new_execution[], boolean, integer)
    TO weft_api, weft_engine;
REVOKE ALL ON FUNCTION weft_read_execution(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_read_execution(uuid, uuid) TO weft_api, weft_engine;
REVOKE ALL ON FUNCTION weft_read_startable(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_read_startable(uuid, uuid) TO weft_api;
REVOKE ALL ON FUNCTION weft_wake(uuid[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_wake(uuid[], uuid[]) TO weft_api, weft_engine;
REVOKE ALL ON FUNCTION weft_end_due_waits(uuid[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_end_due_waits(uuid[], integer) TO weft_engine;
REVOKE ALL ON FUNCTION weft_signal(uuid, uuid, uuid, text, text, jsonb, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_signal(uuid, uuid, uuid, text, text, jsonb, uuid[]) TO weft_api;
