-- title: Audience
-- asks: How many followers, likes and impressions do the exports tell of?
-- formula: the newest value of the period, for each measure and what it counts
-- unit: rows
-- better: higher
-- leaves out: sums: some measures are of a day, some of a lifetime, and exports do not say which
-- needs: nothing but totals
-- source: the platforms' own totals; likes and followers as in CHAOSS Project Popularity
--
-- The vanity drawer: never a headline, never in a score. What is counted is a post, a page, or the whole source where
-- `of_what` is empty. A filter on channels leaves the figures of those channels.
select
    sources.platform, sources.source, sources.source_name, audience.measure, audience.of_what,
    max(audience.measured_at) as measured_at, arg_max(audience.value, audience.measured_at) as value
from audience
inner join sources on audience.source_key = sources.source_key
where
    (len($platforms) = 0 or list_contains($platforms, sources.platform))
    and (
        len($sources) = 0
        or list_contains($sources, sources.source) or list_contains($sources, sources.source_name)
    )
    and (len($channels) = 0 or list_contains($channels, audience.of_what))
    and audience.measured_at >= coalesce($since_at, audience.measured_at)
    and audience.measured_at < coalesce($until_at, timestamptz '9999-01-01 00:00:00+00')
group by all
order by sources.platform, sources.source_name, sources.source, audience.measure, audience.of_what
limit coalesce($limit::bigint, 9223372036854775807)
