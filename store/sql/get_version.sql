-- One version of a workflow. $1 workflow, uuid; $2 version, text.
SELECT v.workflow_id, v.version, v.state, v.base_version, v.specification,
    v.specification_sha256, v.yaml_text, v.summary, v.created_by, v.created_at,
    w.version = v.version AS current
FROM workflow_versions AS v JOIN workflows AS w ON w.id = v.workflow_id
WHERE v.workflow_id = $1 AND v.version = $2 AND w.deleted_at IS NULL
