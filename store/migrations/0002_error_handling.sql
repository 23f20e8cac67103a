-- How an execution will end while what runs at its end still runs: {"status", "error_message",
-- "error_node_id", "output"}. Whoever takes the execution over goes on from there.
ALTER TABLE workflow_executions ADD COLUMN ending jsonb;

-- Beside the starter's webhook a failed execution may tell a channel and start a workflow. `url`
-- says where to, in the form of its kind: https://…, mailto:…, wf_….
ALTER TABLE webhook_deliveries ADD COLUMN kind text NOT NULL DEFAULT 'webhook'
    CHECK (kind IN ('webhook', 'notification', 'error_workflow'));
ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_execution_id_key;
ALTER TABLE webhook_deliveries ADD UNIQUE (execution_id, kind);
