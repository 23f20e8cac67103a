-- The first schema. Runs as weft_owner; weft_api and weft_engine exist (see store/migrate.py).
--
-- Every table with a tenant_id has row-level security forced: weft_api sees the tenant of
-- app.current_tenant, weft_owner and weft_engine see all rows through policies of their own.
-- Foreign keys between tenant tables carry the tenant_id, since foreign keys pass by policies.

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id)
);

CREATE TABLE users (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, email)
);

CREATE TABLE organization_members (
    tenant_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'editor', 'viewer')),
    PRIMARY KEY (organization_id, user_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    token_sha256 bytea NOT NULL UNIQUE CHECK (length(token_sha256) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

CREATE TABLE workflows (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    name varchar(255) NOT NULL,
    description text NOT NULL DEFAULT '',
    version varchar(20) NOT NULL DEFAULT '1.0.0',
    status varchar(20) NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'archived', 'deprecated')),
    pattern varchar(50) NOT NULL
        CHECK (pattern IN ('sequential', 'conditional', 'map_reduce', 'orchestrator_worker')),
    specification jsonb NOT NULL,
    specification_sha256 text NOT NULL,
    yaml_text text NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id)
);
CREATE INDEX workflows_by_tenant ON workflows (tenant_id, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX workflows_by_tag ON workflows USING gin (tags);

-- What executions ran: one row per content, shared by all executions of that content.
CREATE TABLE workflow_specifications (
    tenant_id uuid NOT NULL,
    sha256 text NOT NULL,
    document jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, sha256)
);

-- One row per process that may own executions; heartbeat_at is its lease, in database time.
CREATE TABLE executors (
    id uuid PRIMARY KEY,
    slot text NOT NULL,
    address text NOT NULL,
    pid integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    stopped_at timestamptz,
    last_flush uuid
);
CREATE INDEX executors_alive ON executors (slot) WHERE stopped_at IS NULL;

CREATE TABLE workflow_executions (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    specification_sha256 text NOT NULL,
    status varchar(20) NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'running', 'waiting', 'completed', 'failed', 'cancelled')),
    waiting_reason text,
    input_data jsonb NOT NULL DEFAULT '{}',
    output_data jsonb,
    total_nodes integer NOT NULL,
    completed_nodes integer NOT NULL DEFAULT 0,
    failed_nodes integer NOT NULL DEFAULT 0,
    current_node_id varchar(100),
    started_at timestamptz,
    completed_at timestamptz,
    duration_seconds double precision,
    deadline_at timestamptz,
    error_message text,
    error_node_id varchar(100),
    retry_count integer NOT NULL DEFAULT 0,
    llm_tokens_used bigint NOT NULL DEFAULT 0,
    api_calls_made bigint NOT NULL DEFAULT 0,
    cost_usd numeric(14, 6) NOT NULL DEFAULT 0,
    triggered_by varchar(50) NOT NULL DEFAULT 'api',
    started_by uuid,
    webhook_url text,
    idempotency_key text,
    request_sha256 text,
    owner_id uuid REFERENCES executors (id),
    epoch integer NOT NULL DEFAULT 0,
    owner_losses integer NOT NULL DEFAULT 0,
    last_event_seq bigint NOT NULL DEFAULT 0,
    last_checkpoint_number integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, idempotency_key),
    FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
    FOREIGN KEY (tenant_id, specification_sha256)
        REFERENCES workflow_specifications (tenant_id, sha256)
);
CREATE INDEX executions_by_tenant ON workflow_executions (tenant_id, id DESC);
CREATE INDEX executions_by_workflow ON workflow_executions (tenant_id, workflow_id, id DESC);
CREATE INDEX executions_by_status ON workflow_executions (tenant_id, status, id DESC);
CREATE INDEX executions_by_owner ON workflow_executions (owner_id)
    WHERE status IN ('pending', 'running');
CREATE INDEX executions_unowned ON workflow_executions (id)
    WHERE owner_id IS NULL AND status IN ('pending', 'running');
CREATE INDEX executions_by_deadline ON workflow_executions (deadline_at) WHERE status = 'waiting';

