"""From each format that records arrive in, to UNIMARC fields: one module a format, pure functions."""
