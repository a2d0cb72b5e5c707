-- What several metrics share: which rows are meant, and the statistics. Every macro here is a definition with a
-- source.

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

-- DuckDB's own difference of two moments asks a calendar, row by row: that takes half as long as all the rest.
create or replace temp macro hours_between(earlier, later) as (epoch_us(later) - epoch_us(earlier)) / 3.6e9;

-- A part of a sum by its name, such as "age 0.08"; nothing where it adds nothing.
create or replace temp macro part(name, share) as case when share >= 0.005 then format('{} {:.2f}', name, share) end;

-- 0 is the hour from midnight on Monday, by a clock on the wall.
create or replace temp macro hour_of_week(here) as (isodow(here) - 1) * 24 + hour(here);

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

-- The asks of a period: those *asked* in it, whenever they were answered. hours: the wait, or how long it has been so
-- far. Inferred replies count only where they are asked for.
create or replace temp macro asks_in(since, until, by_what, platforms, sources, channels, population, inferred) as table
select
    asks.*,
    split_of(by_what, place.platform, place.source, place.channel_label) as split,
    place.as_of, place.target_hours,
    case when inferred then least(asks.reply_at, asks.inferred_reply_at) else asks.reply_at end as answered_at,
    case when answered_at = asks.reply_at then asks.reply_by when inferred then asks.inferred_reply_by end
    as answered_by,
    case when inferred then least(asks.staff_reply_at, asks.inferred_staff_reply_at) else asks.staff_reply_at end
    as staff_answered_at,
    case when inferred then least(asks.peer_reply_at, asks.inferred_peer_reply_at) else asks.peer_reply_at end
    as peer_answered_at,
    coalesce(staff_answered_at <= answered_at, false) as is_staff_first,  -- a tie is theirs
    hours_between(asks.asked_at, coalesce(answered_at, place.as_of)) as hours,
    hours_between(asks.asked_at, place.as_of) as age_hours,
    (
        coalesce(
            case
                when inferred then least(asks.business_reply, asks.business_inferred_reply) else asks.business_reply
            end,
            place.business_as_of
        ) - asks.business_asked
    ) / 3.6e9 as business_hours,
    (place.business_as_of - asks.business_asked) / 3.6e9 as business_age_hours
from asks
inner join scope(platforms, sources, channels) as place on asks.place_id = place.place_id
where
    asks.asked_at >= coalesce(since, timestamptz '0001-01-01 00:00:00+00')
    and asks.asked_at < coalesce(until, timestamptz '9999-01-01 00:00:00+00')
    and case population when 'openers' then asks.is_opener else asks.needs_reply end;

-- Wilson 1927: the interval of a share of k in n.
create or replace temp macro z() as 1.959963984540054;
create or replace temp macro wilson_middle(k, n) as (k + z() * z() / 2) / (n + z() * z());
create or replace temp macro wilson_half(k, n) as
    z() / (n + z() * z()) * sqrt(k * (n - k) / nullif(n, 0)::double + z() * z() / 4);
create or replace temp macro wilson_low(k, n) as
    case when n > 0 then greatest(0, wilson_middle(k, n) - wilson_half(k, n)) end;
create or replace temp macro wilson_high(k, n) as
    case when n > 0 then least(1, wilson_middle(k, n) + wilson_half(k, n)) end;

-- Newcombe 1998, method 10: the difference of two shares from each one's own interval. Zou and Donner 2008 show that it
-- holds for any two independent figures with intervals, so Kaplan-Meier shares take their log-log bands.
create or replace temp macro difference_low(one, one_low, other, other_high) as
    one - other - sqrt(pow(one - one_low, 2) + pow(other_high - other, 2));
create or replace temp macro difference_high(one, one_high, other, other_low) as
    one - other + sqrt(pow(one_high - one, 2) + pow(other - other_low, 2));

