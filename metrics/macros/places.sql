-- The channels that the filters leave. An empty list means all.
create or replace temp macro scope(platforms, sources, channels) as table
select *
from places
where
    (len(platforms) = 0 or list_contains(platforms, platform))
    and (len(sources) = 0 or list_contains(sources, source) or list_contains(sources, source_name))
    and (len(channels) = 0 or list_contains(channels, channel) or list_contains(channels, channel_name));

create or replace temp macro split_of(by_what, platform, source, channel) as
    case by_what when 'platform' then platform when 'source' then source when 'channel' then channel end;

-- One row a week and one for the whole period (week null), by split: is enough of it covered to say anything?
-- 90 % of the days that lie between each source's first covered day and its as_of.
create or replace temp macro weeks_in(since, until, by_what, platforms, sources, channels) as table
with days as (
    select source_days.week, place.split, source_days.is_covered
    from (select 1) as one  -- nothing covered is one unknown row, not none
    left join (
        select distinct source_key, split_of(by_what, platform, source, channel_label) as split
        from scope(platforms, sources, channels)
    ) as place on true
    left join source_days
        on
            place.source_key = source_days.source_key
            and source_days.day >= coalesce(since, source_days.day)
            and source_days.day < coalesce(until, date '9999-01-01')
)
select
    week, split,
    count(is_covered) > 0 and count(*) filter (where is_covered) >= 0.9 * count(is_covered) as is_known
from days
group by grouping sets ((week, split), (split))
having (week is not null or grouping(week) = 1) and (split is not null or by_what = '');

-- The splits in whose sources anybody ever spoke as staff. Elsewhere nobody is known to be staff, so what staff did is
-- unknown, never 0.
create or replace temp macro team_in(by_what, platforms, sources, channels) as table
select distinct split_of(by_what, platform, source, channel_label) as split, true as is_known
from scope(platforms, sources, channels)
where source_key in (select source_key from staff_hours);

-- The channels that the filters leave, by split. Of whole sources the weeks of members and the days of pairs are kept;
-- they are worked out anew for channels, which are communities of their own, and where people have accounts in several
-- sources.
create or replace temp macro places_in(by_what, platforms, sources, channels) as table
select
    *, split_of(by_what, platform, source, channel_label) as split,
    by_what = 'channel' or len(channels) > 0 or exists (from travellers) as is_anew
from scope(platforms, sources, channels);
