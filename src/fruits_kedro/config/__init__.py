"""Everything typed that is read from YAML."""
