-- Accounts of people whose name or handle has $text in it, the last to speak first. $closed: platforms whose members
-- are not listed. $limit: how many.
select
    concat_ws(':', sources.platform, sources.source, people.member_id) as account, sources.platform,
    sources.source_name, people.name, people.handle, people.role, people.messages, people.last_at
from people
inner join sources on people.source_key = sources.source_key
where
    people.role <> 'bot' and not list_contains($closed::varchar[], sources.platform)
    and (contains(lower(people.name), lower($text)) or contains(lower(people.handle), lower($text)))
order by people.last_at desc, account
limit $limit
