"""The developer tools: architecture checks, module scaffold, architecture page and test kit."""
