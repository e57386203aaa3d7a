"""The BigQuery engine: bqemulator's SQL on one DuckDB file, with atomic jobs and the Storage API built on it."""
