-- The rules, once: from the facts of the touched sources to conversations, asks, replies, people and weeks.
-- Definitions: the README's "What each number means". Hashes stand for (source, id) pairs: 64 bits, so that two of
-- ten million ids meet by chance in about one database of 400,000.

-- name: role_at
-- Whose side an account was on at a moment: the first roster row that held then, else the platform's own flag.
create or replace temp macro role_at(rules, flagged, moment) as
    coalesce(
        list_filter(rules, lambda rule: moment >= rule.valid_from and moment < rule.valid_to)[1].role, flagged
    );

-- name: sounds_like
-- The scorer is sure of a label from 60 % on; what it is unsure of counts as neutral.
create or replace temp macro sounds_like(cell) as
    case
        when cell // 10 >= 6 then 'negative' when cell % 10 >= 6 then 'positive' when cell is not null then 'neutral'
    end;

-- name: hour_of_week
create or replace temp macro hour_of_week(here) as ((isodow(here) - 1) * 24 + hour(here))::utinyint;

-- name: people
-- Who spoke, and their role: bots and staff as the platform flags them, unless a roster row says otherwise. Accounts
-- that somebody has merged keep a role each, and share a person.
create or replace temp table account as
with spoke as (
    select distinct source_key, member_id from messages
    where member_id is not null and source_key in (select source_key from touched)
),
described as (
    select
        spoke.source_key, spoke.member_id, members.name, members.handle,
        case
            when members.is_bot or members.name like '%[bot]' or members.handle like '%[bot]' then 'bot'
            when members.is_staff then 'staff'
            else 'member'
        end as flagged,
        sources.platform, sources.source, sources.source_name, members.email_domain
    from spoke
    inner join sources on spoke.source_key = sources.source_key
    left join members
        on spoke.source_key = members.source_key and spoke.member_id = members.member_id
),
listed as (
    select
        described.source_key, described.member_id,
        list(
            {role: roster.role, valid_from: roster.valid_from, valid_to: roster.valid_to} order by roster.position
        ) as rules
    from described
    inner join roster
        on
            coalesce(roster.platform = described.platform, true)
            and coalesce(roster.source in (described.source, described.source_name), true)
            and coalesce(roster.id = described.member_id, true)
            and coalesce(lower(roster.name) in (lower(described.name), lower(described.handle)), roster.name is null)
            and coalesce(roster.email_domain = described.email_domain, roster.email_domain is null)
            and coalesce(
                lower(described.name) glob roster.pattern or lower(described.handle) glob roster.pattern,
                roster.pattern is null
            )
    group by all
)
select
    coalesce(merged.person_id, hash(described.source_key, described.member_id)) as person_id,
    described.source_key, described.member_id, described.name, described.handle, described.flagged, listed.rules
from described
left join listed on described.source_key = listed.source_key and described.member_id = listed.member_id
left join merged on hash(described.source_key, described.member_id) = merged.account_id;

-- name: places
create or replace temp table place as
select
    hash(used.source_key, used.channel_id) as place_id,
    used.source_key, used.channel_id, coalesce(channels.name, used.channel_id) as channel_name,
    coalesce(channels.kind, 'chat') as kind, sources.platform, sources.source, sources.source_name, sources.is_demo
from (
    select distinct source_key, channel_id from messages
    where source_key in (select source_key from touched)
) as used
inner join sources on used.source_key = sources.source_key
left join channels on used.source_key = channels.source_key and used.channel_id = channels.channel_id;

-- name: place_rules
-- The first row of [[channels]] that fits says what a channel is for.
create or replace temp table place_rule as
select
    place.place_id,
    arg_min(channel_rules.purpose, channel_rules.position) as purpose,
    arg_min(channel_rules.target_hours, channel_rules.position) as target_hours,
    arg_min(channel_rules.calendar, channel_rules.position) as calendar,
    arg_min(channel_rules.versions, channel_rules.position) filter (where channel_rules.calendar is not null)
    as versions
from place
inner join channel_rules
    on
        (place.channel_id = channel_rules.channel or lower(place.channel_name) glob lower(channel_rules.channel))
        and coalesce(channel_rules.platform = place.platform, true)
        and coalesce(channel_rules.source in (place.source, place.source_name), true)
group by place.place_id;

-- name: lines
-- What was said, without the words. A system line is never said by anybody.
create or replace temp table line as
select
    messages.rowid as row_id,
    messages.source_key,
    hash(messages.source_key, messages.message_id) as line_id,
    hash(messages.source_key, coalesce(messages.conversation_id, messages.message_id)) as node,
    hash(messages.source_key, messages.channel_id) as place_id,
    coalesce(account.person_id, hash('nobody', messages.source_key, messages.message_id)) as person_id,
    account.person_id is null as is_unknown,
    messages.sent_at,
    timezone($zone, messages.sent_at)::date as day,
    messages.text_key,
    messages.deleted_at is not null as is_deleted,
    messages.parent_id is not null as has_parent,
    len(messages.mentions) > 0 as has_mentions,
    coalesce(role_at(account.rules, account.flagged, messages.sent_at), 'member') as role
