-- Secrets of tenants. The value is encrypted with a data key of its own, which is wrapped by a
-- master key that is not in this database; both are bound to the tenant, the name and the version.
CREATE TABLE secrets (
    tenant_id uuid NOT NULL,
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,99}$'),
    -- Rises with each value, which is bound to it: an earlier one cannot be put back in its place.
    version integer NOT NULL CHECK (version >= 1),
    -- The only hosts that it is sent to: names, addresses, or `*.example.com`.
    hosts text[] NOT NULL CHECK (cardinality(hosts) >= 1),
    ciphertext bytea NOT NULL,
    wrapped_key bytea NOT NULL,
    -- Which master key wraps the data key.
    key_id text NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- To the minute.
    last_used_at timestamptz,
    PRIMARY KEY (tenant_id, name),
    FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, updated_by) REFERENCES users (tenant_id, id)
);

ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON secrets TO weft_api
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY platform ON secrets TO weft_owner, weft_engine
    USING (true) WITH CHECK (true);
-- The API writes what it seals and cannot read it again.
GRANT SELECT (tenant_id, name, version, hosts, created_by, created_at, updated_by, updated_at,
    last_used_at), INSERT, UPDATE, DELETE ON secrets TO weft_api;
GRANT SELECT, UPDATE (last_used_at) ON secrets TO weft_engine;
