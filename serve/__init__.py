"""The edge: API deployments, settings, command line, embedded services, dashboard."""
