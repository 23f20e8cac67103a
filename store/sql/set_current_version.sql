-- Makes a version the one that a workflow's starts use. Tags that the former version named go,
-- those that were given to the workflow itself stay. $1 workflow, uuid; $2 version, text.
UPDATE workflows AS w SET version = v.version, specification = v.specification,
    specification_sha256 = v.specification_sha256, yaml_text = v.yaml_text,
    name = v.specification #>> '{metadata,name}', pattern = v.specification ->> 'pattern',
    description = coalesce(nullif(v.specification #>> '{metadata,description}', ''),
        w.description),
    tags = ARRAY(
        SELECT t.tag FROM unnest(w.tags) WITH ORDINALITY AS t (tag, place)
        WHERE NOT coalesce(w.specification #> '{metadata,tags}', '[]') ? t.tag
        ORDER BY t.place
    ) || ARRAY(
        SELECT jsonb_array_elements_text(coalesce(v.specification #> '{metadata,tags}', '[]'))),
    updated_at = now()
FROM workflow_versions AS v
WHERE w.id = $1 AND v.tenant_id = w.tenant_id AND v.workflow_id = w.id AND v.version = $2
