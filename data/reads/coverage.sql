-- One row a source and day between its first covered day and its as_of.
select
    sources.platform, sources.source, sources.source_name,
    source_days.day, source_days.messages, source_days.is_covered
from source_days
inner join sources on source_days.source_key = sources.source_key
order by sources.platform, sources.source_name, source_days.day
