-- Why records were refused, by file, and where the first of them stands and how it begins, but for what a later load of
-- the same file did not refuse.
select
    sources.platform, sources.source, refused.file, refused.reason, count(*)::bigint as count,
    min_by(refused.place, (length(refused.place), refused.place)) as place,
    min_by(refused.raw, (length(refused.place), refused.place)) as raw
from refused
inner join sources on refused.source_key = sources.source_key
where refused.load_id is not null
group by all
order by count desc
