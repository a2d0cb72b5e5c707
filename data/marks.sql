-- How SQLite keeps the journal: readers go on while somebody writes, and a decision survives a pulled plug.
-- DuckDB's dialect, by which the other files are checked, knows none of this.
pragma journal_mode = wal; -- noqa: PRS
pragma synchronous = full;
pragma foreign_keys = on;
