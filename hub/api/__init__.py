"""The REST API: operations, one module a resource."""
