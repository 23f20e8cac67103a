-- Makes a draft a version that can be started. $1 workflow, uuid; $2 version, text.
UPDATE workflow_versions SET state = 'published' WHERE workflow_id = $1 AND version = $2
