"""Named entities in files: tags and spans, the readers of each form, and the writers."""
