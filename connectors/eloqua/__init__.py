"""Oracle Eloqua: actions, feeders and decisions of its canvas."""
