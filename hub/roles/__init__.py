"""The processes: web, worker, listen, and serve, which is all of them in one."""
