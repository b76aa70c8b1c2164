"""The domain: briefs, recipes, threads, versions and jobs, with no Slack in it."""