-- The waits for a first reply, as the steps of a curve: by week and for the whole period (week null). at_risk: those
-- still waiting just before; ended: those answered in this step; reached: those of them whom staff answered first,
-- where of_staff is asked for; gone: also those given up, who have no answer yet and have waited no longer.
-- waiting_before: the share still waiting (Kaplan and Meier 1958); so_far: the share reached by then, where another's
-- reply can come first (Aalen and Johansen 1978); spread: what the step adds to Greenwood's variance.
-- Steps between which nobody is given up make one, as (n-1)/n * (n-2)/(n-1) = (n-2)/n: to sort all waits would take
-- many times as long. Curves are exact at the targets, and where they reach the quantiles: of weeks in which nobody is
-- given up before the slowest reply these are order statistics; of the whole period they are looked up in their step.
create or replace temp macro waits_in(
    since, until, by_what, platforms, sources, channels, population, inferred, targets, quantiles, of_staff
) as table
with waits as (
    select
        week, split, hours, answered_at is not null as is_answered,
        answered_at is not null and (is_staff_first or not of_staff) as is_reached
    from asks_in(since, until, by_what, platforms, sources, channels, population, inferred)
),
asked as (
    select
        week, split, max(hours) filter (where is_answered) as slowest,
        coalesce(min(hours) filter (where not is_answered) >= slowest, true) as is_even,
        list_concat(
            targets::double[], ['inf'::double],
            if(len(quantiles) > 0, quantile_disc(if(is_reached, hours, 'inf'::double), quantiles), [])
        ) as marks
    from waits
    group by week, split
),
given_up as (
    select list_concat(targets::double[], coalesce(list(distinct hours), []), ['inf'::double]) as marks
    from waits
    where
        not is_answered and hours < (select max(slowest) from asked)
        and (len(quantiles) > 0 or hours < list_max(targets::double[]))
),
told as (
    select
        waits.week, waits.split, histogram(waits.hours, asked.marks) as gone,
        histogram(waits.hours, asked.marks) filter (where waits.is_answered) as ended,
        if(of_staff, histogram(waits.hours, asked.marks) filter (where waits.is_reached), ended) as reached
    from waits
    inner join asked on waits.week = asked.week and waits.split is not distinct from asked.split
    where asked.is_even
    group by waits.week, waits.split
    union all
    select
        null as week, waits.split, histogram(waits.hours, given_up.marks) as gone,
        histogram(waits.hours, given_up.marks) filter (where waits.is_answered) as ended,
        if(of_staff, histogram(waits.hours, given_up.marks) filter (where waits.is_reached), ended) as reached
    from waits
    cross join given_up
    group by waits.split
),
moments as (
    select
        week, split, unnest(map_keys(gone)) as hours, unnest(map_values(gone)) as gone,
        coalesce(unnest(map_values(ended)), 0) as ended, coalesce(unnest(map_values(reached)), 0) as reached
    from told
    union all by name
    select
        waits.week, waits.split, waits.hours, count(*) as gone,
        count(*) filter (where waits.is_answered) as ended, count(*) filter (where waits.is_reached) as reached
    from waits
    inner join asked on waits.week = asked.week and waits.split is not distinct from asked.split
    where not asked.is_even
    group by waits.week, waits.split, waits.hours
),
risk as (
    select *, sum(gone) over (partition by week, split order by hours desc)::double as at_risk
    from moments
    where gone > 0
),
curve as (
    select
        *,
        coalesce(product(1 - ended / at_risk) over (
            partition by week, split order by hours rows between unbounded preceding and 1 preceding
        ), 1) as waiting_before
    from risk
),
steps as (
    select
        *, waiting_before * (1 - ended / at_risk) as waiting_after,
        ended / nullif(at_risk * (at_risk - ended), 0) as spread,
        sum(waiting_before * reached / at_risk) over (
            partition by week, split order by hours rows unbounded preceding
        ) as so_far
    from curve
),
passing as (
    select
        split, quantile, coalesce(max(hours) filter (where so_far < quantile), -1) as after_hours,
        min(hours) filter (where so_far >= quantile) as by_hours,
        ceil(
            (quantile - coalesce(max(so_far) filter (where so_far < quantile), 0))
            * arg_min(at_risk / waiting_before, hours) filter (where so_far >= quantile)
        )::bigint as number
    from steps
    cross join (select unnest(quantiles::double[]) - 1e-12 as quantile) as wanted
    where week is null
    group by split, quantile
)
from steps
union all by name
select
    passing.split, list_sort(list(waits.hours))[passing.number] as hours, any_value(passing.quantile) as so_far,
    0 as gone, 0 as ended, 0 as reached
from passing
inner join waits
    on
        passing.split is not distinct from waits.split
        and waits.hours > passing.after_hours and waits.hours <= passing.by_hours
where waits.is_reached
group by passing.split, passing.quantile, passing.number;

-- The share answered, and its log-log band (Kalbfleisch and Prentice 1980), from the share still waiting.
create or replace temp macro band_step(still_waiting, variance) as
    exp(z() * sqrt(variance) / nullif(abs(ln(nullif(still_waiting, 0))), 0));

