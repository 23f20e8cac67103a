"""Agents that an organization registers: Python functions, endpoints, containers and chains."""
