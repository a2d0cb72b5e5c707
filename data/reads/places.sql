-- One row a channel.
select
    platform, source, source_name, channel, channel_name, kind, purpose, target_hours,
    messages, first_at, last_at, as_of
from places
order by platform, source_name, channel_name
