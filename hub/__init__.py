"""Hub connects: the only composer, of the engine, the connectors and the web."""
