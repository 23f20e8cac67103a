"""What one node does: the agent protocol, the registry and the built-in agents."""
