-- What follows for each conversation: replies, asks, who goes on. Derived a slice at a time, so that it fits in memory
-- however many there are; no conversation needs another.

-- name: talk
-- Every line of one slice, and what was said before it in its conversation.
create or replace temp table talk as
with followed as (
    select
        * exclude (began_row),
        row_number() over told as position,
        lag(case when is_human then person_id end ignore nulls) over told as before_by,
        lag(case when is_human then sent_at end ignore nulls) over told as before_at
    from placed
    where began_row >= $since_row and began_row < $until_row
    window told as (partition by conversation_key order by sent_at, is_later, line_id)
)
select * exclude (is_later), is_human and (before_by is distinct from person_id) as is_turn from followed;

-- name: keep_resolved
insert into resolved by name
select talk.source_key, talk.line_id, talk.conversation_key, edge.target, edge.basis
from edge
inner join talk on edge.node = talk.line_id;

-- name: last_placed
drop table placed;
drop table edge;

-- name: inferred
-- Guesses of what is answered here.
create or replace temp table inferred as
select
    guesses.* replace (greatest(guesses.sent_at, talk.sent_at) as sent_at),
    talk.conversation_key, talk.sent_at as answered_at
from guesses
inner join talk on guesses.target = talk.line_id;

-- name: keep_conversations
insert into conversations by name
with rest as (
    select conversation_key, max(sent_at) as last_at, max(position) as position
    from talk
    where position > 1
    group by conversation_key
)
select
    talk.conversation_key, talk.source_key, talk.place_id, talk.sent_at as opened_at,
    coalesce(rest.last_at, talk.sent_at) as last_at, coalesce(rest.position, 1) as lines
from talk
left join rest on talk.conversation_key = rest.conversation_key
where talk.position = 1;

-- name: keep_sentiments
-- How members sound. What a person says of a message wins over the scorer.
insert into sentiments by name
select
    talk.line_id, talk.source_key, talk.place_id, talk.person_id, talk.sent_at as said_at, talk.day,
    date_trunc('week', talk.day)::date as week, talk.text_key, coalesce(labelled.label, heard.label) as label,
    case labelled.label when 'negative' then 90 when 'neutral' then 0 when 'positive' then 9 else heard.cell end as cell
from talk
left join heard on talk.text_key = heard.text_key
left join (
    select hash(sources.source_key, labels.message_id) as line_id, any_value(labels.value) as label
    from labels
    inner join sources on labels.platform = sources.platform and labels.source = sources.source
    where labels.value <> 'unsure'
    group by all
) as labelled on talk.line_id = labelled.line_id
where talk.role = 'member' and talk.is_human
order by talk.day;

-- name: turns
-- What one person says before anybody else speaks is one turn.
create or replace temp table turn as
select
    row_id, line_id, source_key, place_id, conversation_key, person_id, role, is_opening, sent_at, day,
    before_by, before_at, position
from talk
where is_turn;

-- name: next_turns
-- What comes after each turn; line_id is null for what comes after a conversation's first.
create or replace temp table next_turn as
select conversation_key, sent_at, lag(line_id) over (partition by conversation_key order by position) as line_id
from turn
where before_by is not null;

-- name: opened
-- From when on members take part.
create or replace temp table opened as
select conversation_key, min(position) as position
from turn
where role = 'member'
group by conversation_key;

-- name: going_on
-- What else is said in a turn.
create or replace temp table going_on as
with more as (
    select conversation_key, row_id, line_id, position from talk where talk.is_human and not talk.is_turn
),
begun as (
    select conversation_key, line_id as turn_id, position
    from turn where conversation_key in (select conversation_key from more)
)
select begun.turn_id, more.row_id, more.line_id, more.position
from more
asof inner join begun on more.conversation_key = begun.conversation_key and more.position >= begun.position;

-- name: asked
-- An opener, or a member's words after a day of silence between both sides. Going on alone is no new ask: the clock
-- started at the first of the consecutive messages. A conversation whose first message is not here has no opener.
create or replace temp table asked as
select
    line_id as ask_id, row_id, source_key, place_id, conversation_key, person_id,
    sent_at as asked_at, day, position, position = 1 and is_opening as is_opener
