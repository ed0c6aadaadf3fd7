"""The shops' app. No database: each answer asks the services it shows, in parallel; a service that is away greys out its own part."""
