-- The versions of an edited post of X are one message, under the first one's id; before, each was one. Later versions
-- of openers can be told: they answer nothing, and yet they are in the conversation of an earlier post by the same
-- account, no more than an hour before and mostly in the same words. Those of replies cannot: who answers somebody
-- twice within an hour looks the same.
create temp table later as
select messages.source_key, messages.message_id, messages.conversation_id as first_id
from messages
inner join sources on messages.source_key = sources.source_key
inner join messages as opener
    on messages.source_key = opener.source_key and messages.conversation_id = opener.message_id
where
    sources.platform = 'x' and messages.message_id <> opener.message_id and messages.member_id = opener.member_id
    and messages.parent_id is null and opener.parent_id is null
    and messages.kind = 'message' and opener.kind = 'message'
    and messages.deleted_at is null and opener.deleted_at is null
    and messages.text <> '' and opener.text <> ''
    and messages.sent_at > opener.sent_at and messages.sent_at <= opener.sent_at + interval 1 hour
    and levenshtein(messages.text, opener.text) * 2 <= greatest(length(messages.text), length(opener.text));

create temp table newest as
select later.source_key, later.first_id, max_by(messages, (messages.sent_at, messages.message_id)) as version
from later
inner join messages on later.source_key = messages.source_key and later.message_id = messages.message_id
group by later.source_key, later.first_id;

update messages set
    text = newest.version.text, text_key = newest.version.text_key, edited_at = newest.version.sent_at,
    mentions = newest.version.mentions, attachments = newest.version.attachments, permalink = newest.version.permalink
from newest
where messages.source_key = newest.source_key and messages.message_id = newest.first_id;

update messages set parent_id = later.first_id
from later
where messages.source_key = later.source_key and messages.parent_id = later.message_id;

delete from messages where (source_key, message_id) in (select (source_key, message_id) from later);
delete from reactions where (source_key, message_id) in (select (source_key, message_id) from later);
delete from verdicts where (source_key, message_id) in (select (source_key, message_id) from later);
delete from touched where source_key in (select source_key from later);
insert into touched select distinct source_key, true as is_whole from later;
drop table newest;
drop table later;