from turn
where role = 'member' and ((position = 1 and is_opening) or hours_between(before_at, sent_at) >= 24);

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
where turn.before_by is not null
group by asked.ask_id;

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
        and inferred.answered_id = asked.person_id
        and inferred.answered_at >= asked.asked_at
group by asked.ask_id;

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
    inner join spoken as messages on kind.row_id = messages.row_id
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

-- name: keep_staff_days
-- What staff say answers a member where a member has spoken before it in that conversation.
insert into staff_days by name
with said as (
    select
        talk.source_key, talk.place_id, talk.day, talk.conversation_key, talk.position, talk.sent_at, talk.line_id
    from talk
    inner join place on talk.place_id = place.place_id
    where talk.role = 'staff' and talk.is_human and not place.is_private
)
select
    said.source_key, said.place_id, said.conversation_key, said.day, date_trunc('week', said.day)::date as week,
    count(*) as messages,
    count(*) filter (where opened.position < said.position) as answers,
    count(*) filter (
        where coalesce(opened.position > said.position, true)
        and said.line_id in (select line_id from guesses where answered_role = 'member')
    ) as inferred_answers
from said
left join opened on said.conversation_key = opened.conversation_key
group by all
order by said.day;

-- name: free_talk
drop table talk;

-- name: later
-- Turns that may go on: of somebody whose ask was answered, after it; of staff, where a member spoke before.
create or replace temp table later as
with answered as (
    select conversation_key, person_id, min(position) as position
    from asked
    where ask_id in (select ask_id from reply)
    group by conversation_key, person_id
)
select turn.* exclude (before_by, before_at)
from turn
inner join answered
    on
        turn.conversation_key = answered.conversation_key and turn.person_id = answered.person_id
        and turn.position > answered.position
where turn.role = 'member' and turn.position > 2 and turn.line_id not in (select ask_id from asked)
union all
select turn.* exclude (before_by, before_at)
from turn
inner join opened on turn.conversation_key = opened.conversation_key and turn.position > opened.position
where turn.role = 'staff';

-- name: turn_words
-- What all that is said in a turn says of itself, so that "hi" and the question after it are one ask, and going on is
-- judged as asking is. The words themselves go no further: with them the tables below would not fit in memory. Of turns
-- that go on whose words are no longer kept, what was found when they were; a picture among them says something.
create or replace temp table begun as
select ask_id as turn_id, row_id, is_opener, true as is_ask from asked
union all
select line_id as turn_id, row_id, false as is_opener, false as is_ask from later;
create or replace temp table turn_words as
with more as (
    select
        going_on.turn_id, string_agg(messages.text, chr(10) order by going_on.position) as text,
        flatten(list(messages.mentions)) as mentions, sum(messages.attachments) as attachments,
        list(messages.text_key order by going_on.position) filter (
            where messages.text_key <> hash(messages.source_key, '')
        ) as text_keys,
        list(sounds_like(sentiments.cell)) as sounds
    from going_on
    inner join spoken as messages on going_on.row_id = messages.row_id
    left join sentiments on going_on.line_id = sentiments.line_id
    where going_on.turn_id in (select turn_id from begun)
    group by going_on.turn_id
),
-- Kept before it is judged: in the steps of a join DuckDB would build each pattern again.
said as materialized (
    select
        begun.turn_id, messages.message_id, messages.text_key,
        messages.text_key = hash(messages.source_key, '') as is_bare,
        -- What is said in several messages is one text: a greeting that opens every reply makes no copies of them.
        case
            when len(more.text_keys) > 0
                then list_concat(if(is_bare, [], [messages.text_key]), more.text_keys)
        end as text_keys,
        -- Mail and forums repeat the opener's title on every reply: it is the opener's question.
        lower(without_links(concat_ws(
            chr(10), case when begun.is_opener then messages.title end, messages.text, more.text
        ))) as words,
        begun.is_ask or coalesce(messages.attachments, 0) + coalesce(more.attachments, 0) = 0 as is_in_words,
        not begun.is_ask and messages.text = '' and not is_bare as is_lost,
        list_concat(messages.mentions, coalesce(more.mentions, [])) as mentions,
        list_append(coalesce(more.sounds, []), sounds_like(sentiments.cell)) as sounds,
        verdict.reason as found_then
    from begun
    inner join spoken as messages on begun.row_id = messages.row_id
    left join sentiments on begun.turn_id = sentiments.line_id
    left join more on begun.turn_id = more.turn_id
    left join verdict on begun.turn_id = verdict.ask_id
)
select
    said.turn_id, said.message_id, said.mentions,
    case
        when said.text_keys is null then said.text_key when len(said.text_keys) = 1 then said.text_keys[1]
        else hash(said.text_keys)
    end as text_key,
    has_word(said.words, $brands) as has_brand,
    case
        when list_contains(said.sounds, 'negative') then 'negative'
        when list_contains(said.sounds, 'positive') then 'positive'
        else list_max(said.sounds)
    end as sentiment,
    case
        when said.is_lost then said.found_then
        when not said.is_in_words then null
        when is_courtesy(said.words, $courtesy) then 'courtesy'
        when has_question_mark(said.words) then 'question'
        when is_too_short(said.words) then 'too short'
        when has_question_word(said.words, $question) then 'question'
        when is_closing(said.words, $thanks, $solved, $turns) then 'closing'
    end as said
