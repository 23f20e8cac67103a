-- Records what has gathered of many executions. $1 executor, $2 flush, uuid, null: no journal;
-- $3 whether the flush was tried before, boolean; $4 changes, weft_change[]; $5 checkpoints,
-- $6 channel values, $7 writes of tasks, $8 node logs, $9 map items, $10 approvals, $11 waits,
-- $12 consumed answers, $13 executions to start for nodes, $14 events, $15 artifacts, each an array
-- of its type (see the migrations).
SELECT execution_id, tenant_id, outcome, event_base, written_at, owner_id
FROM weft_write($1, $2, $3, $4::weft_change[], $5::weft_checkpoint[], $6::weft_channel_value[],
    $7::weft_task_write[], $8::weft_node_log[], $9::weft_map_item[], $10::weft_approval[],
    $11::weft_wait[], $12::weft_consumed[], $13::weft_child[], $14::weft_event[],
    $15::weft_artifact[])
