-- A specification's content. $1 tenant, uuid; $2 SHA-256, text.
SELECT document FROM workflow_specifications WHERE tenant_id = $1 AND sha256 = $2
