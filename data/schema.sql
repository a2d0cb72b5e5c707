-- The facts, as they are kept in the loader's own database file. Key of everything: (platform, source, native id);
-- source_key stands for the first two. No primary keys: merge.sql keeps rows unique, and an index would live in
-- memory.

create table about (schema_version integer, derived_with varchar);

-- source_name: what the settings call it, else its export_name, which is what its exports do.
create table sources (
    source_key bigint, platform varchar, source varchar, source_name varchar, is_demo boolean, export_name varchar
);

create table channels (
    source_key bigint, channel_id varchar, name varchar, kind varchar, is_private boolean, updated_at timestamptz
);

create table members (
    source_key bigint, member_id varchar, name varchar, handle varchar,
    email_hash varchar, email_domain varchar, is_bot boolean, is_staff boolean, updated_at timestamptz
);

create table messages (
    source_key bigint, message_id varchar, channel_id varchar, member_id varchar,
    sent_at timestamptz, text varchar, kind varchar, title varchar,
    conversation_id varchar, parent_id varchar, basis varchar,
    edited_at timestamptz, deleted_at timestamptz,
    mentions varchar[], attachments integer, permalink varchar,
    text_key ubigint
);

-- How each distinct text of a source sounds: what one version of one scorer said. A text is known by its text_key, also
-- when its words are no longer kept. Chances and label are null where the text is unclassified; `flags` say why.
create table scores (
    text_key ubigint, scorer varchar, version varchar,
    negative float, neutral float, positive float, label varchar, language varchar, flags usmallint
);

-- Whose scores count: one row, or none.
create table scorer (name varchar, version varchar);

create table reactions (
    source_key bigint, message_id varchar, name varchar, member_id varchar, count integer
);

create table audience (
    source_key bigint, measure varchar, of_what varchar, measured_at timestamptz, value double
);

-- The ledger: what each load read, and what became of it. read = inserted + updated + unchanged + refused. left_out:
-- what the reader passed over on purpose, by kind; private_reason: why private content was read all the same.
-- path: where the export was then; reader: what read it.
create table loads (
    load_id bigint, source_key bigint, file varchar, loaded_at timestamptz, seconds double,
    read bigint, inserted bigint, updated bigint, unchanged bigint, refused bigint,
    messages bigint, system bigint, members bigint, channels bigint, reactions bigint,
    covered_since timestamptz, covered_until timestamptz,
    left_out struct(kind varchar, records bigint)[], private_reason varchar, path varchar, reader varchar
);

create table chunks (
    load_id bigint, chunk integer, read bigint, inserted bigint, updated bigint, unchanged bigint, refused bigint
);

-- The quarantine: records that could not be read, with the bytes as they came. load_id: the last load that refused it;
-- null: a later load of the same file did not.
create table refused (
    refused_id varchar, source_key bigint, load_id bigint, refused_at timestamptz,
    file varchar, place varchar, reason varchar, raw blob
);

-- Why an ask needed a reply, for asks whose words are no longer kept.
create table verdicts (source_key bigint, message_id varchar, reason varchar);

-- Sources whose derived tables are older than their facts, in all or only in what the news concerns: a load that was
-- cut off leaves its mark here.
create table touched (source_key bigint, is_whole boolean);

-- Messages that came or changed since: where each was, and is.
create table news (
    source_key bigint, message_id varchar, channel_id varchar, member_id varchar, sent_at timestamptz,
    conversation_id varchar, parent_id varchar
);
