"""The pages on which a care team reads alerts."""
