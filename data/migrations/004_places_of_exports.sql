-- Where an export was when it was loaded, and what read it, so that it can be loaded again by itself.
alter table loads add column path varchar;
alter table loads add column reader varchar;
