-- How a secret is sealed: 1 binds it to its tenant, name and version; 2 to its hosts as well, so that
-- whoever may write this table cannot widen them. Rows of form 1 are sealed anew when they are set,
-- and when master keys are rotated.
ALTER TABLE secrets ADD COLUMN form smallint NOT NULL DEFAULT 1 CHECK (form IN (1, 2));
