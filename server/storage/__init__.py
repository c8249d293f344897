"""One database, two dialects: SQLite by default, PostgreSQL where `--database` says so. The same tests run on both."""
