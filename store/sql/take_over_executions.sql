-- Gives running executions without a living owner to executors in turn; the epoch moves, so that
-- the old owner can write nothing more. What is queued is no orphan, and a dedicated one's executor
-- is started for it. $1 executors, uuid[]: one that has been stopped meanwhile or drains is passed
-- over; $2 how many at most, integer; $3 after how many losses of its owner an execution is to be
-- ended and gets no other, integer; $4 how many run at once, integer, of those that are two losses
-- from it. One that is one loss from it runs alone among its like, so that nobody is ended for what
-- a neighbour does.
WITH heirs AS (
    SELECT array_agg(h.id ORDER BY h.id) AS ids FROM executors AS h
    WHERE h.id = ANY($1::uuid[]) AND h.stopped_at IS NULL AND NOT h.draining
), suspects AS (
    SELECT count(*) FILTER (WHERE e.owner_losses = $3 - 2) AS some,
        count(*) FILTER (WHERE e.owner_losses = $3 - 1) AS one
    FROM executors AS o JOIN workflow_executions AS e ON e.owner_id = o.id
    WHERE o.stopped_at IS NULL AND e.status = 'running' AND NOT e.dedicated
        AND e.owner_losses BETWEEN $3 - 2 AND $3 - 1
), candidates AS (
    SELECT c.id, c.losses,
        row_number() OVER (PARTITION BY GREATEST(c.losses, $3 - 3) ORDER BY c.id) AS turn
    FROM (
        SELECT x.id, x.owner_losses + CASE WHEN x.owner_id IS NULL THEN 0 ELSE 1 END AS losses
        FROM workflow_executions AS x LEFT JOIN executors AS o ON o.id = x.owner_id
        WHERE x.status = 'running' AND NOT x.dedicated
            AND (x.owner_id IS NULL OR o.stopped_at IS NOT NULL)
    ) AS c
), orphans AS (
    SELECT e.id, e.losses, row_number() OVER (ORDER BY e.id) AS place
    FROM (
        SELECT x.id, c.losses FROM workflow_executions AS x
        JOIN candidates AS c ON c.id = x.id
        CROSS JOIN suspects AS s
        LEFT JOIN executors AS o ON o.id = x.owner_id
        WHERE x.status = 'running' AND NOT x.dedicated
            AND (x.owner_id IS NULL OR o.stopped_at IS NOT NULL)
            AND CASE c.losses WHEN $3 - 2 THEN c.turn <= $4 - s.some
                WHEN $3 - 1 THEN c.turn <= 1 - s.one ELSE true END
        ORDER BY x.id LIMIT $2 FOR NO KEY UPDATE OF x SKIP LOCKED
    ) AS e
)
UPDATE workflow_executions AS e SET
    owner_losses = orphans.losses,
    owner_id = CASE WHEN orphans.losses < $3
        THEN heirs.ids[1 + (orphans.place % cardinality(heirs.ids))] END,
    epoch = e.epoch + 1, updated_at = now()
FROM orphans, heirs WHERE e.id = orphans.id AND heirs.ids IS NOT NULL
RETURNING e.id, e.owner_id, e.tenant_id, e.epoch, e.owner_losses