from messages
left join account
    on messages.source_key = account.source_key and messages.member_id = account.member_id
where messages.kind = 'message' and messages.source_key in (select source_key from touched);

-- name: timeline
-- What is read one after another in a chat channel: everything but the answers inside a platform's thread.
create or replace temp table timeline as
select
    line.line_id, line.row_id, line.place_id, line.person_id, line.sent_at, line.role,
    not line.has_parent as is_top, line.has_mentions,
    lag(line.person_id) over channel as before_person,
    lag(line.sent_at) over channel as before_at,
    lag(line.line_id) over channel as before_line
from line
inner join place on line.place_id = place.place_id
where place.kind = 'chat' and line.node = line.line_id and line.role <> 'bot' and not line.is_deleted
window channel as (partition by line.place_id order by line.sent_at, line.line_id);

-- name: heard
-- What the scorer in use said of each text.
create or replace temp table heard as
select
    scores.text_key, scores.label,
    case
        when scores.label is not null
            then (10 * least(floor(scores.negative * 10), 9) + least(floor(scores.positive * 10), 9))::utinyint
    end as cell
from scores
inner join scorer on scores.scorer = scorer.name and scores.version = scorer.version;

-- name: edges
-- What ties a conversation to an earlier one: the platform's reply-to; the same member going on within 30 minutes
-- with nobody between; a mention of somebody who spoke in that channel in the day before. A member who mentions staff
-- is asking them, not answering, so that mention ties nothing.
create or replace temp table edge as
with answered as (
    select
        line.node, messages.parent_id,
        hash(messages.source_key, messages.parent_id) as parent_hash, 'explicit' as basis
    from line
    inner join messages on line.row_id = messages.rowid
    where line.has_parent and line.node = line.line_id
),
continued as (
    select line_id as node, before_line as target, 'continued' as basis
    from timeline
    where is_top and person_id = before_person and sent_at - before_at <= interval 30 minutes
),
named as (
    select
        timeline.line_id as node, timeline.place_id, timeline.person_id, timeline.role, timeline.sent_at,
        hash(messages.source_key, unnest(messages.mentions)) as mentioned
    from timeline
    inner join messages on timeline.row_id = messages.rowid
    where timeline.is_top and timeline.has_mentions
),
mentioning as (
    -- Who is named, and whose account that is: both, for DuckDB 2.0 fails over a left join here on a million lines.
    select * from named
    union all
    select named.* replace (merged.person_id as mentioned)
    from named
    inner join merged on named.mentioned = merged.account_id
),
mentioned as (
    select mentioning.node, arg_max(spoken.line_id, spoken.sent_at) as target, 'mention' as basis
    from mentioning
    asof inner join timeline as spoken
        on
            mentioning.place_id = spoken.place_id
            and mentioning.mentioned = spoken.person_id
            and mentioning.sent_at > spoken.sent_at
    where
        mentioning.sent_at - spoken.sent_at <= interval 24 hours
        and mentioning.person_id <> spoken.person_id
        and not (mentioning.role = 'member' and spoken.role = 'staff')
    group by mentioning.node
)
select answered.node, coalesce(parent.node, answered.parent_hash) as target, answered.basis
from answered
left join line as parent on answered.parent_hash = parent.line_id
union all
select * from continued
union all
select * from mentioned where node not in (select node from continued);

-- name: roots
-- Each tie followed to its end by doubling. `least` finds the same end for all of a circle, should a platform hand us
-- one.
create or replace temp table root as
select node, target as root, least(node, target) as least from edge;

-- name: roots_open
select count(*)::bigint as n from root semi join edge on root.root = edge.node;

-- name: roots_double
create or replace temp table root as
select
    here.node, coalesce(there.root, here.root) as root,
    least(here.least, coalesce(there.least, here.least)) as least
from root as here
left join root as there on here.root = there.node;

-- name: roots_circles
create or replace temp table root as
select here.node, coalesce(there.least, here.root) as root, here.least
from root as here
left join root as there on here.root = there.node;

-- name: talk
-- Every line in its conversation. A reply cannot be older than what it answers: where a clock was wrong (mail), it
-- counts as said at the same moment.
create or replace temp table talk as
with placed as (
    select
        line.row_id, line.line_id, line.source_key, line.place_id, line.person_id, line.role, line.is_unknown,
        coalesce(root.root, line.node) as conversation_key,
        line.role <> 'bot' and not line.is_deleted as is_human,
        line.sent_at, line.day, line.text_key
    from line
    left join root on line.node = root.node
),
timed as (
    select
        placed.* exclude (sent_at, day), greatest(placed.sent_at, coalesce(opening.sent_at, placed.sent_at)) as sent_at,
        case when opening.sent_at > placed.sent_at then opening.day else placed.day end as day,
        placed.line_id <> placed.conversation_key as is_later
    from placed
    left join line as opening
        on placed.conversation_key = opening.line_id and placed.line_id <> opening.line_id
),
followed as (
    select
        *,
        row_number() over told as position,
        lag(case when is_human then person_id end ignore nulls) over told as before_by,
        lag(case when is_human then sent_at end ignore nulls) over told as before_at
    from timed
    window told as (partition by conversation_key order by sent_at, is_later, line_id)
)
select * exclude (before_by), is_human and (before_by is distinct from person_id) as is_turn
from followed;

