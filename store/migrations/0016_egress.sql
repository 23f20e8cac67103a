-- Which hosts a tenant's workflows may reach. Without a row it is every public host.
CREATE TABLE egress_lists (
    tenant_id uuid PRIMARY KEY,
    -- Names, addresses, or `*.example.com`; none: no host at all.
    hosts text[] NOT NULL CHECK (cardinality(hosts) <= 1000),
    updated_by uuid NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, updated_by) REFERENCES users (tenant_id, id)
);

ALTER TABLE egress_lists ENABLE ROW LEVEL SECURITY;
ALTER TABLE egress_lists FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON egress_lists TO weft_api
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY platform ON egress_lists TO weft_owner, weft_engine
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON egress_lists TO weft_api;
GRANT SELECT ON egress_lists TO weft_engine;
