"""The product: jobs that people start, tasks that run them, and the doors to both."""
