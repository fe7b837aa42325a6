"""Services that carry events to browsers where SSE cannot be used: one contract, one file a service."""
