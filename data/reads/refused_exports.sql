-- The exports of which records wait in the quarantine, as each was loaded last. `export` is null where that load was
-- cut off, path where an older Hearth loaded it.
select
    sources.platform, sources.source, sources.source_name, loads.file as export, loads.path, loads.reader,
    loads.private_reason, count(*)::bigint as count
from refused
inner join sources on refused.source_key = sources.source_key
left join loads on refused.load_id = loads.load_id
where refused.load_id is not null
group by all
order by count desc, export