drop table root;

-- name: turns
-- What one person says before anybody else speaks is one turn.
create or replace temp table turn as
select
    row_id, line_id, source_key, place_id, conversation_key, person_id, role, sent_at, day, before_at, position,
    lead(position) over (partition by conversation_key order by position) as next_position
from talk
where is_turn;

-- name: asked
-- An opener, or a member's words after a day of silence between both sides. Going on alone is no new ask: the clock
-- started at the first of the consecutive messages. A conversation whose first message is not here has no opener.
create or replace temp table asked as
select
    turn.line_id as ask_id, turn.row_id, turn.source_key, turn.place_id, turn.conversation_key, turn.person_id,
    turn.sent_at as asked_at, turn.day, turn.position, turn.next_position,
    turn.position = 1 and messages.parent_id is null and (messages.basis is distinct from 'thread') as is_opener
from turn
inner join messages on turn.row_id = messages.rowid
where
    turn.role = 'member'
    and (
        (turn.position = 1 and messages.parent_id is null and messages.basis is distinct from 'thread')
        or turn.sent_at - turn.before_at >= interval 24 hours
    );

-- name: replies
create or replace temp table reply as
select
    asked.ask_id,
    min(turn.position) as position,
    min(turn.sent_at) as reply_at,
    arg_min(turn.person_id, turn.position) as reply_by,
    min(turn.sent_at) filter (where turn.role = 'staff') as staff_reply_at,
    arg_min(turn.person_id, turn.position) filter (where turn.role = 'staff') as staff_reply_by,
    min(turn.sent_at) filter (where turn.role = 'member') as peer_reply_at
from asked
inner join turn
    on
        asked.conversation_key = turn.conversation_key
        and asked.position < turn.position
        and asked.person_id <> turn.person_id
group by asked.ask_id;

-- name: inferred
-- In a chat channel, the next message by another human within 30 minutes that nothing ties elsewhere: a guess.
create or replace temp table inferred as
select
    talk.source_key, timeline.line_id, timeline.sent_at, timeline.person_id, timeline.role,
    talk.conversation_key, timeline.before_person, timeline.before_at
from timeline
inner join talk on timeline.before_line = talk.line_id
where
    timeline.is_top
    and timeline.person_id <> timeline.before_person
    and timeline.sent_at - timeline.before_at <= interval 30 minutes
    and timeline.line_id not in (select node from edge);

drop table timeline;

-- name: inferred_replies
create or replace temp table inferred_reply as
select
    asked.ask_id, min(inferred.sent_at) as inferred_reply_at,
    arg_min(inferred.person_id, inferred.sent_at) as inferred_reply_by,
    min(inferred.sent_at) filter (where inferred.role = 'staff') as inferred_staff_reply_at,
    min(inferred.sent_at) filter (where inferred.role = 'member') as inferred_peer_reply_at
from inferred
inner join asked
    on
        inferred.conversation_key = asked.conversation_key
        and inferred.before_person = asked.person_id
        and inferred.before_at >= asked.asked_at
group by asked.ask_id;

-- name: first_seen
-- A person, in all their accounts.
create or replace temp table first_seen as
select
    person_id, min(sent_at) as first_at, max(sent_at) as last_at, count(*) as messages,
    arg_max(role, sent_at) as role
from talk
where not is_unknown
group by person_id;

-- name: keep_sentiments
-- How members sound. What a person says of a message wins over the scorer.
delete from sentiments where source_key in (select source_key from touched);
insert into sentiments by name
select
    talk.line_id, talk.source_key, talk.place_id, talk.person_id, talk.sent_at as said_at, talk.day,
    date_trunc('week', talk.day)::date as week, talk.text_key, coalesce(told.label, heard.label) as label,
    case told.label when 'negative' then 90 when 'neutral' then 0 when 'positive' then 9 else heard.cell end as cell
from talk
left join heard on talk.text_key = heard.text_key
left join (
    select hash(sources.source_key, labels.message_id) as line_id, any_value(labels.value) as label
    from labels
    inner join sources on labels.platform = sources.platform and labels.source = sources.source
    where labels.value <> 'unsure'
    group by all
) as told on talk.line_id = told.line_id
where talk.role = 'member' and talk.is_human
order by talk.day;

-- name: again
-- When the asker spoke again after the first reply, and how they sounded last within a week of asking.
create or replace temp table again as
select
    asked.ask_id, min(talk.sent_at) as again_at,
    sounds_like(
        arg_max(sentiments.cell, talk.position) filter (where talk.sent_at <= asked.asked_at + interval 7 days)
    ) as ended
from asked
inner join reply on asked.ask_id = reply.ask_id
inner join talk
    on
        asked.conversation_key = talk.conversation_key
        and asked.person_id = talk.person_id
        and reply.position < talk.position
