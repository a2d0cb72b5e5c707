-- The accounts of the person who has the account $account, written platform:source:id; that one first. No account of
-- that name: no rows. as_of: how far the data of its source reaches.
with asked as (
    select people.person_id
    from people
    inner join sources on people.source_key = sources.source_key
    where concat_ws(':', sources.platform, sources.source, people.member_id) = $account
),
reach as (
    select source_key, max(as_of) as as_of from places group by source_key
)
select
    people.person_id::varchar as person, sources.platform, sources.source, sources.source_name,
    concat_ws(':', sources.platform, sources.source, people.member_id) as account,
    people.name, people.handle, people.role, people.first_at, people.last_at, people.messages,
    people.is_newcomer_known, reach.as_of
from people
inner join sources on people.source_key = sources.source_key
left join reach on people.source_key = reach.source_key
where people.person_id in (from asked)
order by account <> $account, people.messages desc, account
