-- A workflow as a start needs it. $1 tenant, $2 workflow, uuid.
SELECT name, status, specification_sha256, specification, mean_seconds
FROM weft_read_startable($1, $2)
