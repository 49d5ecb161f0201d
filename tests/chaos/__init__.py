"""Random kill -9 of every process under load, and the checker that compares the carrier's log with the database: `make chaos`."""
