"""Style transfer over HTTP: an API, and one page that uses it."""
