-- title: Data trust
-- asks: How complete and how fresh is what we know?
-- formula: days_covered beside days_expected; a share = such messages (or answers) / all of them
-- unit: rows
-- better: higher
-- leaves out: the days before a source's first covered day, and those after its as_of
-- needs: nothing
-- source: Hearth's own rules of coverage: a load covers the days from its first to its last record
--
-- One row a source. Inferred replies: the share of answered openers and asks whose answer is only a guess.
-- Unclassified: members' messages of whose sentiment nothing can be said; null until a scorer has run. Messages, bots
-- and unknown members are counted over all its data, whatever the period.
with place as (
    select * from scope($platforms, $sources, $channels)
),
days as (
    select source_key, count(*) as days_expected, count(*) filter (where is_covered) as days_covered
    from source_days
    where day >= coalesce($since, day) and day < coalesce($until, date '9999-01-01')
    group by source_key
),
answers as (
    select
        source_key,
        count(*) filter (where answered_at is not null and reply_at is null)
        / nullif(count(*) filter (where answered_at is not null), 0) as inferred_reply_share
    from asks_in($since_at, $until_at, '', $platforms, $sources, $channels, $population, true)
    group by source_key
),
heard as (
    select source_key, count(*) filter (where label is null) / count(*) as unclassified_share
    from sentiments
    where
        said_at >= coalesce($since_at, said_at)
        and said_at < coalesce($until_at, timestamptz '9999-01-01 00:00:00+00')
        and (select count(*) from scorer where name <> 'off') > 0
    group by source_key
),
sources as (
    select
        source_key, platform, source, source_name, max(as_of) as as_of, sum(messages) as messages,
        sum(bot_messages) as bot_messages, sum(unknown_messages) as unknown_messages
    from place
    group by all
)
select
    sources.platform, sources.source, sources.source_name, sources.as_of,
    coalesce(days.days_expected, 0) as days_expected, coalesce(days.days_covered, 0) as days_covered,
    sources.bot_messages / nullif(sources.messages, 0) as bot_share, answers.inferred_reply_share,
    heard.unclassified_share,
    sources.unknown_messages / nullif(sources.messages, 0) as unknown_member_share,
    sources.messages::bigint as messages
from sources
left join days on sources.source_key = days.source_key
left join answers on sources.source_key = answers.source_key
left join heard on sources.source_key = heard.source_key
order by sources.platform, sources.source_name