left join sentiments on talk.line_id = sentiments.line_id
where talk.is_human
group by asked.ask_id;

-- name: keep_praise
-- Praise: a member's words that the scorer is sure are positive, and that are more than a courtesy. Thanked: staff
-- spoke later in that conversation; reacted: a member of staff left a reaction.
delete from praise where source_key in (select source_key from touched);
insert into praise by name
with kind as (
    select
        talk.line_id, talk.source_key, talk.place_id, talk.person_id, talk.conversation_key, talk.position, talk.row_id
    from talk
    inner join sentiments on talk.line_id = sentiments.line_id
    where sounds_like(sentiments.cell) = 'positive'
),
said as (
    select kind.*, messages.message_id, messages.sent_at, lower(without_links(messages.text)) as words
    from kind
    inner join messages on kind.row_id = messages.rowid
),
reacted as (
    select hash(reactions.source_key, reactions.message_id) as line_id
    from reactions
    inner join account on reactions.source_key = account.source_key and reactions.member_id = account.member_id
    inner join said on reactions.source_key = said.source_key and reactions.message_id = said.message_id
    where role_at(account.rules, account.flagged, said.sent_at) = 'staff' and account.person_id <> said.person_id
    group by all
)
select
    said.line_id, said.source_key, said.place_id, said.person_id, said.message_id, said.sent_at as said_at,
    date_trunc('week', timezone($zone, said.sent_at))::date as week,
    min(turn.sent_at) as thanked_at, any_value(reacted.line_id) is not null as is_reacted
from said
left join turn
    on
        said.conversation_key = turn.conversation_key and said.position < turn.position
        and turn.role = 'staff' and said.person_id <> turn.person_id
left join reacted on said.line_id = reacted.line_id
where not is_courtesy(said.words, $courtesy) and not is_too_short(said.words)
group by all
order by said_at;

-- name: ask_words
-- What all a member said in that turn says of itself, so that "hi" and the question after it are one ask. The words
-- themselves go no further: with them the tables below would not fit in memory.
create or replace temp table ask_words as
with more as (
    select
        asked.ask_id, string_agg(messages.text, chr(10) order by talk.position) as text,
        flatten(list(messages.mentions)) as mentions,
        list(sounds_like(sentiments.cell)) as sounds
    from asked
    inner join talk
        on
            asked.conversation_key = talk.conversation_key
            and asked.person_id = talk.person_id
            and asked.position < talk.position
            and coalesce(asked.next_position, talk.position + 1) > talk.position
    inner join messages on talk.row_id = messages.rowid
    left join sentiments on talk.line_id = sentiments.line_id
    where talk.is_human and coalesce(asked.next_position, 0) <> asked.position + 1
    group by asked.ask_id
),
said as (
    select
        asked.ask_id, messages.message_id,
        lower(without_links(concat_ws(chr(10), messages.title, messages.text, more.text))) as words,
        list_concat(messages.mentions, coalesce(more.mentions, [])) as mentions,
        list_append(coalesce(more.sounds, []), sounds_like(sentiments.cell)) as sounds
    from asked
    inner join messages on asked.row_id = messages.rowid
    left join sentiments on asked.ask_id = sentiments.line_id
    left join more on asked.ask_id = more.ask_id
)
select
    ask_id, message_id, mentions, has_word(words, $brands) as has_brand,
    case
        when list_contains(sounds, 'negative') then 'negative' when list_contains(sounds, 'positive') then 'positive'
        else list_max(sounds)
    end as sentiment,
    case
        when is_courtesy(words, $courtesy) then 'courtesy'
        when has_question_mark(words) then 'question'
        when is_too_short(words) then 'too short'
        when has_question_word(words, $question) then 'question'
    end as said
from said;

-- name: staff_mentions
create or replace temp table staff_mention as
select distinct asked.ask_id
from (
    select ask_id, unnest(mentions) as member_id from ask_words
) as named
inner join asked on named.ask_id = asked.ask_id
inner join account on asked.source_key = account.source_key and named.member_id = account.member_id
where role_at(account.rules, account.flagged, asked.asked_at) = 'staff';

-- name: verdicts
create or replace temp table verdict as
select hash(source_key, message_id) as ask_id, any_value(reason) as reason from verdicts group by all;

-- name: marked
-- A person's word wins over every rule.
create or replace temp table marked as
select distinct hash(sources.source_key, marks.message_id) as ask_id
from marks
inner join sources on marks.platform = sources.platform and marks.source = sources.source
where marks.value = 'no_reply';

-- name: clear
delete from places where source_key in (select source_key from touched);
delete from source_days where source_key in (select source_key from touched);
delete from people where source_key in (select source_key from touched);
delete from resolved where source_key in (select source_key from touched);
delete from member_days where place_id in (select place_id from place);
delete from member_weeks where place_id in (select place_id from place);
delete from reply_pairs where place_id in (select place_id from place);
delete from staff_days where place_id in (select place_id from place);
delete from conversations where source_key in (select source_key from touched);
delete from asks where source_key in (select source_key from touched);
delete from later_turns where source_key in (select source_key from touched);
delete from staff_replies where source_key in (select source_key from touched);
delete from staff_hours where place_id in (select place_id from place);
delete from newcomers where source_key in (select source_key from touched);
delete from lapses where source_key in (select source_key from touched);

