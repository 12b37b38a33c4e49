"""The architecture diagram and page, and differences between OpenAPI documents."""
