-- Which of some ids are accounts that we hold of a source.
select members.member_id
from members
inner join sources on members.source_key = sources.source_key
where
    sources.platform = $platform and sources.source = $source
    and members.member_id in (select unnest($ids::varchar[]))
