-- The quarantine, newest first, but for what a later load of the same file did not refuse.
select
    refused.refused_at, sources.platform, sources.source, sources.source_name,
    refused.file, refused.place, refused.reason, refused.raw
from refused
inner join sources on refused.source_key = sources.source_key
where refused.load_id is not null
order by refused.refused_at desc, refused.file, refused.place
limit 1000