from said;

-- name: staff_mentions
create or replace temp table staff_mention as
select distinct asked.ask_id
from (
    select turn_id as ask_id, unnest(mentions) as member_id from turn_words
) as named
inner join asked on named.ask_id = asked.ask_id
inner join account on asked.source_key = account.source_key and named.member_id = account.member_id
where role_at(account.rules, account.flagged, asked.asked_at) = 'staff';

-- name: readings
-- A calendar's clock runs while it is open. What it showed, in microseconds, at each ask and its replies: how long it
-- was open in between is the difference of two readings.
create or replace temp table reading as
with moments as (
    select
        asked.ask_id, place_rule.calendar, unnest(['asked', 'reply', 'inferred']) as what,
        unnest([asked.asked_at, reply.reply_at, inferred_reply.inferred_reply_at]) as moment
    from asked
    inner join place_rule on asked.place_id = place_rule.place_id
    left join reply on asked.ask_id = reply.ask_id
    left join inferred_reply on asked.ask_id = inferred_reply.ask_id
    where place_rule.calendar is not null
),
clock as (
    select
        moments.ask_id, moments.what,
        (opening.open_before + epoch_us(least(moments.moment, opening.closes_at)) - epoch_us(opening.opens_at))::bigint
        as shown
    from moments
    asof inner join opening on moments.calendar = opening.calendar and moments.moment >= opening.opens_at
)
select
    ask_id, any_value(shown) filter (where what = 'asked') as asked,
    any_value(shown) filter (where what = 'reply') as reply,
    any_value(shown) filter (where what = 'inferred') as inferred
from clock
group by ask_id;

-- name: newcomer_asks
create or replace temp table newcomer_ask as
select asked.ask_id
from first_seen
inner join source_span on first_seen.source_key = source_span.source_key
inner join asked on first_seen.person_id = asked.person_id and first_seen.first_at = asked.asked_at
where
    first_seen.is_first and first_seen.source_key = asked.source_key
    and hours_between(source_span.first_at, first_seen.first_at) >= 60 * 24;

