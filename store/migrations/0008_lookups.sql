-- What an execution started is read in one tenant's name, so the tenant is in the index: otherwise
-- that of the tenant's executions fits as well, and a look at one goes through all of them.
CREATE INDEX children_of_tenant ON workflow_executions (tenant_id, parent_execution_id, id)
    WHERE parent_execution_id IS NOT NULL;

-- A plan that is kept was made when the tables were small, and stays until they are analysed: then
-- all ways to a row looked alike. These functions look rows up by key, at any size.
ALTER FUNCTION weft_write(uuid, uuid, boolean, weft_change[], weft_checkpoint[],
    weft_channel_value[], weft_task_write[], weft_node_log[], weft_map_item[], weft_approval[],
    weft_wait[], weft_consumed[], weft_child[], weft_event[], weft_artifact[])
    SET enable_seqscan = off;
ALTER FUNCTION weft_end_attempts(uuid[]) SET enable_seqscan = off;
ALTER FUNCTION weft_start(uuid, weft_new_execution[], boolean, integer) SET enable_seqscan = off;
ALTER FUNCTION weft_read_execution(uuid, uuid) SET enable_seqscan = off;
-- The same columns in an order in which nothing else can be looked up by it.
ALTER TABLE workflow_executions DROP CONSTRAINT workflow_executions_tenant_id_idempotency_key_key;
CREATE UNIQUE INDEX executions_by_idempotency_key
    ON workflow_executions (idempotency_key, tenant_id);
DROP INDEX executions_by_specification;
CREATE INDEX executions_by_specification
    ON workflow_executions (specification_sha256, tenant_id);
ALTER FUNCTION weft_read_startable(uuid, uuid) SET enable_seqscan = off;
