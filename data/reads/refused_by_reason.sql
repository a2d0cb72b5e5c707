-- Why records were refused, by file, but for what a later load of the same file did not refuse.
select sources.platform, sources.source, refused.file, refused.reason, count(*)::bigint as count
from refused
inner join sources on refused.source_key = sources.source_key
where refused.load_id is not null
group by all
order by count desc