-- name: source_span
-- A load covers the days from its first to its last record, or the range the export states.
create or replace temp table source_span as
select source_key, min(covered_since) as first_at, max(covered_until) as as_of
from loads
where source_key in (select source_key from touched) and covered_since is not null
group by source_key;

-- name: openings
-- When each calendar is open, day by day in its own time zone, and for how long it was open before. The first row has
-- no length: it is the day from which on there is a calendar.
create or replace temp table opening as
with used as (
    select
        place_rule.calendar, any_value(place_rule.versions) as versions,
        min(asked.asked_at) as since_at, max(source_span.as_of) as until_at
    from asked
    inner join place_rule on asked.place_id = place_rule.place_id
    inner join source_span on asked.source_key = source_span.source_key
    where place_rule.calendar is not null
    group by place_rule.calendar
),
version as (
    select
        calendar, since_at::date - 1 as since_day, until_at::date + 1 as until_day, unnest(versions, max_depth := 2)
    from used
),
days as (
    select
        *,
        unnest(
            generate_series(greatest(valid_from, since_day), least(valid_to - 1, until_day), interval 1 day)
        )::date as day
    from version
),
hours as (
    select calendar, timezone(time_zone, day + opens) as opens_at, timezone(time_zone, day + closes) as closes_at
    from days
    where list_contains(days, isodow(day)) and not list_contains(holidays, day)
    union all
    select calendar, arg_min(timezone(time_zone, valid_from::timestamp), valid_from) as opens_at, opens_at as closes_at
    from version
    group by calendar
),
apart as (
    select
        calendar, closes_at,
        -- Versions in different time zones may overlap on the day that one follows the other.
        least(closes_at, greatest(opens_at, lag(closes_at, 1, opens_at) over (partition by calendar order by opens_at)))
        as opens_at
    from hours
)
select
    *,
    sum(epoch_us(closes_at) - epoch_us(opens_at)) over (partition by calendar order by opens_at, closes_at)
    - (epoch_us(closes_at) - epoch_us(opens_at)) as open_before
from apart;

-- name: open_waits
-- How long the calendar was open between the ask and its reply: the difference of two readings of one clock.
create or replace temp table open_wait as
with moments as (
    select
        asked.ask_id, place_rule.calendar, unnest(['asked', 'reply', 'inferred', 'as_of']) as what,
        unnest([asked.asked_at, reply.reply_at, inferred_reply.inferred_reply_at, source_span.as_of]) as moment
    from asked
    inner join place_rule on asked.place_id = place_rule.place_id
    inner join source_span on asked.source_key = source_span.source_key
    left join reply on asked.ask_id = reply.ask_id
    left join inferred_reply on asked.ask_id = inferred_reply.ask_id
    where place_rule.calendar is not null
),
clock as (
    select
        moments.ask_id, moments.what,
        opening.open_before + epoch_us(least(moments.moment, opening.closes_at)) - epoch_us(opening.opens_at) as open
    from moments
    asof inner join opening on moments.calendar = opening.calendar and moments.moment >= opening.opens_at
),
readings as (
    select
        ask_id, any_value(open) filter (where what = 'asked') as asked,
        any_value(open) filter (where what = 'reply') as reply,
        any_value(open) filter (where what = 'inferred') as inferred,
        any_value(open) filter (where what = 'as_of') as as_of
    from clock
    group by ask_id
)
select
    ask_id, (coalesce(reply, as_of) - asked) / 3.6e9 as business_hours,
    (inferred - asked) / 3.6e9 as inferred_business_hours, (as_of - asked) / 3.6e9 as business_age_hours
from readings;

-- name: keep_places
insert into places by name
select
    place.place_id, place.source_key, place.platform, place.source, place.source_name, place.is_demo,
    place.channel_id as channel, place.channel_name, place.channel_name as channel_label, place.kind,
    place_rule.purpose, place_rule.target_hours, said.first_at, said.last_at, source_span.as_of,
    coalesce(said.messages, 0) as messages, coalesce(said.bot_messages, 0) as bot_messages,
    coalesce(said.unknown_messages, 0) as unknown_messages
from place
left join place_rule on place.place_id = place_rule.place_id
left join source_span on place.source_key = source_span.source_key
left join (
    select
        place_id, min(sent_at) as first_at, max(sent_at) as last_at, count(*) as messages,
        count(*) filter (where role = 'bot') as bot_messages, count(*) filter (where is_unknown) as unknown_messages
    from line
    group by place_id
) as said on place.place_id = said.place_id;

-- name: label_places
-- A name that two sources use is told apart.
update places set channel_label = channel_name || case when twice.n > 1 then ' (' || source_name || ')' else '' end
from (
    select channel_name as name, count(distinct source_key) as n from places group by channel_name
) as twice
where places.channel_name = twice.name;

