-- A user's role in an organization. $1 tenant, $2 organization, $3 user, uuid; $4 role, text.
INSERT INTO organization_members (tenant_id, organization_id, user_id, role)
VALUES ($1, $2, $3, $4)
