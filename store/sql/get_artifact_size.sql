-- How many bytes an artifact has. $1 tenant, $2 execution, uuid; $3 SHA-256, hex text.
SELECT size_bytes FROM execution_artifacts
WHERE tenant_id = $1 AND execution_id = $2 AND sha256 = $3