-- name: keep_source_days
insert into source_days by name
with spans as (
    select
        source_key,
        timezone($zone, covered_since)::date as since_day, timezone($zone, covered_until)::date as until_day
    from loads
    where covered_since is not null and source_key in (select source_key from touched)
),
bounds as (
    select source_key, min(since_day) as since_day, max(until_day) as until_day from spans group by source_key
),
days as (
    select source_key, unnest(generate_series(since_day, until_day, interval 1 day))::date as day from bounds
),
said as (
    select source_key, day, count(*) as messages from line group by all
)
select
    days.source_key, days.day, date_trunc('week', days.day)::date as week,
    exists(
        select 1 from spans
        where spans.source_key = days.source_key and days.day between spans.since_day and spans.until_day
    ) as is_covered,
    coalesce(said.messages, 0) as messages
from days
left join said on days.source_key = said.source_key and days.day = said.day
left join source_span on days.source_key = source_span.source_key
-- A range that ends at midnight has nothing of the day that begins there.
where days.day <> timezone($zone, source_span.as_of) or said.messages > 0;

-- name: keep_people
-- Somebody is a newcomer only where the data starts at least 60 days before their first message: the data of the source
-- in which they said it. Of a person with several accounts the first message is the earliest of all.
insert into people by name
with own as (
    select
        messages.source_key, messages.member_id, min(talk.sent_at) as first_at, max(talk.sent_at) as last_at,
        count(*) as messages, arg_max(talk.role, talk.sent_at) as role
    from talk
    inner join messages on talk.row_id = messages.rowid
    where talk.person_id in (select person_id from merged)
    group by messages.source_key, messages.member_id
)
select
    account.person_id, account.source_key, account.member_id, account.name, account.handle,
    coalesce(own.role, first_seen.role) as role, coalesce(own.first_at, first_seen.first_at) as first_at,
    coalesce(own.last_at, first_seen.last_at) as last_at, coalesce(own.messages, first_seen.messages) as messages,
    coalesce(own.first_at = first_seen.first_at, true)
    and first_seen.first_at - source_span.first_at >= interval 60 days as is_newcomer_known
from first_seen
inner join account on first_seen.person_id = account.person_id
left join own on account.source_key = own.source_key and account.member_id = own.member_id
left join source_span on account.source_key = source_span.source_key
where own.messages is not null or account.person_id not in (select person_id from merged);

-- name: keep_resolved
insert into resolved by name
select talk.source_key, talk.line_id, talk.conversation_key, edge.basis
from edge
inner join talk on edge.node = talk.line_id
union all by name
select source_key, line_id, conversation_key, 'inferred' as basis
from inferred;

-- name: keep_conversations
insert into conversations by name
select
    conversation_key, any_value(source_key) as source_key, any_value(place_id) filter (where position = 1) as place_id,
    min(sent_at) as opened_at, max(sent_at) as last_at, count(*) as lines
from talk
group by conversation_key;

-- name: judged
-- needs_reply, first rule that fits: a person's mark; no for courtesies and under three words without a question mark;
-- yes for a question, a mention of staff or the brand, unhappy words, a newcomer's first post; then what the channel is
-- for; then whether the platform gives every conversation its own thread.
create or replace temp table judged as
with seen as (
    select
        asked.ask_id,
        coalesce(asked.asked_at = first_seen.first_at, false)
        and first_seen.first_at - source_span.first_at >= interval 60 days as is_newcomer
    from asked
    left join first_seen on asked.person_id = first_seen.person_id
    left join source_span on asked.source_key = source_span.source_key
)
select
    asked.ask_id, ask_words.message_id, ask_words.sentiment, seen.is_newcomer,
    case
        when marked.ask_id is not null then 'marked: no reply needed'
        when verdict.reason is not null then verdict.reason
        when ask_words.said is not null then ask_words.said
        when staff_mention.ask_id is not null then 'mentions staff'
        when ask_words.has_brand then 'mentions the brand'
        when ask_words.sentiment = 'negative' then 'unhappy'
        when seen.is_newcomer then 'newcomer'
        when place_rule.purpose = 'help' then 'help channel'
        when place_rule.purpose = 'chat' then 'chat channel'
        when asked.is_opener and place.kind = 'forum' then 'opens a thread'
        else 'chat'
    end as reason
from asked
inner join ask_words on asked.ask_id = ask_words.ask_id
inner join seen on asked.ask_id = seen.ask_id
inner join place on asked.place_id = place.place_id
left join place_rule on asked.place_id = place_rule.place_id
left join staff_mention on asked.ask_id = staff_mention.ask_id
left join verdict on asked.ask_id = verdict.ask_id
left join marked on asked.ask_id = marked.ask_id;
drop table ask_words;

