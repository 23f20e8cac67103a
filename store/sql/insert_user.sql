-- A new user. $1 tenant, $2 id, uuid; $3 e-mail, $4 name, text.
INSERT INTO users (tenant_id, id, email, name) VALUES ($1, $2, $3, $4)
