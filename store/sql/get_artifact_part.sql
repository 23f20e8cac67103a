-- A part of an artifact's content, read without the rest. $1 tenant, $2 execution, uuid;
-- $3 SHA-256, hex text; $4 from which byte, from 1, $5 how many bytes, integer.
SELECT substring(content FROM $4 FOR $5) FROM execution_artifacts
WHERE tenant_id = $1 AND execution_id = $2 AND sha256 = $3
