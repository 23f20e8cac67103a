"""Ready agents, one YAML file each: a named request to a service, made by a base agent."""
