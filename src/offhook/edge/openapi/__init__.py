"""The API's description of itself (OpenAPI 3.1), made from the tables that the API is made of. No I/O."""
