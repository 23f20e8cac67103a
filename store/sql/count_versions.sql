-- How many versions a workflow has. $1 workflow, uuid.
SELECT count(*)::integer FROM workflow_versions WHERE workflow_id = $1
