"""What is sealed at rest: where it stands, under which keys, and sealing it anew under another one."""
