-- What a text says of itself. $question, $courtesy and $brands are regular expressions made from data/words.toml and
-- the settings.

create or replace temp macro without_links(words) as
    regexp_replace(regexp_replace(coalesce(words, ''), 'https?://\S+', ' ', 'g'), ':[a-z0-9_+\-]+:', ' ', 'g');

create or replace temp macro has_question_mark(words) as regexp_matches(without_links(words), '[?？؟]');

-- Chinese and Japanese leave no room between words: two signs count as one.
create or replace temp macro word_count(words) as
    len(regexp_extract_all(without_links(words), '[\p{L}\p{N}][\p{L}\p{M}\p{N}''’_]*'))
    + len(regexp_extract_all(coalesce(words, ''), '[\p{Han}\p{Hiragana}\p{Katakana}]')) // 2;

create or replace temp macro is_courtesy(words, courtesy) as
    regexp_full_match(lower(without_links(words)), courtesy);

create or replace temp macro has_question_word(words, question) as
    regexp_matches(lower(without_links(words)), question);

create or replace temp macro has_word(words, pattern) as
    coalesce(regexp_matches(lower(words), pattern), false);
