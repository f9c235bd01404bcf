"""ConfigurableResources: the guarded tools that assets work with. They hand out plain objects."""
