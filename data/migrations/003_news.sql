-- Only what news concern is derived anew.
alter table touched add column is_whole boolean default true;
create table news (
    source_key bigint, message_id varchar, channel_id varchar, member_id varchar, sent_at timestamptz,
    conversation_id varchar, parent_id varchar
);
