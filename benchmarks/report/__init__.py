"""The report: results as one page that needs nothing beside it, every number traced to the JSON it comes from."""