-- name: keep_asks
-- needs_reply, first rule that fits: a person's mark; no for courtesies, thanks that close a matter, and under three
-- words without a question mark; yes for a question, a mention of staff or the brand, unhappy words, a newcomer's first
-- post; then what the channel is for; then whether the platform gives every conversation its own thread.
insert into asks by name
with judged as (
    select
        asked.*, turn_words.message_id, turn_words.sentiment, newcomer_ask.ask_id is not null as is_newcomer,
        coalesce(marked.value = 'answered', false) as is_settled,
        case
            when marked.value = 'no_reply' then 'marked: no reply needed'
            when verdict.reason is not null then verdict.reason
            when turn_words.said is not null then turn_words.said
            when staff_mention.ask_id is not null then 'mentions staff'
            when turn_words.has_brand then 'mentions the brand'
            when turn_words.sentiment = 'negative' then 'unhappy'
            when is_newcomer then 'newcomer'
            when place_rule.purpose = 'help' then 'help channel'
            when place_rule.purpose = 'chat' then 'chat channel'
            when asked.is_opener and place.kind = 'forum' then 'opens a thread'
            else 'chat'
        end as reason
    from asked
    inner join turn_words on asked.ask_id = turn_words.turn_id
    inner join place on asked.place_id = place.place_id
    left join place_rule on asked.place_id = place_rule.place_id
    left join newcomer_ask on asked.ask_id = newcomer_ask.ask_id
    left join staff_mention on asked.ask_id = staff_mention.ask_id
    left join verdict on asked.ask_id = verdict.ask_id
    left join marked on asked.ask_id = marked.ask_id
)
select
    judged.* exclude (row_id, day, position), date_trunc('week', judged.day)::date as week,
    judged.reason not in ('marked: no reply needed', 'courtesy', 'closing', 'too short', 'chat channel', 'chat')
    as needs_reply,
    again.* exclude (ask_id), reply.* exclude (ask_id, position), inferred_reply.* exclude (ask_id),
    hour_of_week(timezone($zone, judged.asked_at)) as hour_of_week,
    reading.asked as business_asked, reading.reply as business_reply, reading.inferred as business_inferred_reply
from judged
left join reply on judged.ask_id = reply.ask_id
left join again on judged.ask_id = again.ask_id
left join inferred_reply on judged.ask_id = inferred_reply.ask_id
left join reading on judged.ask_id = reading.ask_id;

-- name: keep_reply_pairs
-- A turn answers the turn before it in its conversation.
insert into reply_pairs by name
select
    source_key, place_id, conversation_key, person_id as replier_id, before_by as asker_id,
    hash(least(person_id, before_by), greatest(person_id, before_by)) as pair_id, day, count(*) as replies
from turn
where before_by is not null
group by all;

-- name: keep_newcomers
-- A newcomer's first post opens a conversation or joins one; whoever speaks next there replies to it.
insert into newcomers by name
with guessed as (
    select conversation_key, answered_id as person_id, min(sent_at) as sent_at from inferred group by all
)
select
    turn.line_id, turn.source_key, turn.place_id, turn.person_id, messages.message_id, turn.sent_at as first_at,
    date_trunc('week', turn.day)::date as week, answer.sent_at as reply_at, guessed.sent_at as inferred_reply_at
from people
inner join turn on people.first_line = turn.line_id
inner join spoken as messages on turn.row_id = messages.row_id
left join next_turn as answer
    on
        turn.conversation_key = answer.conversation_key
        and answer.line_id is not distinct from case when turn.before_by is not null then turn.line_id end
left join guessed on turn.conversation_key = guessed.conversation_key and turn.person_id = guessed.person_id
where people.is_newcomer_known and turn.role = 'member'
order by first_at;

-- name: keep_later_turns
insert into later_turns by name
with answered as (
    select ask_id, conversation_key, person_id, position from asked
    where
        ask_id in (select ask_id from reply)
        -- Thanks after a day of silence ask nothing anew.
        and (is_opener or ask_id in (select ask_id from asks where needs_reply))
),
gone_on as (
    select later.line_id, arg_max(answered.ask_id, answered.position) as ask_id
    from later
    inner join answered
        on
            later.conversation_key = answered.conversation_key
            and later.person_id = answered.person_id
            and later.position > answered.position
    where later.role = 'member'
    group by later.line_id
)
select
    later.line_id, later.source_key, later.place_id, gone_on.ask_id, turn_words.message_id, later.person_id,
    later.sent_at as said_at, date_trunc('week', later.day)::date as week, nullif(turn_words.said, 'question') as said,
    next.sent_at as reply_at
from later
inner join gone_on on later.line_id = gone_on.line_id
inner join turn_words on later.line_id = turn_words.turn_id
left join next_turn as next on later.line_id = next.line_id
order by said_at;

-- name: note_staff_replies
insert into staff_reply by name
select
    later.line_id, later.source_key, later.place_id, turn_words.message_id, later.person_id,
    later.sent_at as said_at, date_trunc('week', later.day)::date as week,
    case when turn_words.said = 'courtesy' then 'courtesy' end as said, turn_words.text_key
from later
inner join turn_words on later.line_id = turn_words.turn_id
where later.role = 'staff';

-- name: drop_words
drop table begun;
drop table turn_words;
