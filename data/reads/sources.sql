-- One row a source, with how far its data reaches. readers: what read it, where that is known of every load.
select
    source_key, platform, source, source_name, is_demo, max(as_of) as as_of, min(first_at) as first_at,
    max(last_at) as last_at,
    sum(messages)::bigint as messages,
    (
        select count(distinct people.person_id) from people
        where people.source_key = places.source_key and people.role = 'member'
    )::bigint as members,
    (
        select count(distinct people.person_id) from people
        where people.source_key = places.source_key and people.role = 'staff'
    )::bigint as staff,
    (
        select count(distinct people.person_id) from people
        where people.source_key = places.source_key and people.role = 'bot'
    )::bigint as bots,
    (
        select list(distinct loads.reader) from loads
        where loads.source_key = places.source_key
        having count(*) = count(loads.reader)
    ) as readers
from places
group by all
order by platform, source_name
