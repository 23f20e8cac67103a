-- Models that were asked to read one text. $1 tenant, $2 user, uuid; $3 `create` or `edit`, text;
-- of each call: $4 model, $5 outcome, text[]; $6 answers, $7 tokens in, $8 tokens out, integer[];
-- $9 cost in USD, $10 duration in ms, float8[].
INSERT INTO parser_calls (tenant_id, user_id, kind, model, outcome, rounds, input_tokens,
    output_tokens, cost_usd, duration_ms)
SELECT $1, $2, $3, c.* FROM unnest($4::text[], $5::text[], $6::integer[], $7::integer[],
    $8::integer[], $9::float8[], $10::float8[]) AS c
