-- How many messages a day a source had in the last four weeks of its covered days.
select count(*)::bigint as days, sum(messages)::bigint as messages
from (
    select source_days.messages
    from source_days
    inner join sources on source_days.source_key = sources.source_key
    where sources.platform = $platform and sources.source = $source and source_days.is_covered
    order by source_days.day desc
    limit 28
)
