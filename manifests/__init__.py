"""Package data: bundled actions and what a tenant is made of."""