-- The channels that the filters leave, by split. Of whole sources the weeks of members and the days of pairs are kept;
-- they are worked out anew for channels, which are communities of their own, and where people have accounts in several
-- sources.
create or replace temp macro places_in(by_what, platforms, sources, channels) as table
select
    *, split_of(by_what, platform, source, channel_label) as split,
    by_what = 'channel' or len(channels) > 0 or exists (from travellers) as is_anew
from scope(platforms, sources, channels);

-- The weeks in which members were there, and when they were before and after, in the community that the filters leave:
-- a row a member and week of it. since_day: their first day of all. Of several sources, source_key is the one that is
-- covered longest among those of that week, lasting_key among all of theirs.
-- since: of the time before it, where it is told, only the last week of each is needed; since_day is unknown then.
create or replace temp macro visits_in(since, by_what, platforms, sources, channels) as table
with place as (
    from places_in(by_what, platforms, sources, channels)
),
present as (
    select
        place.split, member_days.person_id, member_days.week,
        arg_max(place.source_key, place.as_of) as source_key, max(place.as_of) as as_of,
        min(member_days.day) as first_day, max(member_days.day) as last_day,
        min(member_days.first_at) as first_at, max(member_days.last_at) as last_at
    from member_days
    inner join place on member_days.place_id = place.place_id
    where
        place.is_anew
        and (
            member_days.week >= coalesce(since::date, member_days.week)
            or coalesce(member_days.next_day >= since::date, true)  -- the last in its channel
        )
    group by all
)
select whole.split, member_weeks.*, member_weeks.source_key as lasting_key
from member_weeks
inner join (select distinct split, source_key from place where not is_anew) as whole
    on member_weeks.source_key = whole.source_key
union all by name
select
    * exclude (as_of), first_value(first_day) over stay as since_day,
    lag(last_day) over stay as before_day, lag(last_at) over stay as before_at, lead(first_day) over stay as next_day,
    arg_max(source_key, as_of) over (partition by split, person_id) as lasting_key
from present
window stay as (partition by split, person_id order by week);

-- The days on which one of two people replied to the other, in the community that the filters leave, each judged by the
-- 90 days up to it. Of several sources, source_key is the one that is covered from the earliest.
create or replace temp macro pairs_in(since, until, by_what, platforms, sources, channels) as table
with place as (
    from places_in(by_what, platforms, sources, channels)
),
said as materialized (  -- none, as a rule: else whoever is known would be looked up for nothing
    select place.split, place.since_at, reply_pairs.*
    from reply_pairs
    inner join place on reply_pairs.place_id = place.place_id
    where
        place.is_anew
        and reply_pairs.day >= coalesce(since::date - 89, reply_pairs.day)
        and reply_pairs.day < coalesce(until, date '9999-01-01')
),
replied as (
    select
        split, pair_id, day, arg_min(source_key, since_at) as source_key,
        bool_or(replier_id < asker_id) as is_forth, bool_or(replier_id > asker_id) as is_back
    from said
    where replier_id in (select person_id from people) and asker_id in (select person_id from people)
    group by split, pair_id, day
)
select whole.split, pair_days.*
from pair_days
inner join (select distinct split, source_key from place where not is_anew) as whole
    on pair_days.source_key = whole.source_key
union all by name
select
    split, source_key, pair_id, day, date_trunc('week', day)::date as week, lead(day) over pair as next_day,
    coalesce(lag(day, 2) over pair > day - 90, false) as is_often,
    coalesce(
        max(case when is_forth then day end) over pair > day - 90
        and max(case when is_back then day end) over pair > day - 90, false
    ) as is_two_way
from replied
window pair as (partition by split, pair_id order by day);

-- Who was there on which days, up to the end of the period, by split. Of the time before it: the two weeks that lead up
-- to it, and who was there in either, the last visit to each channel before it. What they are in the period hangs on
-- nothing else.
create or replace temp macro presence_in(since, until, by_what, platforms, sources, channels) as table
with place as (
    select place_id, split_of(by_what, platform, source, channel_label) as split
    from scope(platforms, sources, channels)
),
lately as (
    select place.split, member_days.* exclude (place_id, next_day)
    from member_days
    inner join place on member_days.place_id = place.place_id
    where
        member_days.week >= coalesce(since::date - 14, date '0001-01-01')
        and member_days.day < coalesce(until, date '9999-01-01')
)
select split, person_id, week, first_at, last_at, day >= coalesce(since, day) as is_inside
from lately
union all
select place.split, present.person_id, present.week, present.first_at, present.last_at, false as is_inside
from member_days as present
inner join place on present.place_id = place.place_id
where
    present.week < since::date - 14
    and coalesce(present.next_day >= since, true)
    and present.person_id in (select person_id from lately);
