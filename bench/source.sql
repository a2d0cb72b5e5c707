select platform, source, source_name from sources
