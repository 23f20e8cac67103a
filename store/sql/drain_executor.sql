-- From now on nobody gives this executor anything. $1 executor, uuid.
UPDATE executors SET draining = true WHERE id = $1