-- name: keep_asks
insert into asks by name
select
    asked.ask_id, asked.source_key, asked.place_id, asked.conversation_key, judged.message_id, asked.person_id,
    asked.asked_at, date_trunc('week', asked.day)::date as week,
    asked.is_opener,
    judged.reason not in ('marked: no reply needed', 'courtesy', 'too short', 'chat channel', 'chat') as needs_reply,
    judged.reason, judged.is_newcomer, judged.sentiment, again.again_at, again.ended,
    reply.reply_at, reply.reply_by, reply.staff_reply_at, reply.staff_reply_by, reply.peer_reply_at,
    inferred_reply.inferred_reply_at, inferred_reply.inferred_reply_by,
    inferred_reply.inferred_staff_reply_at, inferred_reply.inferred_peer_reply_at,
    hour_of_week(timezone($zone, asked.asked_at)) as hour_of_week,
    open_wait.business_hours, open_wait.inferred_business_hours, open_wait.business_age_hours
from asked
inner join judged on asked.ask_id = judged.ask_id
left join reply on asked.ask_id = reply.ask_id
left join again on asked.ask_id = again.ask_id
left join inferred_reply on asked.ask_id = inferred_reply.ask_id
left join open_wait on asked.ask_id = open_wait.ask_id;
drop table judged;
drop table reply;

-- name: keep_member_days
insert into member_days by name
select
    place_id, person_id, day, date_trunc('week', day)::date as week,
    lead(day) over (partition by place_id, person_id order by day) as next_day, messages, first_at, last_at
from (
    select
        place_id, person_id, day, count(*) as messages, min(sent_at) as first_at, max(sent_at) as last_at
    from talk
    where role = 'member' and is_human and not is_unknown
    group by all
)
order by day;

-- name: keep_member_weeks
insert into member_weeks by name
select
    place_id, person_id, week, case when count(*) = count(next_day) then max(next_day) end as next_day,
    sum(messages)::bigint as messages, min(first_at) as first_at, max(last_at) as last_at
from member_days
where place_id in (select place_id from place)
group by all
order by week;

-- name: keep_reply_pairs
-- A turn answers the turn before it in its conversation.
insert into reply_pairs by name
with turns as (
    select
        place_id, person_id as replier_id, day,
        lag(person_id) over (partition by conversation_key order by position) as asker_id
    from turn
)
select place_id, replier_id, asker_id, day, count(*) as replies
from turns
where asker_id is not null
group by all;

-- name: keep_newcomers
-- A newcomer's first post opens a conversation or joins one; whoever speaks next there replies to it.
insert into newcomers by name
with newcomer as (
    select person_id, first_at from people
    where is_newcomer_known and source_key in (select source_key from touched)
),
back as (
    select newcomer.person_id, min(member_days.first_at) as first_at
    from newcomer
    inner join member_days on newcomer.person_id = member_days.person_id
    where member_days.day > timezone($zone, newcomer.first_at)::date
    group by newcomer.person_id
),
guessed as (
    select conversation_key, before_person as person_id, min(sent_at) as sent_at from inferred group by all
)
select
    turn.source_key, turn.place_id, turn.person_id, messages.message_id, turn.sent_at as first_at,
    date_trunc('week', turn.day)::date as week, answer.sent_at as reply_at,
    guessed.sent_at as inferred_reply_at, back.first_at as back_at
from turn
inner join newcomer on turn.person_id = newcomer.person_id and turn.sent_at = newcomer.first_at
inner join messages on turn.row_id = messages.rowid
left join turn as answer
    on turn.conversation_key = answer.conversation_key and turn.next_position = answer.position
left join guessed on turn.conversation_key = guessed.conversation_key and turn.person_id = guessed.person_id
left join back on turn.person_id = back.person_id
where turn.role = 'member'
qualify row_number() over (partition by turn.person_id order by turn.line_id) = 1
order by first_at;

-- name: keep_lapses
-- A silence of 28 days in the whole source, 90 % of them covered: a hole in the data is no silence. Whoever is staff
-- now has not left, nor has anybody who speaks on in another source: of merged accounts the last to speak lapses.
insert into lapses by name
with days as (
    select
        source_key, day,
        sum(is_covered::integer) over (
            partition by source_key order by day rows between 1 following and 28 following
        ) as covered_after
    from source_days
    where source_key in (select source_key from touched)
),
pause as (
    select
        place.source_key, member_days.person_id, member_days.day, max(member_days.last_at) as last_at,
        arg_max(member_days.place_id, member_days.last_at) as place_id
    from member_days
    inner join place on member_days.place_id = place.place_id
    where coalesce(member_days.next_day - member_days.day >= 28, true)
    group by all
),
silence as (
    select pause.*, min(later.first_at) as next_at
    from pause
    left join member_days as later on pause.person_id = later.person_id and pause.last_at < later.last_at
    group by all
)
select
    silence.source_key, silence.place_id, silence.person_id, silence.last_at,
    date_trunc('week', silence.day)::date as week, arg_max(talk.conversation_key, talk.line_id) as conversation_key
from silence
inner join days on silence.source_key = days.source_key and silence.day = days.day
inner join source_span on silence.source_key = source_span.source_key
inner join first_seen on silence.person_id = first_seen.person_id
inner join talk
    on silence.person_id = talk.person_id and silence.last_at = talk.sent_at and silence.place_id = talk.place_id
