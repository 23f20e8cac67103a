-- A page of a workflow's versions, the highest first. $1 workflow, uuid; $2 how many, $3 after how
-- many, integer.
SELECT v.workflow_id, v.version, v.state, v.base_version, v.specification,
    v.specification_sha256, v.yaml_text, v.summary, v.created_by, v.created_at,
    w.version = v.version AS current
FROM workflow_versions AS v JOIN workflows AS w ON w.id = v.workflow_id
WHERE v.workflow_id = $1 AND w.deleted_at IS NULL
ORDER BY string_to_array(v.version, '.')::numeric[] DESC LIMIT $2 OFFSET $3
