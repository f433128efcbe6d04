"""A request's token in, what its bearer may see out. SMART App Launch 2.2.0, as a resource server."""
