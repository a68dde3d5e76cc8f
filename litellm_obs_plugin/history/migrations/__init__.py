"""The history database's schema, revision by revision."""
