-- Creates the three roles where they are missing and lets this login take them.
DO $$
DECLARE
    role_name text;
    allowed boolean;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['weft_owner', 'weft_api', 'weft_engine'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database of this server creates it at this moment
            END;
        END IF;
        -- Before version 16 membership alone allowed SET ROLE and the privilege had no name.
        IF current_setting('server_version_num')::integer < 160000 THEN
            allowed := pg_has_role(current_user, role_name, 'MEMBER');
        ELSE
            allowed := pg_has_role(current_user, role_name, 'SET');
        END IF;
        IF NOT allowed THEN
            EXECUTE format('GRANT %I TO %I', role_name, current_user);
        END IF;
    END LOOP;
    IF NOT has_schema_privilege('weft_owner', 'public', 'CREATE') THEN
        GRANT USAGE, CREATE ON SCHEMA public TO weft_owner;
    END IF;
    IF NOT has_schema_privilege('weft_api', 'public', 'USAGE') THEN
        GRANT USAGE ON SCHEMA public TO weft_api;
    END IF;
    IF NOT has_schema_privilege('weft_engine', 'public', 'USAGE') THEN
        GRANT USAGE ON SCHEMA public TO weft_engine;
    END IF;
END
$$
