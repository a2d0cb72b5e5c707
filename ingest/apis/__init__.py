"""One file a service: how to ask it. What it answers is read by ingest/exports, as if somebody had saved it."""
