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
