-- What accounts with these ids are called, on every platform that has them. $ids: native ids.
select sources.platform, sources.source, people.member_id, people.name, people.handle, people.messages, people.last_at
from people
inner join sources on people.source_key = sources.source_key
where list_contains($ids::varchar[], people.member_id)
order by sources.platform, sources.source, people.member_id
