"""The SMPP 3.4 wire protocol, shared by the carrier that is a client and the connector that is a server."""
