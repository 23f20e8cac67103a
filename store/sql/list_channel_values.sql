-- Values of channels at their versions. $1 execution, uuid; $2 namespace, text; $3 channels,
-- $4 versions, text[].
SELECT v.channel, v.value
FROM unnest($3::text[], $4::text[]) AS u (channel, version)
JOIN execution_channel_values AS v ON v.execution_id = $1 AND v.checkpoint_ns = $2
    AND v.channel = u.channel AND v.version = u.version
