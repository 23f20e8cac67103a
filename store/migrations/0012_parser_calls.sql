-- What language models were asked to read texts with, and what it cost; nothing of the texts.
CREATE TABLE parser_calls (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL CHECK (kind IN ('create', 'edit')),
    -- The provider's own name of it.
    model text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN
        ('answered', 'invalid', 'refused', 'limited', 'failed', 'late', 'costly', 'denied')),
    -- How many answers the model gave; more than one: it had to mend its first.
    rounds integer NOT NULL,
    input_tokens integer NOT NULL,
    output_tokens integer NOT NULL,
    cost_usd numeric(12, 6) NOT NULL,
    duration_ms double precision NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX parser_calls_of_a_tenant ON parser_calls (tenant_id, at);
CREATE INDEX parser_calls_by_age ON parser_calls (at);

ALTER TABLE parser_calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE parser_calls FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON parser_calls TO weft_api
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY platform ON parser_calls TO weft_owner, weft_engine
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON parser_calls TO weft_api;
GRANT SELECT, DELETE ON parser_calls TO weft_engine;
