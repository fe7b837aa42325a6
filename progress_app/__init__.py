"""Live progress of long work: a reporter for the worker, a stream for the browser, Redis between them."""
