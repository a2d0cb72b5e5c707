-- The quarantine, newest first.
select
    refused.refused_at, sources.platform, sources.source, sources.source_name,
    refused.file, refused.place, refused.reason, refused.raw
from refused
inner join sources on refused.source_key = sources.source_key
order by refused.refused_at desc, refused.file, refused.place
limit 1000
