-- Every load, newest first, and what became of each record it read.
select
    loads.loaded_at, loads.file, sources.platform, sources.source, sources.source_name,
    loads.read, loads.inserted, loads.updated, loads.unchanged, loads.refused,
    loads.messages, loads.system, loads.members, loads.channels, loads.reactions, loads.seconds,
    array_to_string(list_transform(loads.left_out, lambda each: each.records || ' ' || each.kind), ', ') as left_out,
    loads.private_reason
from loads
inner join sources on loads.source_key = sources.source_key
order by loads.loaded_at desc
