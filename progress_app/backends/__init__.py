"""Where snapshots and log entries are kept: Redis, or memory in tests. Equals under one contract (`base`)."""
