"""The language of rules: a YAML frame with expressions, read, checked and made into operators."""
