-- Why records were refused, by file.
select sources.platform, sources.source, refused.file, refused.reason, count(*)::bigint as count
from refused
inner join sources on refused.source_key = sources.source_key
group by all
order by count desc
