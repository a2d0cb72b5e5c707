-- Rows of the roster that match nobody who spoke, by the rule of `people` in data/derive/lines.sql. $rows: number,
-- platform, source, id, name, email_domain, pattern of each.
with roster as (
    select unnest(
        $rows::struct(
            number integer, platform varchar, source varchar, id varchar, name varchar, email_domain varchar,
            pattern varchar
        )[], recursive := true
    )
),
spoke as (
    select
        sources.platform, sources.source, sources.source_name, sources.export_name,
        people.member_id, members.name, members.handle, members.email_domain
    from people
    inner join sources on people.source_key = sources.source_key
    left join members on people.source_key = members.source_key and people.member_id = members.member_id
)
select roster.number
from roster
where not exists (
    select 1 from spoke
    where
        coalesce(roster.platform = spoke.platform, true)
        and coalesce(roster.source in (spoke.source, spoke.source_name, spoke.export_name), true)
        and coalesce(roster.id = spoke.member_id, true)
        and coalesce(lower(roster.name) in (lower(spoke.name), lower(spoke.handle)), roster.name is null)
        and coalesce(roster.email_domain = spoke.email_domain, roster.email_domain is null)
        and coalesce(
            lower(spoke.name) glob lower(roster.pattern) or lower(spoke.handle) glob lower(roster.pattern),
            roster.pattern is null
        )
)
order by roster.number
