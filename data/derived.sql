-- The derived tables: what derive/ works out from the facts. They can always be thrown away and built again, so
-- they have no migrations: a change here or in derive/ builds them anew at the next load.

-- One row a channel, with what the settings say of it. since_at and as_of: from when to when its source is covered;
-- business_as_of: what the channel's calendar, a clock that runs while it is open, shows then.
create or replace table places (
    place_id ubigint, source_key bigint, platform varchar, source varchar, source_name varchar, is_demo boolean,
    channel varchar, channel_name varchar, channel_label varchar, kind varchar, is_private boolean,
    purpose varchar, target_hours double,
    first_at timestamptz, last_at timestamptz, since_at timestamptz, as_of timestamptz, business_as_of bigint,
    messages bigint, bot_messages bigint, unknown_messages bigint
);

-- One row a source and day between its first covered day and its as_of.
create or replace table source_days (
    source_key bigint, day date, week date, is_covered boolean, messages bigint
);

-- What was said in a channel on a day.
create or replace table place_days (
    place_id ubigint, source_key bigint, day date, first_at timestamptz, last_at timestamptz,
    messages bigint, bot_messages bigint, unknown_messages bigint
);

-- One row an account that spoke: accounts that somebody has merged share a person_id. is_newcomer_known: its first
-- message is the person's first, and the data starts well before it. first_line and first_node: where it began. side: a
-- hash of what makes its role.
create or replace table people (
    person_id ubigint, source_key bigint, member_id varchar, name varchar, handle varchar, role varchar,
    first_at timestamptz, last_at timestamptz, messages bigint, is_newcomer_known boolean,
    first_line ubigint, first_node ubigint, side ubigint
);

-- Where a message (or the thread it opens) belongs to a conversation that its own fields do not name, for what it is
-- tied to: target.
create or replace table resolved (
    source_key bigint, line_id ubigint, conversation_key ubigint, target ubigint, basis varchar
);

-- Inferred replies: what in a chat channel only seems to answer another line, the target.
create or replace table guesses (
    source_key bigint, line_id ubigint, sent_at timestamptz, person_id ubigint, role varchar,
    target ubigint, answered_id ubigint, answered_role varchar
);

create or replace table conversations (
    conversation_key ubigint, source_key bigint, place_id ubigint,
    opened_at timestamptz, last_at timestamptz, lines bigint
);

-- One row an ask or opener. reply_at is null where nobody has answered; inferred_reply_at is a guess, kept apart.
-- again_at: when the asker spoke after the first reply; ended: how they sounded last within a week of asking.
-- is_settled: a person says that it was answered elsewhere, so nobody waits; a reply it is not.
-- business_asked, _reply, _inferred_reply: what the channel's calendar, a clock that runs while it is open, showed in
-- microseconds; null without a calendar.
create or replace table asks (
    ask_id ubigint, source_key bigint, place_id ubigint, conversation_key ubigint, message_id varchar,
    person_id ubigint, asked_at timestamptz, week date,
    is_opener boolean, needs_reply boolean, reason varchar, is_newcomer boolean, sentiment varchar, is_settled boolean,
    reply_at timestamptz, reply_by ubigint,
    staff_reply_at timestamptz, staff_reply_by ubigint,
    peer_reply_at timestamptz, inferred_reply_at timestamptz, inferred_reply_by ubigint,
    inferred_staff_reply_at timestamptz, inferred_peer_reply_at timestamptz,
    again_at timestamptz, ended varchar,
    hour_of_week utinyint, business_asked bigint, business_reply bigint, business_inferred_reply bigint
);

-- One row a turn that goes on: of somebody who asked, after others have spoken, until they ask anew. said: why it needs
-- no reply, null where it does. reply_at: when anybody else spoke next.
create or replace table later_turns (
    line_id ubigint, source_key bigint, place_id ubigint, ask_id ubigint, message_id varchar, person_id ubigint,
    said_at timestamptz, week date, said varchar, reply_at timestamptz
);

