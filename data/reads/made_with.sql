-- By which schema and which rules, settings and decisions the numbers of a snapshot were worked out.
select schema_version, derived_with from about