where
    coalesce(silence.next_at, source_span.as_of) - silence.last_at >= interval 28 days
    and days.covered_after >= 0.9 * 28 and talk.is_human
    and (silence.next_at is not null or first_seen.role = 'member')
group by all
order by silence.last_at;

-- name: keep_staff_days
-- What staff say answers a member where a member has spoken before it in that conversation.
insert into staff_days by name
with said as (
    select talk.place_id, talk.day, talk.conversation_key, talk.position, talk.sent_at, talk.line_id
    from talk
    inner join place on talk.place_id = place.place_id
    left join channels on place.source_key = channels.source_key and place.channel_id = channels.channel_id
    where talk.role = 'staff' and talk.is_human and not coalesce(channels.is_private, false)
),
guessed as (
    select inferred.line_id, inferred.conversation_key from inferred semi join said on inferred.line_id = said.line_id
),
member as (
    select conversation_key, min(position) as position, min(sent_at) as sent_at
    from turn
    where
        role = 'member'
        and (
            conversation_key in (select conversation_key from said)
            or conversation_key in (select conversation_key from guessed)
        )
    group by conversation_key
)
select
    said.place_id, said.day, date_trunc('week', said.day)::date as week, count(*) as messages,
    count(*) filter (where member.position < said.position) as answers,
    count(*) filter (
        where coalesce(member.position > said.position, true) and thought.sent_at <= said.sent_at
    ) as inferred_answers
from said
left join member on said.conversation_key = member.conversation_key
left join guessed on said.line_id = guessed.line_id
left join member as thought on guessed.conversation_key = thought.conversation_key
group by said.place_id, said.day
order by said.day;

-- name: later
-- Turns that go on: of somebody who asked, after their ask; of staff, where a member spoke before.
create or replace temp table later as
with going_on as (
    select turn.* exclude (before_at), asked.ask_id
    from turn
    asof inner join asked
        on
            turn.conversation_key = asked.conversation_key
            and turn.person_id = asked.person_id
            and turn.position > asked.position
    where turn.role = 'member' and turn.line_id not in (select anew.ask_id from asked as anew)
),
opened as (
    select conversation_key, min(position) as position from turn where role = 'member' group by conversation_key
)
select * from going_on
union all by name
select turn.* exclude (before_at)
from turn
inner join opened on turn.conversation_key = opened.conversation_key and turn.position > opened.position
where turn.role = 'staff';

-- name: later_words
-- Whether all that was said in such a turn is a courtesy, or too short to mean anything. Of words that are no longer
-- kept, what was found when they were.
create or replace temp table later_words as
with words as (
    select
        later.line_id, talk.position, messages.message_id, messages.text_key,
        messages.text = '' and messages.text_key <> hash(messages.source_key, '') as is_lost,
        coalesce(messages.attachments, 0) > 0 as is_shown, lower(without_links(messages.text)) as words
    from talk
    asof inner join later
        on
            talk.conversation_key = later.conversation_key
            and talk.person_id = later.person_id
            and talk.position >= later.position
    inner join messages on talk.row_id = messages.rowid
    where talk.is_human and talk.position < coalesce(later.next_position, talk.position + 1)
)
select
    words.line_id, arg_min(words.message_id, words.position) as message_id,
    arg_min(words.text_key, words.position) as text_key,
    case
        when bool_or(words.is_lost) then any_value(verdict.reason)
        when bool_or(words.is_shown) then null
        when bool_and(is_courtesy(words.words, $courtesy)) then 'courtesy'
        when bool_and(is_too_short(words.words) and not has_question_mark(words.words)) then 'too short'
    end as said
from words
left join verdict on words.line_id = verdict.ask_id
group by words.line_id;

-- name: keep_later_turns
insert into later_turns by name
select
    later.line_id, later.source_key, later.place_id, later.ask_id, later_words.message_id, later.person_id,
    later.sent_at as said_at, date_trunc('week', later.day)::date as week, later_words.said, next.sent_at as reply_at
from later
inner join later_words on later.line_id = later_words.line_id
left join turn as next
    on later.conversation_key = next.conversation_key and later.next_position = next.position
where later.ask_id is not null
order by said_at;

-- name: keep_staff_replies
insert into staff_replies by name
select
    later.line_id, later.source_key, later.place_id, later_words.message_id, later.person_id,
    later.sent_at as said_at, date_trunc('week', later.day)::date as week,
    case when later_words.said = 'courtesy' then 'courtesy' end as said,
    later_words.text_key <> hash(later.source_key, '')
    and row_number() over (partition by later_words.text_key order by later.sent_at, later.line_id) > 1 as is_copy
from later
inner join later_words on later.line_id = later_words.line_id
where later.ask_id is null
order by said_at;

-- name: keep_staff_hours
insert into staff_hours by name
select
    place_id, person_id, day, date_trunc('week', day)::date as week,
    hour_of_week(timezone($zone, sent_at)) as hour_of_week, count(*) as messages
from talk
where role = 'staff' and is_human
group by all
order by day;

-- name: done
delete from touched;