-- One row a turn of staff where a member spoke before. said: null where it is more than a courtesy. is_copy: the same
-- text has answered somebody before.
create or replace table staff_replies (
    line_id ubigint, source_key bigint, place_id ubigint, message_id varchar, person_id ubigint,
    said_at timestamptz, week date, said varchar, text_key ubigint, is_copy boolean
);

-- One row a member of staff, channel and hour in which they spoke. hour_of_week: 0 is the one from midnight on Monday.
create or replace table staff_hours (
    source_key bigint, place_id ubigint, person_id ubigint, day date, week date, hour_of_week utinyint, messages bigint
);

-- One row a member, channel and day (and week) on which they posted, and when they were next there. Staff, bots and
-- unknown accounts are left out. last_node: the thread, or message, they last spoke in.
create or replace table member_days (
    place_id ubigint, person_id ubigint, day date, week date, next_day date,
    messages bigint, first_at timestamptz, last_at timestamptz, last_node ubigint
);

-- Who has accounts in several sources: people that somebody has merged.
create or replace table travellers (person_id ubigint);

-- One row a member and week in which they posted anywhere in their source, with the days before and after it on which
-- they did: before_day and before_at are when they were last there, since_day is their first day of all.
create or replace table member_weeks (
    source_key bigint, person_id ubigint, week date, first_day date, last_day date,
    since_day date, before_day date, next_day date,
    first_at timestamptz, last_at timestamptz, before_at timestamptz
);

-- One row a member's message and how it sounds; label and cell are null where it is unclassified. A cell stands for the
-- chances: 10 times its tenth of negative, and its tenth of positive.
create or replace table sentiments (
    line_id ubigint, source_key bigint, place_id ubigint, person_id ubigint, said_at timestamptz, day date, week date,
    text_key ubigint, label varchar, cell utinyint
);

-- One row a member's praise. thanked_at: when staff next spoke in that conversation.
create or replace table praise (
    line_id ubigint, source_key bigint, place_id ubigint, person_id ubigint, message_id varchar,
    said_at timestamptz, week date, thanked_at timestamptz, is_reacted boolean
);

-- Who answered whom, by conversation and day: people, not accounts' names. pair_id: the two, whoever replied.
create or replace table reply_pairs (
    source_key bigint, place_id ubigint, conversation_key ubigint, replier_id ubigint, asker_id ubigint,
    pair_id ubigint, day date, replies bigint
);

-- One row a pair of known people and day on which one replied to the other anywhere in their source; next_day: when
-- one did again. Of the 90 days up to it: is_two_way: both replied; is_often: on 3 or more days.
create or replace table pair_days (
    source_key bigint, pair_id ubigint, day date, week date, next_day date, is_two_way boolean, is_often boolean
);

-- One row a newcomer's first post, where newcomers can be told. reply_at: when another human next spoke in that
-- conversation; back_at: when they first spoke on a later day.
create or replace table newcomers (
    line_id ubigint, source_key bigint, place_id ubigint, person_id ubigint, message_id varchar,
    first_at timestamptz, week date,
    reply_at timestamptz, inferred_reply_at timestamptz, back_at timestamptz
);

-- One row a member and 28 days of silence: their last message before it, and the conversation it was in.
create or replace table lapses (
    source_key bigint, place_id ubigint, person_id ubigint, conversation_key ubigint, last_at timestamptz, week date
);

-- What staff said in public, by conversation and day: all of it, and what answers a member.
create or replace table staff_days (
    source_key bigint, place_id ubigint, conversation_key ubigint, day date, week date,
    messages bigint, answers bigint, inferred_answers bigint
);

-- What people decided, as the tables above know it: only what can change a number. An account's value names its person.
create or replace table decided (kind varchar, platform varchar, source varchar, native_id varchar, value varchar);
