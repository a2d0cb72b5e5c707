-- How messages sound is kept, by text; and what a load left out, or read although it is private.
alter table messages add column text_key ubigint;
update messages set text_key = hash(source_key, text);
create table scores (
    text_key ubigint, scorer varchar, version varchar,
    negative float, neutral float, positive float, label varchar, language varchar, flags usmallint
);
create table scorer (name varchar, version varchar);
alter table loads add column left_out struct(kind varchar, records bigint)[];
alter table loads add column private_reason varchar;
