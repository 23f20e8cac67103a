-- Tools of MCP servers are agents of an organization's own.
ALTER TABLE custom_agent_versions
    DROP CONSTRAINT custom_agent_versions_implementation_type_check,
    ADD CONSTRAINT custom_agent_versions_implementation_type_check CHECK (
        implementation_type IN (
            'python_function', 'api_endpoint', 'docker_container', 'mcp_tool', 'chain'
        )
    );
