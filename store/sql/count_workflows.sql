-- How many workflows there are. $1 status, text, null: any; $2 tags, text[], null: any.
SELECT count(*)::integer FROM workflows
WHERE deleted_at IS NULL AND ($1::text IS NULL OR status = $1)
    AND ($2::text[] IS NULL OR tags @> $2)