-- One row per attempt at a node; task_id is the graph's own name for one visit of the node.
CREATE TABLE execution_node_logs (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    node_id varchar(100) NOT NULL,
    task_id text NOT NULL,
    attempt integer NOT NULL,
    agent_name varchar(100) NOT NULL,
    status varchar(20) NOT NULL
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'skipped')),
    input_data jsonb,
    output_data jsonb,
    metadata jsonb,
    started_at timestamptz NOT NULL,
    completed_at timestamptz,
    duration_seconds double precision,
    error_message text,
    error_trace text,
    llm_tokens_used bigint NOT NULL DEFAULT 0,
    api_calls_made bigint NOT NULL DEFAULT 0,
    cost_usd numeric(14, 6) NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (execution_id, node_id, task_id, attempt),
    FOREIGN KEY (tenant_id, execution_id)
        REFERENCES workflow_executions (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE execution_checkpoints (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    checkpoint_number integer NOT NULL,
    checkpoint_ns text NOT NULL,
    checkpoint_id text NOT NULL,
    parent_checkpoint_id text,
    node_id varchar(100) NOT NULL,
    state_snapshot jsonb NOT NULL,
    metadata jsonb NOT NULL,
    epoch integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (execution_id, checkpoint_ns, checkpoint_id),
    UNIQUE (execution_id, checkpoint_number),
    FOREIGN KEY (tenant_id, execution_id)
        REFERENCES workflow_executions (tenant_id, id) ON DELETE CASCADE
);

-- A channel's value at one version: written once, however many checkpoints point at it.
CREATE TABLE execution_channel_values (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    checkpoint_ns text NOT NULL,
    channel text NOT NULL,
    version text NOT NULL,
    value jsonb NOT NULL,
    PRIMARY KEY (execution_id, checkpoint_ns, channel, version),
    FOREIGN KEY (tenant_id, execution_id)
        REFERENCES workflow_executions (tenant_id, id) ON DELETE CASCADE
);

-- Writes of tasks whose superstep has not ended.
CREATE TABLE execution_writes (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    checkpoint_ns text NOT NULL,
    checkpoint_id text NOT NULL,
    task_id text NOT NULL,
    task_path text NOT NULL,
    position integer NOT NULL,
    channel text NOT NULL,
    value jsonb NOT NULL,
    PRIMARY KEY (execution_id, checkpoint_ns, checkpoint_id, task_id, position),
    FOREIGN KEY (tenant_id, execution_id)
        REFERENCES workflow_executions (tenant_id, id) ON DELETE CASCADE
);

-- One row per item of a map; written when its chunk ends.
CREATE TABLE execution_map_items (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    node_id varchar(100) NOT NULL,
    task_id text NOT NULL,
    map_index integer NOT NULL,
    status varchar(20) NOT NULL CHECK (status IN ('completed', 'failed')),
    attempt integer NOT NULL,
    output_data jsonb,
    error_message text,
    PRIMARY KEY (execution_id, task_id, map_index),
    FOREIGN KEY (tenant_id, execution_id)
        REFERENCES workflow_executions (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE execution_approvals (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    interrupt_id text NOT NULL,
    node_id varchar(100) NOT NULL,
    message text NOT NULL,
    approval_type text NOT NULL
        CHECK (approval_type IN ('approve_reject', 'text_input', 'multiple_choice')),
    options jsonb NOT NULL DEFAULT '[]',
    requested_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    on_timeout text NOT NULL CHECK (on_timeout IN ('reject', 'approve', 'cancel')),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'decided', 'withdrawn')),
    decision text,
    value jsonb,
    comment text,
    decided_by text,
    decided_at timestamptz,
    consumed_at timestamptz,
    UNIQUE (execution_id, interrupt_id),
    FOREIGN KEY (tenant_id, execution_id)
        REFERENCES workflow_executions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX approvals_due ON execution_approvals (expires_at) WHERE status = 'pending';

-- What happened, in order per execution: the outbox that every outside view is made from.
CREATE TABLE execution_events (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    node_id varchar(100),
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (execution_id, seq),
    FOREIGN KEY (tenant_id, execution_id)
        REFERENCES workflow_executions (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    url text NOT NULL,
    body jsonb NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    abandoned_at timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (execution_id),
    FOREIGN KEY (tenant_id, execution_id)
        REFERENCES workflow_executions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at)
    WHERE delivered_at IS NULL AND abandoned_at IS NULL;

CREATE TABLE custom_agents (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    agent_name varchar(100) NOT NULL,
    description text,
    tool_specification jsonb NOT NULL,
    implementation_type varchar(50) NOT NULL
        CHECK (implementation_type IN ('python_function', 'api_endpoint', 'docker_container')),
    implementation_code text,
    implementation_url text,
    status varchar(20) NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'inactive', 'deprecated')),
    usage_count integer NOT NULL DEFAULT 0,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, agent_name),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id)
);

-- Who a token belongs to: the one question asked before a tenant is known.
CREATE FUNCTION weft_authenticate(token_sha256 bytea)
RETURNS TABLE (tenant_id uuid, organization_id uuid, organization_name text, user_id uuid,
               email text, user_name text, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT k.tenant_id, k.organization_id, o.name, k.user_id, u.email, u.name, m.role
    FROM api_keys AS k
    JOIN organizations AS o ON o.id = k.organization_id
    JOIN users AS u ON u.id = k.user_id
    JOIN organization_members AS m
        ON m.organization_id = k.organization_id AND m.user_id = k.user_id
    WHERE k.token_sha256 = weft_authenticate.token_sha256 AND k.revoked_at IS NULL
$$;
REVOKE ALL ON FUNCTION weft_authenticate(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weft_authenticate(bytea) TO weft_api;

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE n.nspname = current_schema() AND c.relkind = 'r' AND a.attname = 'tenant_id'
    LOOP
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

GRANT SELECT, INSERT, UPDATE ON workflows, workflow_executions, execution_approvals TO weft_api;
GRANT SELECT, INSERT ON workflow_specifications, execution_events, webhook_deliveries TO weft_api;
GRANT SELECT ON organizations, users, organization_members, execution_node_logs,
    execution_map_items, execution_checkpoints, executors, custom_agents TO weft_api;

GRANT SELECT ON organizations, workflows TO weft_engine;
-- {user.email} and {user.name} in a specification; never keys.
GRANT SELECT (id, tenant_id, email, name) ON users TO weft_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON workflow_executions, execution_node_logs,
    execution_checkpoints, execution_channel_values, execution_writes, execution_map_items,
    execution_approvals, execution_events, webhook_deliveries, executors TO weft_engine;
GRANT SELECT ON workflow_specifications TO weft_engine;
