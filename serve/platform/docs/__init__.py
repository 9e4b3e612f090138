"""The API's own pages: the OpenAPI document as bytes, and Swagger UI from a package, so that it works offline."""
