"""The modules drawn and described, and changes of the OpenAPI document."""
