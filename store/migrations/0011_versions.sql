-- Versions of workflows. A workflow's own row holds the one that starts use; executions keep the
-- specification that they were started with.
CREATE TABLE workflow_versions (
    tenant_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    version varchar(20) NOT NULL CHECK (version ~ '^\d+\.\d+\.\d+$'),
    -- `draft`: nothing starts it before it is published.
    state text NOT NULL CHECK (state IN ('draft', 'published')),
    -- The published version that it was made of; null: it is the first.
    base_version varchar(20),
    specification jsonb NOT NULL,
    specification_sha256 text NOT NULL,
    yaml_text text NOT NULL,
    -- What was asked for, or what differs, for people who look for a version.
    summary text NOT NULL DEFAULT '',
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, workflow_id, version),
    FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id)
);

ALTER TABLE workflow_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE workflow_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON workflow_versions TO weft_api
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY platform ON workflow_versions TO weft_owner, weft_engine
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON workflow_versions TO weft_api;

-- What is there already is the first version of each workflow.
INSERT INTO workflow_versions (tenant_id, workflow_id, version, state, specification,
    specification_sha256, yaml_text, created_by, created_at)
SELECT tenant_id, id, version, 'published', specification, specification_sha256, yaml_text,
    created_by, created_at
FROM workflows;
