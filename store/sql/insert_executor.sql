-- A new owner of executions; safe to repeat. $1 id, uuid; $2 slot, text; $3 actor's name, text;
-- $4 pid, integer; $5 whether it is for one execution only, boolean.
INSERT INTO executors (id, slot, address, pid, dedicated) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO NOTHING
