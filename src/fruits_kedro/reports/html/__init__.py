"""Pages that open offline: templates, styles, scripts, pictures and texts."""
