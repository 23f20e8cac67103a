-- Agents that organizations register. Each version stays as it was registered: a node may name one.
-- The table of the first migration held one version only, and nothing has ever written to it.
DROP TABLE custom_agents;
CREATE TABLE custom_agents (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    agent_name text NOT NULL CHECK (agent_name ~ '^[a-z][a-z0-9_]{0,99}$'),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'deprecated')),
    -- What a node gets that names no version.
    current_version integer NOT NULL CHECK (current_version >= 1),
    -- Attempts that used it, with a delay of seconds; those of a killed process are not counted.
    usage_count bigint NOT NULL DEFAULT 0,
    last_used_at timestamptz,
    -- Who may register versions and change the status, beside admins.
    owner_id uuid NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, agent_name),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id)
);

CREATE TABLE custom_agent_versions (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    description text NOT NULL,
    tool_specification jsonb NOT NULL,
    implementation_type text NOT NULL CHECK (
        implementation_type IN ('python_function', 'api_endpoint', 'docker_container', 'chain')
    ),
    implementation jsonb NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, agent_id, version),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES custom_agents (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id)
);

ALTER TABLE custom_agents ENABLE ROW LEVEL SECURITY;
ALTER TABLE custom_agents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON custom_agents TO weft_api
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY platform ON custom_agents TO weft_owner, weft_engine
    USING (true) WITH CHECK (true);

ALTER TABLE custom_agent_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE custom_agent_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON custom_agent_versions TO weft_api
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY platform ON custom_agent_versions TO weft_owner, weft_engine
    USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE ON custom_agents TO weft_api;
GRANT SELECT, INSERT ON custom_agent_versions TO weft_api;
GRANT SELECT, UPDATE (usage_count, last_used_at) ON custom_agents TO weft_engine;
GRANT SELECT ON custom_agent_versions TO weft_engine;
