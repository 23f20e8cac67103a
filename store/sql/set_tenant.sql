-- Makes the transaction see one tenant. $1 tenant, text uuid.
SELECT set_config('app.current_tenant', $1, true)
